/** How often a method may be called: budgets of points within a window, counted by key. */
import { XrpcError } from './error.ts'
import type { HttpRequest, HttpResponse } from './http.ts'

/**
 * A budget of `points` within `windowMs`, for each key apart. Rules of one name share their counts,
 * whichever methods declare them. `T` is what a call is known by when the rule is applied.
 */
export interface RateRule<T = { request: HttpRequest }> {
  name: string
  windowMs: number
  points: number
  /** Whose budget it is; the caller's address unless told. */
  key?(call: T): string
  /** Points of this call, 1 unless told; a call that costs nothing is let through. */
  cost?(call: T): number
}

/** Where points are counted. Losing a count is allowed; a window begins with its first count. */
export interface Counter {
  /** Adds to a key's sum; `leftMs` is how long it is kept. */
  increment(key: string, by: number, ttlMs: number): Promise<{ sum: number; leftMs: number }>
}

/** What a router needs to limit rates. */
export interface RateLimits {
  counter: Counter
  now(): number
  /** Budgets of every call, taken before anything else is looked at. */
  everyCall: readonly RateRule[]
  /** Calls that take from no budget. */
  isExempt(request: HttpRequest): boolean
}

/** How the tightest of a call's budgets stands. */
export interface RateState {
  points: number
  windowMs: number
  remaining: number
  /** Until the window begins anew. */
  leftMs: number
}

/** Longest part of a key that a caller may choose. */
const KEY_CHARS_MAX = 300

/**
 * Takes the cost of a call from each budget, in order. Resolves to the tightest; throws
 * RateLimitExceeded (429), with the standard headers, at the first that does not suffice.
 */
async function takeRates<T extends { request: HttpRequest }>(
  rules: readonly RateRule<T>[],
  call: T,
  counter: Counter,
  nowMs: number,
): Promise<RateState | undefined> {
  let tightest: RateState | undefined
  for (const rule of rules) {
    const cost = rule.cost ? rule.cost(call) : 1
    if (cost <= 0) continue
    const { points, windowMs } = rule
    const key = rule.key ? rule.key(call) : call.request.ip
    const counted = `${rule.name} ${key.slice(0, KEY_CHARS_MAX)}`
    const { sum, leftMs } = await counter.increment(counted, cost, windowMs)
    const state = { points, windowMs, remaining: Math.max(0, points - sum), leftMs }
    if (sum > points) throw exceeded(state, nowMs)
    if (!tightest || state.remaining < tightest.remaining) tightest = state
  }
  return tightest
}

/** The budgets that one request takes from. */
export class Rated {
  readonly #limits: RateLimits
  readonly #request: HttpRequest
  readonly #isExempt: boolean
  #tightest: RateState | undefined

  constructor(limits: RateLimits, request: HttpRequest, nsid: string) {
    this.#limits = limits
    this.#request = request
    this.#isExempt = nsid === '_health' || limits.isExempt(request)
  }

  enter(): Promise<void> {
    return this.take(this.#limits.everyCall, { request: this.#request })
  }

  async take<T extends { request: HttpRequest }>(
    rules: readonly RateRule<T>[],
    call: T,
  ): Promise<void> {
    if (this.#isExempt) return
    const { counter, now } = this.#limits
    const state = await takeRates(rules, call, counter, now())
    if (!state) return
    if (!this.#tightest || state.remaining < this.#tightest.remaining) this.#tightest = state
  }

  /** Says in the answer how the tightest budget stands, unless a refusal said so. */
  tell(response: HttpResponse): void {
    if (!this.#tightest || response.headers?.['ratelimit-limit'] !== undefined) return
    response.headers = { ...response.headers, ...rateHeaders(this.#tightest, this.#limits.now()) }
  }
}

/**
 * `RateLimit-*` response headers as the reference sends them: the budget, what is left of it, when
 * it begins anew (seconds since 1970), and its policy.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/03/
 */
function rateHeaders(state: RateState, nowMs: number): Record<string, string> {
  const { points, windowMs, remaining, leftMs } = state
  return {
    'ratelimit-limit': String(points),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(Math.ceil((nowMs + leftMs) / 1000)),
    'ratelimit-policy': `${points};w=${Math.round(windowMs / 1000)}`,
  }
}

function exceeded(state: RateState, nowMs: number): XrpcError {
  const seconds = Math.max(1, Math.ceil(state.leftMs / 1000))
  return new XrpcError(429, 'RateLimitExceeded', 'Rate Limit Exceeded', {
    headers: { ...rateHeaders(state, nowMs), 'retry-after': String(seconds) },
  })
}
