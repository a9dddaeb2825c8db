import { mainSchema as actorsSchema } from '@atcute/bluesky/types/app/unspecced/searchActorsSkeleton'
import { mainSchema as postsSchema } from '@atcute/bluesky/types/app/unspecced/searchPostsSkeleton'
import type { Fetch, Timers } from '#platform/runtime'
import { type Did, isDid } from '#protocol/syntax'
import {
  type ParamsInputOf,
  type QuerySchema,
  type XrpcClient,
  XrpcError,
  xrpcClient,
} from '#protocol/xrpc'
import { postRefOf } from '../views/post.ts'

/** A post that a search service names. */
export interface PostName {
  did: Did
  rkey: string
}

/** What a search service answered, as far as it can be used. */
export interface Hits<T> {
  /** Without repeats, no more than were asked for. */
  hits: T[]
  cursor: string | undefined
  hitsTotal: number | undefined
}

export type PostsQuery = ParamsInputOf<typeof postsSchema> & { limit: number }
export type ActorsQuery = ParamsInputOf<typeof actorsSchema> & { limit: number }

/** The whole exchange: a person is waiting. */
const DEADLINE_MS = 3_000
/** 100 hits with everything a service may say of them. */
const ANSWER_BYTES_MAX = 500_000
const CURSOR_LENGTH_MAX = 2_000
/** Refusals that are about the question, not about the service. */
const REFUSALS = new Set(['BadQueryString', 'InvalidRequest'])

/**
 * The search service: anybody's, reached by URL, trusted with nothing. It names posts and accounts;
 * what of them is shown, and to whom, is decided here. Throws 400 for what it says of the query, 502
 * UpstreamFailure and 504 UpstreamTimeout naming it, 501 when there is none.
 */
export class SearchService {
  readonly #client: XrpcClient | undefined
  readonly #timers: Timers

  constructor({ url, fetch, timers }: { url: string | undefined; fetch: Fetch; timers: Timers }) {
    this.#timers = timers
    this.#client =
      url === undefined
        ? undefined
        : xrpcClient({
            service: url,
            fetch: (to, init) => fetch(to, { ...init, redirect: 'error' }),
            maxBytes: ANSWER_BYTES_MAX,
          })
  }

  async posts(query: PostsQuery): Promise<Hits<PostName>> {
    const answer = await this.#ask(postsSchema, query)
    return this.#read(answer, 'posts', query.limit, ({ uri }) => {
      const name = typeof uri === 'string' ? postRefOf(uri) : undefined
      return name && [`${name.did}/${name.rkey}`, name]
    })
  }

  async actors(query: ActorsQuery): Promise<Hits<Did>> {
    const answer = await this.#ask(actorsSchema, query)
    return this.#read(answer, 'actors', query.limit, ({ did }) =>
      isDid(did) ? [did, did] : undefined,
    )
  }

  async #ask<S extends QuerySchema>(schema: S, params: ParamsInputOf<S>): Promise<unknown> {
    const client = this.#client
    if (client === undefined)
      throw new XrpcError(501, 'MethodNotImplemented', 'This app view has no search service')
    const deadline = new AbortController()
    let timer: unknown
    const late = new Promise<never>((_, reject) => {
      timer = this.#timers.setTimeout(() => {
        const message = `The search service ${hostOf(client)} did not answer in time`
        reject(new XrpcError(504, 'UpstreamTimeout', message))
        deadline.abort()
      }, DEADLINE_MS)
    })
    // Our own reading of the answer takes what is usable; the schema would refuse all for one hit.
    const asking = client.get(schema, params, { signal: deadline.signal, validate: false })
    try {
      return await Promise.race([asking, late])
    } catch (error) {
      throw this.#explained(error)
    } finally {
      this.#timers.clearTimeout(timer)
    }
  }

  #explained(error: unknown): unknown {
    if (!(error instanceof XrpcError) || error.error === 'UpstreamTimeout') return error
    if (error.status === 400 && REFUSALS.has(error.error))
      return new XrpcError(400, error.error, error.message.slice(0, 300))
    return this.#failure('gave no answer', error)
  }

  #failure(what: string, cause?: unknown): XrpcError {
    const message = `The search service ${hostOf(this.#client!)} ${what}`
    return new XrpcError(502, 'UpstreamFailure', message, { cause })
  }

  /** Leaves out what names nothing and what came before. Throws when there is no list at all. */
  #read<T>(
    answer: unknown,
    name: string,
    limit: number,
    read: (hit: Record<string, unknown>) => [key: string, hit: T] | undefined,
  ): Hits<T> {
    const fields = (answer ?? {}) as Record<string, unknown>
    const list = fields[name]
    if (!Array.isArray(list)) throw this.#failure('gave no hits')
    const hits = new Map<string, T>()
    for (const entry of list.slice(0, limit)) {
      const hit = read((entry ?? {}) as Record<string, unknown>)
      if (hit !== undefined && !hits.has(hit[0])) hits.set(...hit)
    }
    return {
      hits: [...hits.values()],
      cursor: cursorOf(fields.cursor),
      hitsTotal: countOf(fields.hitsTotal),
    }
  }
}

function hostOf({ service }: XrpcClient): string {
  return new URL(service).host
}

function cursorOf(value: unknown): string | undefined {
  const isCursor = typeof value === 'string' && value !== '' && value.length <= CURSOR_LENGTH_MAX
  return isCursor ? value : undefined
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}
