/** How a service is put together here: its table, what it needs, and how its parts are opened. */
import type { ConfigTable, Log, Metrics, Outside, Service, Subscribe } from '#platform/runtime'

/** What is known before anything is opened. */
export interface Around {
  /** Local mode. */
  dev: boolean
  peers: Peers
}

/** What every service of this process is handed. */
export interface Shared extends Around {
  outside: Outside
  subscribe: Subscribe
  version: string
  /** Ends the process: storage can no longer be trusted. */
  onFatal(error: unknown): void
}

/** Where one service of this process lives. */
export interface Place {
  /** Name in logs, metrics and the data folder: `pds`, `pds2`, … */
  name: string
  /** 0 for the first of its kind. */
  index: number
  /** Public URL, without a trailing slash. */
  url: string
  /** Its own folder, made and locked. */
  dataDir: string
  log: Log
  metrics: Metrics
}

/** The other services of this process, by what they are; empty for what runs elsewhere. */
export interface Peers {
  /** Public URL of the first service of this kind. */
  url(kind: string): string | undefined
  urls(kind: string): string[]
  /** URL and DID of a service that was started before. */
  named(kind: string): { url: string; did: string } | undefined
  /** All started so far, in the order of the list. */
  started(): readonly StartedEntry[]
}

export interface StartedEntry {
  kind: string
  name: string
  url: string
  did: string | undefined
  /** What the people's client shows of it, if anything. */
  about: Readonly<Record<string, unknown>>
}

export interface Started {
  service: Service
  did?: string
  about?: Record<string, unknown>
}

/** One kind of service. The file that declares it is the one place where its dependencies are opened. */
export interface ServicePart<C = unknown> {
  kind: string
  defaultPort: number
  /** Added to the port for the second, third, … of its kind. */
  portStep?: number
  /**
   * What `falaj up` starts of this kind, where that is not one: the values of each, in order. The
   * first may be changed by them too.
   */
  copies?(values: C): readonly C[]
  /** Not among what `falaj up` starts, unless it is named. */
  apart?: boolean
  /** Loads the service's code: only what is started is loaded. */
  load(): Promise<LoadedPart<C>>
}

export interface LoadedPart<C = unknown> {
  table: ConfigTable<C>
  /**
   * Fills in what the operator left open: peers of this process, and local mode's choices. What is
   * then missing is told by throwing a UsageError.
   */
  wire(values: C, place: Pick<Place, 'index' | 'url' | 'name'>, around: Around): C
  start(values: C, place: Place, shared: Shared): Promise<Started>
}

/** The command was used wrongly: exit 2 and these lines. */
export class UsageError extends Error {
  readonly lines: readonly string[]
  constructor(...lines: string[]) {
    super(lines.join('\n'))
    this.name = 'UsageError'
    this.lines = lines
  }
}
