/** One remembered kind of lookup: time to live, single flight, stale while it is refreshed. */

export interface CacheTimes {
  /** Milliseconds since the epoch. */
  now(): number
  /** How long an answer is simply believed. */
  ttlMs: number
  /** How long after that it is still given out, while it is asked again behind it. */
  staleMs: number
  /** How long "there is none" is believed. */
  negativeTtlMs: number
  /** How long a failure to ask is: who is back should be heard soon. */
  failureTtlMs: number
  /** Answers kept; the least recently used go first. */
  maxEntries: number
}

interface Entry<V> {
  value?: V
  /** A lookup that failed with nothing older to fall back on. */
  error?: unknown
  storedMs: number
  /** After a failed refresh: not asked again before this. */
  retryMs: number
}

interface Flight<V> {
  fresh: boolean
  promise: Promise<V | undefined>
}

/** Remembers what `load` answers. `load` gives undefined for "there is none" and may throw. */
export class LookupCache<K extends string, V> {
  readonly #entries = new Map<K, Entry<V>>()
  readonly #flights = new Map<K, Flight<V>>()
  readonly #times: CacheTimes
  readonly #load: (key: K, fresh: boolean) => Promise<V | undefined>

  constructor(times: CacheTimes, load: (key: K, fresh: boolean) => Promise<V | undefined>) {
    this.#times = times
    this.#load = load
  }

  /** The remembered answer, or the lookup's. `fresh` joins no lookup but another fresh one. */
  async get(key: K, fresh = false): Promise<V | undefined> {
    if (fresh) return await this.#fly(key, true)
    const entry = this.#entries.get(key)
    if (entry === undefined) return await this.#fly(key, false)
    const ageMs = this.#times.now() - entry.storedMs
    if (ageMs >= 0 && ageMs < this.#lifeMs(entry)) return this.#use(key, entry)
    if (entry.value === undefined || !this.#isStale(ageMs)) return await this.#fly(key, false)
    if (this.#times.now() >= entry.retryMs || ageMs < 0) this.#fly(key, false).catch(() => {})
    return this.#use(key, entry)
  }

  /** Drops the answer, and keeps a lookup already under way from bringing it back. */
  forget(key: K): void {
    this.#entries.delete(key)
    this.#flights.delete(key)
  }

  #lifeMs({ value, error }: Entry<V>): number {
    if (error !== undefined) return this.#times.failureTtlMs
    return value === undefined ? this.#times.negativeTtlMs : this.#times.ttlMs
  }

  /** A clock that jumped back makes ages negative: such an answer is not young, only undated. */
  #isStale(ageMs: number): boolean {
    return ageMs < this.#times.ttlMs + this.#times.staleMs
  }

  #use(key: K, entry: Entry<V>): V | undefined {
    this.#entries.delete(key) // set again at the end: a Map keeps insertion order, oldest use first
    this.#entries.set(key, entry)
    if (entry.error !== undefined) throw entry.error
    return entry.value
  }

  #fly(key: K, fresh: boolean): Promise<V | undefined> {
    const current = this.#flights.get(key)
    if (current && (current.fresh || !fresh)) return current.promise
    const flight: Flight<V> = { fresh, promise: this.#load(key, fresh) }
    this.#flights.set(key, flight)
    flight.promise.then(
      (value) => this.#land(key, flight, { value, storedMs: this.#times.now(), retryMs: 0 }),
      (error) => this.#fail(key, flight, error),
    )
    return flight.promise
  }

  /** Only the newest flight may land: an older answer must not cover a newer one. */
  #land(key: K, flight: Flight<V>, entry: Entry<V>): void {
    if (this.#flights.get(key) !== flight) return
    this.#flights.delete(key)
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size <= this.#times.maxEntries) return
    const oldest = this.#entries.keys().next().value
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  /** A failure takes nothing away: an older answer stays until it is too stale to give out. */
  #fail(key: K, flight: Flight<V>, error: unknown): void {
    if (this.#flights.get(key) !== flight) return
    const nowMs = this.#times.now()
    const known = this.#entries.get(key)
    if (known?.value !== undefined && this.#isStale(nowMs - known.storedMs)) {
      this.#flights.delete(key)
      known.retryMs = nowMs + this.#times.negativeTtlMs
    } else this.#land(key, flight, { error, storedMs: nowMs, retryMs: 0 })
  }
}
