/** Following one's last post along the channel: is it at the host, at the relay, in the view? */
import { network } from '../app/config.ts'
import type { Layer } from './health.ts'
import { viewService } from './services.ts'
import { query } from './xrpc.ts'

export type Passage = 'waiting' | 'here' | 'missing'

export interface Arrival {
  layer: Layer
  passage: Passage
}

interface RecordList {
  records: { uri: string; value: { createdAt?: string } }[]
}

/** The newest post in a person's repository, as their host has it. */
export async function lastPost(host: string, did: string): Promise<string | undefined> {
  const params = { repo: did, collection: 'app.bsky.feed.post', limit: 1 }
  const { records } = await query<RecordList>(host, 'com.atproto.repo.listRecords', { params })
  return records[0]?.uri
}

/**
 * Tells, stop by stop, where the post at `uri` has come to. It is at the relay when the relay knows
 * a commit at least as new as the host's, and in the view when the view shows it.
 */
export async function* follow(host: string, did: string, uri: string): AsyncGenerator<Arrival> {
  yield { layer: 'host', passage: 'here' }
  const { relay } = network()
  if (relay) yield { layer: 'relay', passage: await atRelay(relay.url, host, did) }
  yield { layer: 'view', passage: await inView(viewService().url, uri) }
}

interface Head {
  rev?: string
}

async function atRelay(relay: string, host: string, did: string): Promise<Passage> {
  const options = { params: { did }, timeoutMs: 6_000 }
  try {
    const [there, here] = await Promise.all([
      query<Head>(relay, 'com.atproto.sync.getLatestCommit', options),
      query<Head>(host, 'com.atproto.sync.getLatestCommit', options),
    ])
    return (there.rev ?? '') >= (here.rev ?? '~') ? 'here' : 'missing'
  } catch {
    return 'missing'
  }
}

async function inView(view: string, uri: string): Promise<Passage> {
  try {
    const options = { params: { uris: [uri] }, timeoutMs: 6_000 }
    const { posts } = await query<{ posts: unknown[] }>(view, 'app.bsky.feed.getPosts', options)
    return posts.length > 0 ? 'here' : 'missing'
  } catch {
    return 'missing'
  }
}
