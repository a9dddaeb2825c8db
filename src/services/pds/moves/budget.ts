/** What the moves of one fleet may ask of the old host together: calls and bytes a second. */
import type { Outside } from '#platform/runtime'
import type { FleetSettings } from '#protocol/account'
import type { Fetch } from '#protocol/xrpc'

/** A host that says for how long it will hear nothing is believed, up to here. */
const HELD_MS_MAX = 5 * 60_000
const HELD_MS = 10_000
/** Bytes may run ahead of their budget by so much: a pause for each piece would cost more than it saves. */
const AHEAD_MS = 500

type Clock = Pick<Outside, 'now' | 'timers'>
type Limits = Pick<FleetSettings, 'bytesPerSecond' | 'requestsPerSecond'>

export class Budget {
  readonly #clock: Clock
  #limits: Limits
  #nextCallMs = 0
  #bytesPaidMs = 0
  #heldUntilMs = 0

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock
    this.#limits = limits
  }

  set limits(limits: Limits) {
    this.#limits = limits
  }

  /** Waits until a call may be made; those that cannot wait are counted, and go. */
  async call(isUrgent: boolean, signal: AbortSignal): Promise<void> {
    const { requestsPerSecond } = this.#limits
    const nowMs = this.#clock.now()
    let atMs = nowMs
    if (requestsPerSecond !== undefined) {
      const turnMs = Math.max(nowMs, this.#nextCallMs)
      this.#nextCallMs = turnMs + 1000 / requestsPerSecond
      if (!isUrgent) atMs = turnMs
    }
    if (!isUrgent) atMs = Math.max(atMs, this.#heldUntilMs)
    if (atMs > nowMs) await this.#clock.timers.sleep(atMs - nowMs, signal)
  }

  /** Waits for bytes that came, where they came too fast. */
  async pay(byteCount: number, signal: AbortSignal): Promise<void> {
    const { bytesPerSecond } = this.#limits
    if (bytesPerSecond === undefined) return
    const nowMs = this.#clock.now()
    this.#bytesPaidMs = Math.max(nowMs, this.#bytesPaidMs) + (byteCount / bytesPerSecond) * 1000
    const aheadMs = this.#bytesPaidMs - nowMs
    if (aheadMs > AHEAD_MS) await this.#clock.timers.sleep(aheadMs, signal)
  }

  /** The old host has had enough: nobody asks it anything for as long as it says. */
  hold(headers: Headers): void {
    const nowMs = this.#clock.now()
    const resetMs = Number(headers.get('ratelimit-reset')) * 1000 - nowMs
    const saidMs = Number(headers.get('retry-after')) * 1000
    const ms = [saidMs, resetMs].find((one) => one > 0) ?? HELD_MS
    this.#heldUntilMs = Math.max(this.#heldUntilMs, nowMs + Math.min(ms, HELD_MS_MAX))
  }
}

/** The budgets of fleets that have moves under way. */
export class Budgets {
  readonly #clock: Clock
  readonly #byFleet = new Map<string, Budget>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(fleet: string | undefined): Budget | undefined {
    return fleet === undefined ? undefined : this.#byFleet.get(fleet)
  }

  set(fleet: string, limits: Limits): Budget {
    const budget = this.#byFleet.get(fleet) ?? new Budget(this.#clock, limits)
    budget.limits = limits
    this.#byFleet.set(fleet, budget)
    return budget
  }

  forget(fleet: string): void {
    this.#byFleet.delete(fleet)
  }
}

/** Calls to one host, within a budget; everybody else is called as before. */
export function pacedFetch(
  fetch: Fetch,
  {
    budget,
    origin,
    isUrgent,
  }: { budget: Budget | undefined; origin: string; isUrgent: () => boolean },
): Fetch {
  if (!budget) return fetch
  return async (url, init) => {
    if (new URL(url).origin !== origin) return fetch(url, init)
    const signal = init?.signal ?? new AbortController().signal
    await budget.call(isUrgent(), signal)
    const answer = await fetch(url, init)
    if (answer.status === 429) budget.hold(answer.headers)
    if (!answer.body) return answer
    const body = paced(answer.body, budget, { isUrgent, signal })
    const { status, headers } = answer
    return new Response(body, { status, headers })
  }
}

function paced(
  body: ReadableStream<Uint8Array>,
  budget: Budget,
  { isUrgent, signal }: { isUrgent: () => boolean; signal: AbortSignal },
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) {
          controller.close()
          return
        }
        if (!isUrgent()) await budget.pay(value.byteLength, signal)
        controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
