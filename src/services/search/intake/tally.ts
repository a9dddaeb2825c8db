import type { Metrics } from '#platform/runtime'
import type { Verdicts } from './change.ts'

/** Verdicts of one batch, added to the metrics once the batch is committed. */
export class Tally implements Verdicts {
  readonly #counts = new Map<string, number>()

  event(kind: string, verdict: string): void {
    this.#add(`search_events ${kind} ${verdict}`)
  }

  record(collection: string, verdict: string): void {
    this.#add(`search_records ${collection} ${verdict}`)
  }

  report(metrics: Metrics): void {
    for (const [key, count] of this.#counts) {
      const [name, first, second] = key.split(' ') as [string, string, string]
      const counter =
        name === 'search_events'
          ? metrics.counter(name, 'Events of upstreams', ['kind', 'verdict'])
          : metrics.counter(name, 'Records of events', ['collection', 'verdict'])
      counter.with(first, second).add(count)
    }
  }

  /** Adds what another tally holds. */
  join(other: Tally): void {
    for (const [key, count] of other.#counts) this.#add(key, count)
  }

  #add(key: string, count = 1): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count)
  }
}
