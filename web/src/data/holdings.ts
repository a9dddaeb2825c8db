/** What a person's host holds for them, and taking a copy of it home. */
import { tidMicros } from 'falaj/protocol/syntax'
import { type Identity, identityOf } from './identity.ts'
import { act, ask, fetchMine, me } from './session.ts'
import { query } from './xrpc.ts'

export interface Holdings {
  records: number
  /** Media files that records refer to, and how many of them the host has. */
  mediaExpected: number
  mediaHeld: number
  active: boolean
  /** When the repository last changed. */
  changedAtMs?: number
}

interface AccountStatus {
  activated: boolean
  indexedRecords: number
  expectedBlobs: number
  importedBlobs: number
  repoRev: string
}

/** Counts from the host's own books. */
export async function holdings(): Promise<Holdings> {
  const status = await ask<AccountStatus>('com.atproto.server.checkAccountStatus')
  return {
    records: status.indexedRecords,
    mediaExpected: status.expectedBlobs,
    mediaHeld: status.importedBlobs,
    active: status.activated,
    changedAtMs: whenOfRev(status.repoRev),
  }
}

function whenOfRev(rev: string): number | undefined {
  try {
    return tidMicros(rev) / 1000
  } catch {
    return undefined
  }
}

/** The person's DID document, and the names of the collections in their repository. */
export async function whoAndWhat(did: string, host: string) {
  const options = { params: { repo: did } }
  const [identity, repo] = await Promise.all([
    identityOf(did).catch((): Identity => ({ did, document: undefined })),
    query<{ collections: string[] }>(host, 'com.atproto.repo.describeRepo', options).catch(() => ({
      collections: [],
    })),
  ])
  return { identity, collections: repo.collections }
}

/**
 * Downloads the repository as a CAR and hands it to the browser to save; `onBytes` hears how much has
 * come. Resolves with the size.
 */
export async function downloadRepo(onBytes: (bytes: number) => void): Promise<number> {
  const session = me.peek()
  const did = session?.did ?? ''
  const options = { params: { did }, timeoutMs: 30 * 60_000 }
  const response = await fetchMine('com.atproto.sync.getRepo', options)
  const chunks: BlobPart[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    size += chunk.byteLength
    onBytes(size)
  }
  const blob = new Blob(chunks, { type: 'application/vnd.ipld.car' })
  const day = new Date().toISOString().slice(0, 10)
  save(blob, `${session?.handle ?? did}-${day}.car`)
  return size
}

/** Saves a file through the browser. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** Wakes an account that was switched off at its host. */
export const activate = () => act('com.atproto.server.activateAccount', { body: {} })
