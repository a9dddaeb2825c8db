/** What a move would have to carry and pass, found out by reading a little. No side effects. */
import {
  ComAtprotoRepoListRecords,
  ComAtprotoSyncGetBlob,
  ComAtprotoSyncListBlobs,
} from '@atcute/atproto'
import { XrpcError } from '#protocol/xrpc'
import type { OwnerSession } from './session.ts'

/** Blobs that are asked for, spread over those listed first. */
const SAMPLED = 5
/** A record with its share of the tree, as repositories of people have it. */
const RECORD_BYTES = 450

export interface CloserLook {
  /** Blobs asked for, and how many of them the host began to send. */
  blobSample: { asked: number; reached: number; largestBytes: number }
  /** About how many bytes all blobs are, by the sample. */
  blobBytes: number
  /** About how many bytes are to be copied in all. */
  bytes: number
  /** Names of the feeds whose records are in the repository: they are served elsewhere, and stay. */
  feeds: string[]
  /** The account is a labeler: its service stays where the identity names it. */
  isLabeler: boolean
  /** How many calls the host allows, where it says so. */
  rate: { limit: number; remaining: number; windowSeconds: number } | undefined
}

export async function lookCloser(
  source: OwnerSession,
  counts: { records: number; blobs: number },
): Promise<CloserLook> {
  const [sample, feeds, labelers] = await Promise.all([
    sampleBlobs(source),
    records(source, 'app.bsky.feed.generator'),
    records(source, 'app.bsky.labeler.service'),
  ])
  const { sizes, asked, rate } = sample
  const mean = sizes.length === 0 ? 0 : sizes.reduce((sum, size) => sum + size, 0) / sizes.length
  const blobBytes = Math.round(mean * counts.blobs)
  return {
    blobSample: { asked, reached: sizes.length, largestBytes: Math.max(0, ...sizes) },
    blobBytes,
    bytes: blobBytes + counts.records * RECORD_BYTES,
    feeds: feeds.map(({ rkey, value }) => {
      const { displayName } = value as { displayName?: unknown }
      return typeof displayName === 'string' ? displayName.slice(0, 100) : rkey
    }),
    isLabeler: labelers.length > 0,
    rate,
  }
}

async function sampleBlobs({ client, state: { did } }: OwnerSession): Promise<{
  asked: number
  sizes: number[]
  rate: CloserLook['rate']
}> {
  const list = ComAtprotoSyncListBlobs.mainSchema
  const { cids } = await orNone(client.get(list, { did, limit: 1_000 }), { cids: [] })
  const step = Math.max(1, Math.floor(cids.length / SAMPLED))
  const some = cids.filter((_, i) => i % step === 0).slice(0, SAMPLED)
  const sizes: number[] = []
  let rate: CloserLook['rate']
  for (const cid of some) {
    const schema = ComAtprotoSyncGetBlob.mainSchema
    const answer = await orNone(client.getStream(schema, { did, cid }), undefined)
    if (!answer) continue
    const reading = answer.body[Symbol.asyncIterator]()
    const begun = await orNone(reading.next(), undefined)
    await reading.return?.()
    if (!begun || begun.done) continue
    sizes.push(Number(answer.headers.get('content-length')) || begun.value.byteLength)
    rate = rateOf(answer.headers) ?? rate
  }
  return { asked: some.length, sizes, rate }
}

/** `ratelimit-policy` is `limit;w=seconds`. */
function rateOf(headers: Headers): CloserLook['rate'] {
  const limit = Number(headers.get('ratelimit-limit'))
  const [, window] = /;w=(\d+)/.exec(headers.get('ratelimit-policy') ?? '') ?? []
  if (!(limit > 0) || window === undefined) return undefined
  const remaining = Number(headers.get('ratelimit-remaining') ?? limit)
  return { limit, remaining, windowSeconds: Number(window) }
}

async function records({ client, state: { did } }: OwnerSession, collection: string) {
  const params = { repo: did, collection, limit: 100 } as never
  const schema = ComAtprotoRepoListRecords.mainSchema
  const page = await orNone(client.get(schema, params), { records: [] })
  return page.records.map(({ uri, value }) => ({ rkey: uri.split('/').at(-1)!, value }))
}

/** What a host does not say is not known; nothing depends on it. */
const orNone = <T, N>(asking: Promise<T>, none: N): Promise<T | N> =>
  asking.catch((error: unknown) => {
    if (error instanceof XrpcError) return none
    throw error
  })
