/** Running a plan: listeners first, then services in order, then loops; and all of it back again. */
import { readFileSync } from 'node:fs'
import {
  addProcessMetrics,
  createLog,
  createMetrics,
  guardedFetch,
  type Listening,
  type LocalTransport,
  type Log,
  listen,
  localTransport,
  type Metrics,
  networkSubscribe,
  type RunningLoops,
  realOutside,
  type Service,
  superviseLoops,
} from '#platform/runtime'
import { type DataFolder, dataFolder } from './data-folder.ts'
import { type LateService, lateService } from './late-service.ts'
import type { Peers, Shared, StartedEntry } from './part.ts'
import type { Plan, PlannedService } from './plan.ts'

/** The budgets of a stop add up to less than the five seconds the contract gives. */
const LOOPS_DRAIN_MS = 2_000
const REQUESTS_GRACE_MS = 1_500
const SERVICE_CLOSE_MS = 1_000

export interface Running {
  started: readonly StartedEntry[]
  /** Loops, then listeners, then services, last one first. */
  stop(): Promise<void>
}

interface Open {
  planned: PlannedService
  late: LateService
  listening: Listening
  url: string
  metrics: Metrics
  log: Log
  loops?: RunningLoops
  service?: Service
}

/** Starts everything of the plan and resolves when each service answers its health check. */
export async function serve(plan: Plan, onFatal: (error: unknown) => void): Promise<Running> {
  const server = new Server(plan, onFatal)
  try {
    await server.start()
  } catch (error) {
    await server.stop()
    throw error
  }
  return { started: server.started, stop: () => server.stop() }
}

export function programVersion(): string {
  const file = new URL('../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

class Server {
  readonly started: StartedEntry[] = []
  private readonly open: Open[] = []
  private readonly plan: Plan
  private readonly log: Log
  private readonly folder: DataFolder
  private readonly network: { fetch: LocalTransport['fetch']; close(): Promise<void> }
  private readonly transport: LocalTransport
  private readonly shared: Shared

  constructor(plan: Plan, onFatal: (error: unknown) => void) {
    const { server, dev } = plan
    this.plan = plan
    this.log = createLog({ level: server.logLevel })
    this.folder = dataFolder(server.data, server.ephemeral)
    const version = programVersion()
    const rules = { allowPrivate: dev, userAgent: `falaj/${version}` }
    this.network = guardedFetch(rules)
    this.transport = localTransport({
      fetch: this.network.fetch,
      subscribe: networkSubscribe(rules),
    })
    this.shared = {
      dev,
      outside: realOutside({ allowPrivate: dev, local: this.transport }),
      subscribe: this.transport.subscribe,
      version,
      onFatal,
      peers: this.peers(),
    }
  }

  async start(): Promise<void> {
    for (const planned of this.plan.services) await this.listen(planned)
    for (const open of this.open) await this.create(open)
    for (const open of this.open)
      open.loops = superviseLoops(open.service!.loops, {
        outside: this.shared.outside,
        log: open.log,
        metrics: open.metrics,
      })
    await Promise.all(this.open.map((open) => this.healthy(open)))
  }

  private async listen(planned: PlannedService): Promise<void> {
    const { server, dev } = this.plan
    const metrics = createMetrics({ labels: { service: planned.name } })
    addProcessMetrics(metrics)
    const log = this.log.child({ service: planned.name })
    const late = lateService(planned.name)
    const listening = await listen(late, {
      port: planned.port,
      host: server.host,
      log,
      metrics,
      loopbackOnly: dev,
      trustProxy: server.trustProxy,
      metricsToken: server.metricsToken,
      limits: { graceMs: REQUESTS_GRACE_MS },
    })
    const url = planned.publicUrl ?? listening.url
    const origins = [url, listening.url, `http://127.0.0.1:${listening.port}`]
    for (const origin of origins) this.transport.add(origin, late)
    this.open.push({ planned, late, listening, url, metrics, log })
  }

  private async create(open: Open): Promise<void> {
    const { planned, url, log, metrics } = open
    const { name, index, loaded } = planned
    const dataDir = this.folder.open(name)
    const place = { name, index, url, dataDir, log, metrics }
    const values = loaded.wire(planned.values, place, this.shared)
    const { service, did, about = {} } = await loaded.start(values, place, this.shared)
    open.service = service
    open.late.attach(service)
    this.started.push({ kind: planned.part.kind, name, url, did, about })
  }

  /** Asked without the transport: what that takes to load is not needed yet. */
  private async healthy({ service, planned, url }: Open): Promise<void> {
    await service!.ready?.()
    const { status } = await service!.handle({
      method: 'GET',
      path: '/xrpc/_health',
      query: '',
      headers: { host: new URL(url).host },
      body: undefined,
      ip: '127.0.0.1',
      id: 'health',
      signal: new AbortController().signal,
    })
    if (status !== 200) throw new Error(`${planned.name} is not healthy (${status})`)
  }

  async stop(): Promise<void> {
    const backwards = this.open.toReversed()
    const left = await Promise.all(backwards.map(({ loops }) => loops?.stop(LOOPS_DRAIN_MS) ?? []))
    for (const name of left.flat()) this.log.warn('loop did not stop in time', { loop: name })
    await Promise.all(backwards.map(({ listening }) => listening.close()))
    for (const { service, planned } of backwards) {
      if (!service) continue
      const closed = service.close().catch((error) => {
        this.log.error('service did not close cleanly', { service: planned.name, error })
      })
      await within(SERVICE_CLOSE_MS, closed)
    }
    await this.network.close()
    this.folder.close()
  }

  private peers(): Peers {
    const urls = (kind: string) =>
      this.open.filter(({ planned }) => planned.part.kind === kind).map(({ url }) => url)
    return {
      url: (kind) => urls(kind)[0],
      urls,
      named: (kind) => {
        const entry = this.started.find((one) => one.kind === kind)
        return entry?.did === undefined ? undefined : { url: entry.url, did: entry.did }
      },
      started: () => this.started,
    }
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, timeout])
  clearTimeout(timer)
}
