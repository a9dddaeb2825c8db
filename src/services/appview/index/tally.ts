import type { Metrics } from '#platform/runtime'

/** Verdicts of one batch, added to the metrics once the batch is committed. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(metric: string, first: string, second: string): void {
    const key = `${metric} ${first} ${second}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  /** Adds what another tally holds. */
  join(other: Tally): void {
    for (const [key, count] of other.#counts)
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + count)
  }

  report(metrics: Metrics): void {
    for (const [key, count] of this.#counts) {
      const [metric, first, second] = key.split(' ') as [string, string, string]
      if (metric === 'event')
        metrics
          .counter('appview_events', 'Events of upstreams', ['kind', 'verdict'])
          .with(first, second)
          .add(count)
      else
        metrics
          .counter('appview_records', 'Records of events', ['collection', 'verdict'])
          .with(first, second)
          .add(count)
    }
  }
}
