/** The first host, as its standby calls it. */
import type { Fetch } from '#platform/runtime'
import {
  type StandbyJoined,
  type StandbyPull,
  standbyGetAccountFile,
  standbyGetBlob,
  standbyGetDirectory,
  standbyJoin,
  standbyPull,
} from '#protocol/account'
import type { Did } from '#protocol/syntax'
import { type XrpcClient, XrpcError, xrpcClient } from '#protocol/xrpc'
import type { Position } from './directory-copy.ts'
import { decodeBatch, type FeedBatch } from './wire.ts'

/** A pull that has nothing is answered within five seconds; without an answer by then nobody is there. */
const PULL_MS = 15_000
const CALL_MS = 15_000
/** A file may be large; it has to go on coming. */
const FILE_MS = 12 * 60 * 60 * 1000
const HEADERS_MS = 10 * 60 * 1000
/** An answer to a pull is cut at 4 MiB, behind what goes beyond that: one entry, or one commit's changes. */
const PULL_BYTES = 160 * 1024 * 1024

export class Upstream {
  readonly url: string
  readonly #client: XrpcClient

  constructor(options: { url: string; secret: string; fetch: Fetch }) {
    const { url, secret, fetch } = options
    this.url = url
    this.#client = xrpcClient({
      service: url,
      headers: { authorization: `Bearer ${secret}` },
      fetch: (target, init) => {
        const isFile = target.includes('.getDirectory') || target.includes('.getAccountFile')
        const isBlob = target.includes('.getBlob')
        return fetch(target, {
          ...init,
          maxRedirects: 0,
          timeoutMs: isFile || isBlob ? FILE_MS : PULL_MS,
          headersTimeoutMs: isFile ? HEADERS_MS : CALL_MS,
          maxResponseBytes: isFile || isBlob ? Number.MAX_SAFE_INTEGER : PULL_BYTES,
        })
      },
    })
  }

  join(standby: string, signal: AbortSignal): Promise<StandbyJoined> {
    return this.#client.post(standbyJoin, { standby }, {}, { signal })
  }

  /** Waits a while when there is nothing. Throws ChangesGone, EntriesGone, NotACopy. */
  async pull(pull: StandbyPull, signal: AbortSignal): Promise<FeedBatch> {
    const bytes = await this.#client.getBytes(standbyPull, pull, { signal, maxBytes: PULL_BYTES })
    return decodeBatch(bytes)
  }

  /** The directory, where in the channel it is, and the entry that has to be here before it. */
  async directory(
    signal: AbortSignal,
  ): Promise<{ body: AsyncIterable<Uint8Array>; position: Position; seq: number }> {
    const { body, headers } = await this.#client.getStream(standbyGetDirectory, {}, { signal })
    const number = (name: string) => Number(headers.get(name) ?? Number.NaN)
    const position = { epoch: headers.get('x-falaj-epoch') ?? '', change: number('x-falaj-change') }
    return { body, position, seq: number('x-falaj-seq') }
  }

  /** Undefined when there is no such account, or file. */
  async accountFile(
    did: Did,
    generation: number | undefined,
    signal: AbortSignal,
  ): Promise<{ body: AsyncIterable<Uint8Array>; generation: number } | undefined> {
    const params = { did, ...(generation !== undefined && { generation }) }
    const answer = await orMissing(
      this.#client.getStream(standbyGetAccountFile, params, { signal }),
      'AccountNotFound',
    )
    if (!answer) return undefined
    return { body: answer.body, generation: Number(answer.headers.get('x-falaj-generation')) }
  }

  async blob(
    did: Did,
    cid: string,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const call = this.#client.getStream(standbyGetBlob, { did, cid }, { signal })
    return (await orMissing(call, 'BlobNotFound'))?.body
  }
}

async function orMissing<T>(call: Promise<T>, missing: string): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof XrpcError && error.error === missing) return undefined
    throw error
  }
}
