import { createLru, type Fetch } from '#platform/runtime'
import type { Did } from '#protocol/syntax'

export interface ShownParts {
  /** Base URL of the app view; undefined: every account is shown. */
  appview: string | undefined
  fetch: Fetch
  now(): number
}

/** How long an answer of the app view counts: as long as a hidden account may still be seen. */
const ANSWER_MS = 60_000
const ACCOUNTS_MAX = 20_000
const TIMEOUT_MS = 5_000
const ANSWER_BYTES_MAX = 256 * 1024

/** Whom the app view shows: its pictures are served, so that this is no proxy for everything. */
export class ShownAccounts {
  readonly #parts: ShownParts
  readonly #answers = createLru<Did, { isShown: boolean; untilMs: number }>({
    maxEntries: ACCOUNTS_MAX,
  })
  readonly #asking = new Map<Did, Promise<boolean>>()

  constructor(parts: ShownParts) {
    this.#parts = parts
  }

  /** While the app view is away its last answer counts; without one this throws. */
  async has(did: Did): Promise<boolean> {
    if (this.#parts.appview === undefined) return true
    const known = this.#answers.get(did)
    if (known !== undefined && known.untilMs > this.#parts.now()) return known.isShown
    try {
      return await this.#askOnce(did)
    } catch (error) {
      if (known === undefined) throw error
      return known.isShown
    }
  }

  #askOnce(did: Did): Promise<boolean> {
    const running = this.#asking.get(did)
    if (running !== undefined) return running
    const asking = this.#ask(did).finally(() => this.#asking.delete(did))
    this.#asking.set(did, asking)
    return asking
  }

  async #ask(did: Did): Promise<boolean> {
    const { appview, fetch, now } = this.#parts
    const url = `${appview}/xrpc/app.bsky.actor.getProfile?actor=${encodeURIComponent(did)}`
    const limits = { timeoutMs: TIMEOUT_MS, maxResponseBytes: ANSWER_BYTES_MAX }
    const response = await fetch(url, limits)
    await response.arrayBuffer()
    if (response.status !== 200 && response.status !== 400)
      throw new Error(`the app view answered ${response.status}`)
    const isShown = response.status === 200
    this.#answers.set(did, { isShown, untilMs: now() + ANSWER_MS })
    return isShown
  }
}
