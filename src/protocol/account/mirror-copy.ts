/** A copy of a repository at whoever serves it: a relay that keeps repositories, a former host, another mirror. */
import { ComAtprotoSyncGetBlob, ComAtprotoSyncGetRepo } from '@atcute/atproto'
import type { Did, Tid } from '#protocol/syntax'
import { ProtocolError } from '#protocol/syntax'
import { type Fetch, XrpcError, xrpcClient } from '#protocol/xrpc'
import { readHead } from './head.ts'

/** The newest of the copies that were found. Nothing of it is believed: a host that takes it checks all. */
export interface MirrorCopy {
  /** Origin of the mirror that has it. */
  source: string
  rev: Tid
  repo(): AsyncIterable<Uint8Array>
  /** From whichever mirror has it; undefined when none does. */
  blob(cid: string): Promise<Uint8Array | undefined>
  /** Why the others gave none, by origin. */
  refused: { source: string; why: string }[]
}

/** As hosts take them. */
const BLOB_BYTES_MAX = 512 * 1024 * 1024

/** Looks at each mirror, and takes the one that has the most. Throws CannotRecover when none has any. */
export async function mirrorCopy({
  mirrors,
  did,
  fetch,
}: {
  /** Origins. */
  mirrors: readonly string[]
  did: Did
  fetch: Fetch
}): Promise<MirrorCopy> {
  const clients = mirrors.map((service) => ({ service, client: xrpcClient({ service, fetch }) }))
  const refused: MirrorCopy['refused'] = []
  let best: { service: string; rev: Tid } | undefined
  for (const { service, client } of clients) {
    try {
      const { rev } = await readHead(client, did)
      if (best === undefined || rev > best.rev) best = { service, rev }
    } catch (error) {
      refused.push({ source: service, why: (error as Error).message })
    }
  }
  if (best === undefined) {
    const why = refused.map((one) => `${one.source}: ${one.why}`).join('; ')
    throw new ProtocolError('CannotRecover', `no mirror has a copy of ${did}: ${why}`)
  }
  const { service, rev } = best
  return {
    ...{ source: service, rev, refused },
    async *repo() {
      const { client } = clients.find((one) => one.service === service)!
      yield* (await client.getStream(ComAtprotoSyncGetRepo.mainSchema, { did })).body
    },
    async blob(cid) {
      let away: unknown
      for (const { client } of clients) {
        try {
          const limits = { maxBytes: BLOB_BYTES_MAX }
          return await client.getBytes(ComAtprotoSyncGetBlob.mainSchema, { did, cid }, limits)
        } catch (error) {
          if (!(error instanceof XrpcError)) throw error
          if (error.status >= 500 && error.status !== 501) away = error
        }
      }
      // One that is away just now may have it: better to try again than to call it lost.
      if (away !== undefined && clients.length === 1) throw away
      return undefined
    },
  }
}
