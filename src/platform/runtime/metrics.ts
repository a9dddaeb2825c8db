/** Counters, gauges and histograms with bounded labels, in Prometheus' text form. */
import { performance } from 'node:perf_hooks'

export interface CounterSeries {
  add(count?: number): void
}
export interface Counter extends CounterSeries {
  /** The series of these label values, in the order of the label names. Keep it on hot paths. */
  with(...labels: string[]): CounterSeries
}
export interface GaugeSeries {
  set(value: number): void
  add(delta: number): void
}
export interface Gauge extends GaugeSeries {
  with(...labels: string[]): GaugeSeries
}
export interface HistogramSeries {
  observe(value: number): void
}
export interface Histogram extends HistogramSeries {
  with(...labels: string[]): HistogramSeries
}

export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter
  /** `read` makes the value on demand; it is asked only when the metrics are. */
  gauge(name: string, help: string, labels?: readonly string[], read?: () => number): Gauge
  /** `buckets` are upper bounds, rising; default suits seconds from 0.1 ms to 10 s. */
  histogram(
    name: string,
    help: string,
    labels?: readonly string[],
    buckets?: readonly number[],
  ): Histogram
  /** Current value of a series (a histogram's count), for tests and health. */
  value(name: string, ...labels: string[]): number
  text(): string
}

/** Series per metric; label values beyond that are counted together under `other`. */
const SERIES_MAX = 500
const SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

type Kind = 'counter' | 'gauge' | 'histogram'

class Series {
  value = 0
  sum = 0
  readonly counts: Float64Array | undefined
  readonly labels: readonly string[]
  private readonly buckets: readonly number[] | undefined
  constructor(labels: readonly string[], buckets: readonly number[] | undefined) {
    this.labels = labels
    this.buckets = buckets
    if (buckets) this.counts = new Float64Array(buckets.length)
  }
  add(count = 1): void {
    this.value += count
  }
  set(value: number): void {
    this.value = value
  }
  observe(value: number): void {
    this.value++
    this.sum += value
    const buckets = this.buckets!
    for (let i = 0; i < buckets.length; i++)
      if (value <= buckets[i]!) {
        this.counts![i]!++
        return
      }
  }
}

class Metric {
  readonly name: string
  readonly help: string
  readonly kind: Kind
  readonly labelNames: readonly string[]
  readonly buckets: readonly number[] | undefined
  readonly series = new Map<string, Series>()
  read: (() => number) | undefined
  constructor(
    name: string,
    help: string,
    kind: Kind,
    labelNames: readonly string[],
    buckets?: readonly number[],
  ) {
    this.name = name
    this.help = help
    this.kind = kind
    this.labelNames = labelNames
    this.buckets = buckets
    if (labelNames.length === 0) this.with()
  }
  with(...labels: string[]): Series {
    const key = labels.length === 1 ? labels[0]! : labels.join('\u0000')
    const known = this.series.get(key)
    if (known) return known
    if (labels.length !== this.labelNames.length)
      throw new Error(`${this.name} takes ${this.labelNames.length} labels`)
    const full = this.series.size >= SERIES_MAX && labels.some((label) => label !== 'other')
    if (full) return this.with(...labels.map(() => 'other'))
    const made = new Series(labels, this.buckets)
    this.series.set(key, made)
    return made
  }
  add(count = 1): void {
    this.with().add(count)
  }
  set(value: number): void {
    this.with().set(value)
  }
  observe(value: number): void {
    this.with().observe(value)
  }
}

export interface MetricsOptions {
  /** Put before every name. Default `falaj_`. */
  prefix?: string
  /** Labels that every series carries, such as the service's name. */
  labels?: Record<string, string>
}

/** Starts a registry. Asking twice for one name gives the same metric. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const prefix = options.prefix ?? 'falaj_'
  const constant = Object.entries(options.labels ?? {})
  const metrics = new Map<string, Metric>()
  const make = (
    kind: Kind,
    name: string,
    help: string,
    labels: readonly string[] = [],
    buckets?: readonly number[],
  ) => {
    const known = metrics.get(name)
    if (known) {
      if (known.kind !== kind || known.labelNames.join() !== labels.join())
        throw new Error(`metric ${name} is declared in two ways`)
      return known
    }
    const metric = new Metric(prefix + name, help, kind, labels, buckets)
    metrics.set(name, metric)
    return metric
  }
  return {
    counter: (name, help, labels) => make('counter', name, help, labels),
    gauge(name, help, labels, read) {
      const gauge = make('gauge', name, help, labels)
      if (read) gauge.read = read
      return gauge
    },
    histogram: (name, help, labels, buckets = SECONDS) =>
      make('histogram', name, help, labels, buckets),
    value(name, ...labels) {
      const metric = metrics.get(name)
      if (metric?.read) return metric.read()
      return metric?.series.get(labels.join('\u0000'))?.value ?? 0
    },
    text: () => [...metrics.values()].map((metric) => textOf(metric, constant)).join(''),
  }
}

function textOf(metric: Metric, constant: [string, string][]): string {
  if (metric.read) metric.set(metric.read())
  const lines = [`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.kind}`]
  for (const series of metric.series.values()) {
    const labels = [
      ...constant,
      ...metric.labelNames.map((name, i) => [name, series.labels[i]!] as [string, string]),
    ]
    if (metric.kind === 'histogram') lines.push(...histogramLines(metric, series, labels))
    else lines.push(`${metric.name}${labelText(labels)} ${series.value}`)
  }
  return `${lines.join('\n')}\n`
}

function histogramLines(metric: Metric, series: Series, labels: [string, string][]): string[] {
  let sum = 0
  const lines = metric.buckets!.map((bound, i) => {
    sum += series.counts![i]!
    return `${metric.name}_bucket${labelText([...labels, ['le', String(bound)]])} ${sum}`
  })
  return [
    ...lines,
    `${metric.name}_bucket${labelText([...labels, ['le', '+Inf']])} ${series.value}`,
    `${metric.name}_sum${labelText(labels)} ${series.sum}`,
    `${metric.name}_count${labelText(labels)} ${series.value}`,
  ]
}

function labelText(labels: [string, string][]): string {
  if (labels.length === 0) return ''
  const quoted = (value: string) =>
    value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  return `{${labels.map(([name, value]) => `${name}="${quoted(value)}"`).join(',')}}`
}

/** Adds memory, CPU, event loop and uptime of this process. Nothing runs until they are read. */
export function addProcessMetrics(metrics: Metrics): void {
  metrics.gauge('process_resident_memory_bytes', 'Memory in use', [], () =>
    process.memoryUsage.rss(),
  )
  metrics.gauge(
    'process_heap_bytes',
    'JavaScript heap in use',
    [],
    () => process.memoryUsage().heapUsed,
  )
  metrics.gauge('process_cpu_seconds', 'CPU time used since the start', [], () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  metrics.gauge('process_uptime_seconds', 'Time since the start', [], () => process.uptime())
  metrics.gauge(
    'process_event_loop_utilization',
    'Share of time the event loop was busy',
    [],
    () => performance.eventLoopUtilization().utilization,
  )
}
