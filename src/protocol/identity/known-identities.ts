import { type PublicKey, parseDidKey } from '#protocol/crypto'
import { type Did, ProtocolError } from '#protocol/syntax'
import type { CachedDirectory } from './cached-directory.ts'
import { identityOf } from './document.ts'

/** What a follower of events needs of an identity: who signs, and where it lives. Neither: there is no such. */
export interface KnownIdentity {
  key: PublicKey | undefined
  /** Origin of the account's host. */
  host: string | undefined
  /** When it was answered; milliseconds since 1970. */
  readMs: number
  /** Which question it answers: a late answer to an older one does not count. */
  question: number
}

/** How asking again went. */
export type Refreshed = 'read' | 'unavailable' | 'too-often'

/** An identity is asked for again after so long, though nobody said that it changed. */
const BELIEVED_MS = 3_600_000
const ABSENCE_BELIEVED_MS = 60_000
/** What could not be asked again is believed so much longer at a time. */
const REPRIEVE_MS = 60_000
/** Events of one source may have us ask for one identity so often in each window. */
const REFRESHES_MAX = 5
const REFRESH_WINDOW_MS = 10_000
const KNOWN_MAX = 200_000
/** Lookups under way at once, of one call and of all. */
const AT_ONCE = 32
const AT_ONCE_OF_ALL = 128

/** Identities with their keys parsed once, synchronous to read on the hot path. */
export class Identities {
  readonly #directory: CachedDirectory
  readonly #now: () => number
  readonly #known = new Map<Did, KnownIdentity>()
  #refreshes = new Map<string, number>()
  #windowStartMs = 0
  #questions = 0
  #asking = 0
  readonly #waiting: (() => void)[] = []

  constructor({ directory, now }: { directory: CachedDirectory; now: () => number }) {
    this.#directory = directory
    this.#now = now
  }

  /** Undefined: it was not loaded, or nobody could say. */
  peek(did: Did): KnownIdentity | undefined {
    return this.#known.get(did)
  }

  /** Asks for what is not known yet, or was too long ago. What cannot be had stays as it is. */
  async load(dids: Iterable<Did>): Promise<void> {
    const now = this.#now()
    const wanted: Did[] = []
    for (const did of dids) if (!this.#isBelieved(this.#known.get(did), now)) wanted.push(did)
    if (wanted.length > 0) await each(wanted, (did) => this.#load(did))
  }

  #isBelieved(known: KnownIdentity | undefined, now: number): boolean {
    if (!known) return false
    const ageMs = now - known.readMs
    return ageMs >= 0 && ageMs < (known.host === undefined ? ABSENCE_BELIEVED_MS : BELIEVED_MS)
  }

  async #load(did: Did): Promise<void> {
    const known = this.#known.get(did)
    if ((await this.#read(did, known !== undefined)) || !known) return
    this.#known.set(did, { ...known, readMs: this.#now() - BELIEVED_MS + REPRIEVE_MS })
  }

  /**
   * Asks again for identities that changed, or that an event of this source did not fit. `too-often`
   * when the source made us ask too often just now: what was known before stands. `unavailable`:
   * nothing is known of it any more.
   */
  async refresh(dids: Iterable<Did>, source: string): Promise<Map<Did, Refreshed>> {
    const results = new Map<Did, Refreshed>()
    await each([...dids], async (did) => {
      results.set(did, await this.#refresh(did, source))
    })
    return results
  }

  async #refresh(did: Did, source: string): Promise<Refreshed> {
    const now = this.#now()
    if (now - this.#windowStartMs > REFRESH_WINDOW_MS || now < this.#windowStartMs) {
      this.#refreshes = new Map()
      this.#windowStartMs = now
    }
    const key = `${source} ${did}`
    const count = this.#refreshes.get(key) ?? 0
    if (count >= REFRESHES_MAX) return this.#known.has(did) ? 'too-often' : 'unavailable'
    this.#refreshes.set(key, count + 1)
    // A lookup that began before the change must not bring the old answer back.
    this.#directory.forget(did)
    if (await this.#read(did, true)) return 'read'
    this.#known.delete(did)
    return 'unavailable'
  }

  /** Whether there was an answer. */
  async #read(did: Did, fresh: boolean): Promise<boolean> {
    while (this.#asking >= AT_ONCE_OF_ALL) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#asking++
    const question = ++this.#questions
    try {
      const document = await this.#directory.document(did, { fresh })
      const identity = document && identityOf(document)
      this.#keep(did, question, keyOf(identity?.signingKey), identity?.pds)
      return true
    } catch (error) {
      // A document that cannot be used is an answer too.
      if (!((error as Error).cause instanceof ProtocolError)) return false
      this.#keep(did, question, undefined, undefined)
      return true
    } finally {
      this.#asking--
      this.#waiting.shift()?.()
    }
  }

  #keep(did: Did, question: number, key: PublicKey | undefined, host: string | undefined): void {
    const known = this.#known.get(did)
    if (known && known.question > question) return
    this.#known.delete(did)
    this.#known.set(did, { key, host, readMs: this.#now(), question })
    if (this.#known.size > KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!)
  }
}

function keyOf(didKey: string | undefined): PublicKey | undefined {
  try {
    return didKey === undefined ? undefined : parseDidKey(didKey)
  } catch {
    return undefined // of a curve we do not know: as good as none
  }
}

/** Does something for each, a bounded number at once. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const next = items.values()
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, items.length) }, async () => {
      for (const item of next) await work(item)
    }),
  )
}
