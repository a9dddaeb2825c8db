import type { Fetch } from '#platform/runtime'
import { createLru } from '#platform/runtime'
import {
  ClientError,
  type ClientMetadata,
  isLoopbackClientId,
  type Jwk,
  keysOf,
  loopbackClient,
  parseClientMetadata,
  requireClientId,
} from '#protocol/auth'
import { mediaType } from '#protocol/xrpc'
import { parseBytes, readBytes } from '../proxy/index.ts'
import { OAuthError } from './oauth-error.ts'

/** An app and the keys by which it proves itself. */
export interface Client {
  metadata: ClientMetadata
  keys: readonly Jwk[]
}

interface Known {
  client: Client
  fetchedMs: number
}

/** A key that its app takes back must not be good for long. */
const FRESH_MS = 10 * 60_000
/** How long an app goes on whose own server does not answer. */
const STALE_MS = 60 * 60_000
/** An address that failed is left alone for a while. */
const FAILED_MS = 20_000
const CLIENTS_MAX = 1_000
const FETCHES_MAX = 32
const TIMEOUT_MS = 5_000
const DOCUMENT_BYTES_MAX = 64 * 1024

/** Apps by their documents, fetched from wherever they are and kept for a while. */
export class Clients {
  readonly #fetch: Fetch
  readonly #now: () => number
  readonly #known = createLru<string, Known>({ maxEntries: CLIENTS_MAX })
  readonly #failed = createLru<string, { message: string; sinceMs: number }>({
    maxEntries: CLIENTS_MAX,
  })
  readonly #underWay = new Map<string, Promise<Client>>()

  constructor(options: { fetch: Fetch; now: () => number }) {
    this.#fetch = options.fetch
    this.#now = options.now
  }

  /** Throws invalid_client_metadata; temporarily_unavailable when too many are asked for at once. */
  async get(clientId: string): Promise<Client> {
    try {
      requireClientId(clientId)
      if (isLoopbackClientId(clientId)) return { metadata: loopbackClient(clientId), keys: [] }
      return await this.#kept(clientId)
    } catch (thrown) {
      if (!(thrown instanceof ClientError)) throw thrown
      throw new OAuthError('invalid_client_metadata', thrown.message)
    }
  }

  async #kept(clientId: string): Promise<Client> {
    const known = this.#known.get(clientId)
    const ageMs = known ? this.#now() - known.fetchedMs : Number.POSITIVE_INFINITY
    if (known && ageMs < FRESH_MS) return known.client
    try {
      return await this.#once(clientId)
    } catch (thrown) {
      if (known && ageMs < STALE_MS && thrown instanceof Unreachable) return known.client
      throw thrown
    }
  }

  #once(clientId: string): Promise<Client> {
    const failed = this.#failed.get(clientId)
    if (failed && this.#now() - failed.sinceMs < FAILED_MS) throw new Unreachable(failed.message)
    const underWay = this.#underWay.get(clientId)
    if (underWay) return underWay
    if (this.#underWay.size >= FETCHES_MAX)
      throw new OAuthError('temporarily_unavailable', 'Too many unknown clients at once')
    const fetching = this.#load(clientId)
      .catch((error: Error) => {
        this.#failed.set(clientId, { message: error.message, sinceMs: this.#now() })
        throw error
      })
      .finally(() => this.#underWay.delete(clientId))
    this.#underWay.set(clientId, fetching)
    return fetching
  }

  async #load(clientId: string): Promise<Client> {
    const metadata = parseClientMetadata(await this.#json(clientId), clientId)
    const { jwksUri, jwks, isConfidential } = metadata
    const keys = isConfidential ? keysOf(jwksUri ? await this.#json(jwksUri) : jwks) : []
    if (isConfidential && keys.length === 0)
      throw new ClientError('The client has no key that is taken here')
    const client = { metadata, keys }
    this.#known.set(clientId, { client, fetchedMs: this.#now() })
    return client
  }

  /** Nothing that the other side says, or where it is, comes back in a message. */
  async #json(url: string): Promise<unknown> {
    const response = await this.#fetch(url, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      timeoutMs: TIMEOUT_MS,
      maxResponseBytes: DOCUMENT_BYTES_MAX,
    }).catch(() => {
      throw new Unreachable('The client metadata could not be fetched')
    })
    const type = mediaType(response.headers.get('content-type') ?? undefined)
    if (response.status !== 200 || type !== 'application/json') {
      await response.body?.cancel().catch(() => {})
      const isTheirs = response.status >= 500 || response.status === 429
      const message = 'The client metadata are not there, or no JSON'
      throw isTheirs ? new Unreachable(message) : new ClientError(message)
    }
    const bytes = await readBytes(response, DOCUMENT_BYTES_MAX)
    if (!bytes) throw new ClientError(`The client metadata are over ${DOCUMENT_BYTES_MAX} bytes`)
    return parseBytes(bytes)
  }
}

/** Its server did not answer: that says nothing about the app. */
class Unreachable extends ClientError {}
