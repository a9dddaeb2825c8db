import {
  ComAtprotoRepoPutRecord,
  ComAtprotoServerCreateAccount,
  ComAtprotoServerDescribeServer,
} from '@atcute/atproto'
import type { Log, Loop, Outside, Sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { type OwnerSession, signIn } from '#protocol/account'
import { signServiceAuth } from '#protocol/auth'
import { base32, fromHex, hex, type SigningKey } from '#protocol/crypto'
import { type AtUri, type Did, formatAtUri, type Handle } from '#protocol/syntax'
import { type Fetch, XrpcError, xrpcClient } from '#protocol/xrpc'
import { type Feed, feeds } from '../feeds/index.ts'

const COLLECTION = 'app.bsky.feed.generator'
const RETRY_MS = 5_000
const AGAIN_MS = 24 * 3_600_000

interface Settings {
  get(name: string): Promise<string | undefined>
  set(name: string, value: string): Promise<void>
}

/**
 * Publishes the feeds as records of an account, so that people can find and pin them. The account is
 * an ordinary one at any host; in local mode it is made on the first start.
 */
export class Publisher {
  readonly #did: Did
  readonly #key: SigningKey
  readonly #host: string
  readonly #handle: Handle
  readonly #password: string | undefined
  readonly #settings: Settings
  readonly #sealer: Sealer
  readonly #outside: Outside
  readonly #log: Log
  readonly #tried = Promise.withResolvers<void>()
  #published: readonly AtUri[] = []

  constructor(options: {
    did: Did
    /** Signs for `did`. */
    key: SigningKey
    host: string
    handle: Handle
    password: string | undefined
    sql: Sql
    sealer: Sealer
    outside: Outside
    log: Log
  }) {
    this.#did = options.did
    this.#key = options.key
    this.#host = options.host
    this.#handle = options.handle
    this.#password = options.password
    this.#settings = settingsIn(options.sql)
    this.#sealer = options.sealer
    this.#outside = options.outside
    this.#log = options.log
  }

  get published(): readonly AtUri[] {
    return this.#published
  }

  /** Takes up what an earlier start published: the host need not answer for the feeds to be served. */
  async resume(): Promise<void> {
    const kept = await this.#settings.get('published')
    if (kept) this.#published = JSON.parse(kept) as AtUri[]
  }

  /** Resolves when publishing was tried once, or after `timeoutMs`. */
  async firstAttempt(timeoutMs: number): Promise<void> {
    await Promise.race([this.#tried.promise, this.#outside.timers.sleep(timeoutMs)])
  }

  readonly loop: Loop = {
    name: 'publish',
    run: async (signal) => {
      while (!signal.aborted) {
        const isDone = await this.#publish(signal)
        this.#tried.resolve()
        const pauseMs = isDone ? AGAIN_MS : RETRY_MS
        await this.#outside.timers.sleep(pauseMs, signal).catch(() => {})
      }
    },
  }

  /** One attempt; false when the host did not let it. */
  async #publish(signal: AbortSignal): Promise<boolean> {
    try {
      const session = await this.#session()
      const published: AtUri[] = []
      for (const feed of feeds) published.push(await this.#put(session, feed))
      await this.#settings.set('published', JSON.stringify(published))
      this.#published = published
      return true
    } catch (error) {
      if (!signal.aborted)
        this.#log.info('feeds are not published yet', { host: this.#host, error })
      return false
    }
  }

  get #fetch(): Fetch {
    return (url, init) => this.#outside.fetch(url, init)
  }

  async #session(): Promise<OwnerSession> {
    const at = { service: this.#host, fetch: this.#fetch }
    const password = await this.#passwordKept()
    try {
      return await signIn(at, this.#handle, password)
    } catch (error) {
      // An operator's own account is never made here: a wrong password must not become a new account.
      const isUnknown = error instanceof XrpcError && error.status === 401
      if (!isUnknown || this.#password !== undefined) throw error
    }
    const schema = ComAtprotoServerCreateAccount.mainSchema
    // Reserved for examples (RFC 2606): nobody's letter box.
    const email = `${this.#handle.replaceAll('.', '-')}@feeds.example.com`
    const input = { handle: this.#handle, email, password }
    try {
      await xrpcClient(at).post(schema, input)
    } catch (error) {
      if (!(error instanceof XrpcError) || error.error !== 'HandleNotAvailable') throw error
      // The host may keep the name for us: who we are is shown.
      await xrpcClient({ ...at, headers: await this.#proof(at) }).post(schema, input)
    }
    return signIn(at, this.#handle, password)
  }

  /** A token for a sign-up at the host, by our own key. */
  async #proof(at: { service: string; fetch: Fetch }): Promise<Record<string, string>> {
    const { did: aud } = await xrpcClient(at).get(ComAtprotoServerDescribeServer.mainSchema, {})
    const token = signServiceAuth({
      iss: this.#did,
      aud,
      lxm: ComAtprotoServerCreateAccount.mainSchema.nsid,
      nowMs: this.#outside.now(),
      jti: base32(this.#outside.random(16)),
      key: this.#key,
    })
    return { authorization: `Bearer ${token}` }
  }

  async #passwordKept(): Promise<string> {
    if (this.#password !== undefined) return this.#password
    const kept = await this.#settings.get('account-password')
    if (kept) return new TextDecoder().decode(this.#sealer.open(fromHex(kept), 'account-password'))
    const made = base32(this.#outside.random(20))
    const sealed = this.#sealer.seal(new TextEncoder().encode(made), 'account-password')
    await this.#settings.set('account-password', hex(sealed))
    return made
  }

  /** The same record again changes nothing at the host, so its date is fixed once. */
  async #put({ state, client }: OwnerSession, feed: Feed): Promise<AtUri> {
    const name = `created ${feed.rkey}`
    const createdAt =
      (await this.#settings.get(name)) ?? new Date(this.#outside.now()).toISOString()
    await this.#settings.set(name, createdAt)
    const { rkey, displayName, description } = feed
    await client.post(ComAtprotoRepoPutRecord.mainSchema, {
      repo: state.did,
      collection: COLLECTION,
      rkey,
      record: { $type: COLLECTION, did: this.#did, displayName, description, createdAt },
    })
    return formatAtUri(state.did, COLLECTION, rkey)
  }
}

function settingsIn(sql: Sql): Settings {
  return {
    async get(name) {
      const select = 'SELECT value FROM settings WHERE name = ?'
      return (await sql.get<{ value: string }>(select, [name]))?.value
    },
    async set(name, value) {
      await sql.run('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)', [name, value])
    },
  }
}
