import { ComAtprotoRepoUploadBlob } from '@atcute/atproto'
import type { Outside } from '#platform/runtime'
import { type BlobRef, cidText } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import {
  type Fetch,
  type ProcedureSchema,
  type XrpcClient,
  XrpcError,
  xrpcClient,
} from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { AccountBlobs } from '../blobs/index.ts'

/** Writes of one account that wait at once; more are refused. */
const WAITING_MAX = 500
/** How long writes are still passed on after the account left. */
const PASSED_ON_MS = 10 * 60_000
/** A hold this old is of a move that never came to its end. */
const STALE_MS = 60 * 60_000
const PASS_TIMEOUT_MS = 20_000

/** Where an account goes, and what opens it for writes there. */
export interface NewHome {
  service: string
  token: string
}

interface Held {
  /** Until then writes wait. */
  untilMs: number
  home: NewHome | undefined
  /** The account left: until then its writes are passed on. */
  passedOnUntilMs: number
  readonly waiting: Set<() => void>
}

/** A write as it came in, to be made again at the new host. */
export interface HeldCall {
  schema: ProcedureSchema
  input: object
  /** What its records mention: it may have been uploaded here after the last blobs were copied. */
  blobs: readonly BlobRef[]
}

/**
 * Writes that come while an account moves away: they wait for the moment in which everything stands
 * still, and are then made here, when the move did not happen, or at the new host, whose answer is
 * given back. In memory alone: whoever waits here while the process ends sees a broken connection.
 */
export class HeldWrites {
  readonly #fetch: Fetch
  readonly #timers: Outside['timers']
  readonly #now: () => number
  readonly #blobs: Pick<AccountBlobs, 'read'>
  readonly #held = new Map<Did, Held>()

  constructor(options: {
    fetch: Fetch
    timers: Outside['timers']
    now: () => number
    blobs: Pick<AccountBlobs, 'read'>
  }) {
    this.#fetch = options.fetch
    this.#timers = options.timers
    this.#now = options.now
    this.#blobs = options.blobs
  }

  /** From now on writes wait, until an instant. */
  hold(did: Did, untilMs: number, home: NewHome | undefined): void {
    const before = this.#held.get(did)
    if (before) Object.assign(before, { untilMs, home: home ?? before.home })
    else {
      this.#forgetStale()
      this.#held.set(did, { untilMs, home, passedOnUntilMs: 0, waiting: new Set() })
    }
  }

  /** The account stays: what waits is written here. */
  release(did: Did): void {
    const held = this.#held.get(did)
    this.#held.delete(did)
    for (const wake of held?.waiting ?? []) wake()
  }

  /** The account leaves by `deactivate`: what waits, and comes for a while, is written at its new host. */
  async leave(did: Did, deactivate: () => Promise<void>): Promise<void> {
    const held = this.#held.get(did)
    if (!held?.home || this.#isStale(held)) {
      await deactivate()
      this.release(did)
      return
    }
    held.passedOnUntilMs = this.#now() + PASSED_ON_MS
    try {
      await deactivate()
    } catch (error) {
      held.passedOnUntilMs = 0
      throw error
    }
    for (const wake of held.waiting) wake()
  }

  /** Whether an account that is not active here may still write: elsewhere. */
  isPassedOn(did: Did): boolean {
    const held = this.#held.get(did)
    return held !== undefined && held.passedOnUntilMs > this.#now()
  }

  /** Writes here, or where the account went, as soon as that is decided. Throws RepoFrozen (503). */
  async write<T>({ did }: Account, call: HeldCall, here: () => Promise<T>): Promise<T> {
    for (;;) {
      const held = this.#held.get(did)
      if (held && this.isPassedOn(did)) return (await this.#passOn(did, held.home!, call)) as T
      if (held && held.untilMs > this.#now()) await this.#wait(held)
      else {
        try {
          return await here()
        } catch (error) {
          // It was on its way when everything was told to stand still.
          if (!isStopped(error) || !this.#isHeld(did)) throw error
        }
      }
    }
  }

  #isHeld(did: Did): boolean {
    const held = this.#held.get(did)
    return held !== undefined && (this.isPassedOn(did) || held.untilMs > this.#now())
  }

  #wait({ waiting, untilMs }: Held): Promise<void> {
    if (waiting.size >= WAITING_MAX) {
      const headers = { 'retry-after': '2' }
      const message = 'Too many writes wait while the account moves to another host'
      throw new XrpcError(503, 'RepoFrozen', message, { headers })
    }
    return new Promise((resolve) => {
      const wake = () => {
        waiting.delete(wake)
        this.#timers.clearTimeout(timer)
        resolve()
      }
      const timer = this.#timers.setTimeout(wake, untilMs - this.#now())
      waiting.add(wake)
    })
  }

  async #passOn(did: Did, { service, token }: NewHome, call: HeldCall): Promise<unknown> {
    const end = new AbortController()
    const timer = this.#timers.setTimeout(() => end.abort(), PASS_TIMEOUT_MS)
    try {
      const headers = { authorization: `Bearer ${token}` }
      const client = xrpcClient({ service, fetch: this.#fetch, headers, signal: () => end.signal })
      // By its DID: the handle may be another there.
      const write = () => client.post(call.schema, { ...call.input, repo: did } as never)
      return await write().catch(async (error: unknown) => {
        if (!(error instanceof XrpcError) || error.error !== 'BlobNotFound') throw error
        for (const blob of call.blobs) await this.#bring(client, did, blob)
        return write()
      })
    } finally {
      this.#timers.clearTimeout(timer)
    }
  }

  async #bring(client: XrpcClient, did: Did, { cid, mimeType }: BlobRef): Promise<void> {
    const blob = await this.#blobs.read(did, cid)
    if (!blob) throw new XrpcError(400, 'BlobNotFound', `Could not find blob: ${cidText(cid)}`)
    const schema = ComAtprotoRepoUploadBlob.mainSchema
    await client.post(schema, { encoding: mimeType, body: blob.body } as never)
  }

  #isStale({ untilMs, passedOnUntilMs }: Held): boolean {
    return this.#now() > Math.max(untilMs + STALE_MS, passedOnUntilMs)
  }

  #forgetStale(): void {
    for (const [did, held] of this.#held) if (this.#isStale(held)) this.#held.delete(did)
  }
}

const isStopped = (error: unknown): boolean =>
  error instanceof XrpcError && (error.error === 'RepoFrozen' || error.error === 'RepoDeactivated')
