import { type PublicKey, parseDidKey } from '#protocol/crypto'
import { type CachedDirectory, identityOf } from '#protocol/identity'
import type { Did } from '#protocol/syntax'

/** What the relay needs of an identity: who signs, and where it lives. */
export interface KnownIdentity {
  key: PublicKey | undefined
  /** Origin of the account's host. */
  host: string | undefined
}

/** An identity that events do not fit is asked for again this often, and no more. */
const REFRESHES_MAX = 5
const REFRESH_WINDOW_MS = 10_000
const KNOWN_MAX = 200_000
/** Lookups under way at once. */
const AT_ONCE = 32

/** Identities with their keys parsed once, synchronous to read on the hot path. */
export class Identities {
  readonly #directory: CachedDirectory
  readonly #now: () => number
  readonly #known = new Map<Did, KnownIdentity>()
  #refreshes = new Map<Did, number>()
  #windowStartMs = 0

  constructor({ directory, now }: { directory: CachedDirectory; now: () => number }) {
    this.#directory = directory
    this.#now = now
  }

  peek(did: Did): KnownIdentity | undefined {
    return this.#known.get(did)
  }

  /** Looks up what is not known yet, a bounded number at once. Failures stay unknown. */
  async load(dids: Iterable<Did>): Promise<void> {
    const missing = [...new Set(dids)].filter((did) => !this.#known.has(did))
    if (missing.length === 0) return
    const next = missing.values()
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, missing.length) }, async () => {
        for (const did of next) await this.#read(did, false)
      }),
    )
  }

  /**
   * Asks again for an identity that an event did not fit; false when that was done too often just
   * now, so that a bad host cannot make us ask without end.
   */
  async refresh(did: Did): Promise<boolean> {
    const now = this.#now()
    if (now - this.#windowStartMs > REFRESH_WINDOW_MS || now < this.#windowStartMs) {
      this.#refreshes = new Map()
      this.#windowStartMs = now
    }
    const count = this.#refreshes.get(did) ?? 0
    if (count >= REFRESHES_MAX) return false
    this.#refreshes.set(did, count + 1)
    return this.#read(did, true)
  }

  /** The identity changed: the next event asks for it. */
  forget(did: Did): void {
    this.#known.delete(did)
    this.#directory.forget(did)
  }

  async #read(did: Did, fresh: boolean): Promise<boolean> {
    try {
      const document = await this.#directory.document(did, { fresh })
      const identity = document && identityOf(document)
      this.#known.set(did, {
        key: identity?.signingKey ? parseDidKey(identity.signingKey) : undefined,
        host: identity?.pds,
      })
      if (this.#known.size > KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!)
      return true
    } catch {
      return false
    }
  }
}
