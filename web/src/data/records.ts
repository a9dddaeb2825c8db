/** Writing records into the person's own repository. */
import { TidClock } from 'falaj/protocol/syntax'
import { act, me } from './session.ts'
import type { StrongRef } from './views.ts'
import { CallError } from './xrpc.ts'

const clock = new TidClock(Date.now, Math.floor(Math.random() * 1024))

/** A record key made here: sending the same write twice can then never make two records. */
export const nextKey = () => clock.next()

/** Creates a record; a second try with the same key that finds it there counts as done. */
export async function createRecord(
  collection: string,
  record: object,
  rkey: string = nextKey(),
): Promise<StrongRef> {
  const repo = me.peek()?.did ?? ''
  const body = { repo, collection, rkey, record: { $type: collection, ...record } }
  try {
    return await act<StrongRef>('com.atproto.repo.createRecord', { body })
  } catch (error) {
    if (!(error instanceof CallError) || error.error !== 'RecordExists') throw error
    return { uri: `at://${repo}/${collection}/${rkey}`, cid: '' }
  }
}

/** Deletes a record by its URI; deleting what is gone is no error. */
export async function deleteRecord(uri: string): Promise<void> {
  const [repo, collection, rkey] = uri.slice('at://'.length).split('/')
  await act('com.atproto.repo.deleteRecord', { body: { repo, collection, rkey } })
}

/** Replaces the record at a fixed key (a profile). */
export function putRecord(collection: string, rkey: string, record: object): Promise<StrongRef> {
  const repo = me.peek()?.did ?? ''
  const body = { repo, collection, rkey, record: { $type: collection, ...record } }
  return act<StrongRef>('com.atproto.repo.putRecord', { body })
}

export const now = () => new Date().toISOString()
