/**
 * Two hosts and a witness on one simulated clock: messages are slow or lost, processes stand still
 * at any instant, clocks run apart, the witness starts again. The real lease and the real witness.
 */
import {
  type FetchInit,
  type HttpResponse,
  type Service,
  silentLog,
  type Timers,
} from '#platform/runtime'
import { loadMigrations, openSqlite, type Sql } from '#platform/storage'
import { type Lease, type LeaseNote, LeaseRefused, takeLease } from '#services/pds'
import { createWitness, vaultMigrations, witnessConfig } from '#services/vault'
import { type Chances, chances } from './chances.ts'

const HOSTNAME = 'pds.example'
const SECRET = 'a secret of two hosts'
export const TERM_MS = 5_000

interface Due {
  atMs: number
  order: number
  run(): void
}

/** What was acknowledged: when, by whom, and under which epoch. */
export interface Acknowledged {
  atMs: number
  host: number
  epoch: number
}

export class LeaseWorld {
  nowMs = 0
  readonly chances: Chances
  readonly acknowledged: Acknowledged[] = []
  /** Epochs as they were given. */
  readonly given: number[] = []
  readonly problems: string[] = []
  readonly hosts: SimulatedHost[]
  /** Of messages, in each direction. */
  lossRate = 0
  delayMs = 20
  witness: Service | undefined
  #sql!: Sql
  #order = 0
  readonly #due: Due[] = []

  constructor(seed: number, rates: readonly number[] = [1, 1]) {
    this.chances = chances(seed)
    this.hosts = rates.map((rate, index) => new SimulatedHost(this, index, rate))
  }

  async open(): Promise<this> {
    this.#sql = await openSqlite(':memory:', { migrations: loadMigrations(vaultMigrations) })
    this.startWitness()
    return this
  }

  /** Anew on its rows; while it is undefined nobody answers. */
  startWitness(): void {
    const config = witnessConfig.with({
      leaseSecrets: [`${HOSTNAME}=${SECRET}`],
      leaseTermMs: TERM_MS,
    })
    const stopwatch = () => {
      const began = this.nowMs
      return () => this.nowMs - began
    }
    const outside = { now: () => this.nowMs }
    const deps = { sql: this.#sql, outside, stopwatch, log: silentLog, version: 'test' }
    this.witness = createWitness(config, deps)
  }

  stopWitness(): void {
    this.witness = undefined
  }

  async close(): Promise<void> {
    for (const host of this.hosts) host.kill()
    await settle()
    await this.#sql.close()
  }

  after(ms: number, run: () => void): Due {
    const due = { atMs: this.nowMs + Math.max(0, ms), order: this.#order++, run }
    this.#due.push(due)
    return due
  }

  cancel(due: Due): void {
    const at = this.#due.indexOf(due)
    if (at >= 0) this.#due.splice(at, 1)
  }

  /** Lets time go by, and looks after each thing that happens whether two hosts may write. */
  async run(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    for (;;) {
      await settle()
      this.#look()
      const next = this.#next(untilMs)
      if (!next) break
      this.cancel(next)
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.run()
    }
    this.nowMs = untilMs
    this.#look()
  }

  #next(untilMs: number): Due | undefined {
    let next: Due | undefined
    for (const due of this.#due) {
      if (due.atMs > untilMs) continue
      if (!next || due.atMs < next.atMs || (due.atMs === next.atMs && due.order < next.order)) {
        next = due
      }
    }
    return next
  }

  #look(): void {
    const holders = this.hosts.filter(({ lease }) => lease?.held())
    if (holders.length > 1) this.problems.push(`two hosts may write at ${this.nowMs}`)
  }

  acknowledge(host: number, epoch: number): void {
    const newest = this.acknowledged.at(-1)
    if (newest && newest.epoch > epoch) {
      this.problems.push(`epoch ${epoch} acknowledges at ${this.nowMs}, after ${newest.epoch}`)
    }
    this.acknowledged.push({ atMs: this.nowMs, host, epoch })
  }

  give(epoch: number): void {
    if (this.given.some((one) => one >= epoch)) this.problems.push(`epoch ${epoch} given again`)
    this.given.push(epoch)
  }

  /** A message on its way, which may be lost. */
  deliver(run: () => void): void {
    if (this.chances() < this.lossRate) return
    this.after(this.chances.upTo(this.delayMs + 1), run)
  }
}

/** A process that may stand still: then none of its timers and no answer reaches it, but time goes by. */
export class SimulatedHost {
  lease: Lease | undefined
  refusal: LeaseRefused | undefined
  /** On its disk. */
  note: LeaseNote = { epoch: 0, claim: undefined }
  readonly #world: LeaseWorld
  readonly #index: number
  /** How fast its clock runs. */
  readonly #rate: number
  #process = new AbortController()
  #pausedUntilMs = 0

  constructor(world: LeaseWorld, index: number, rate: number) {
    this.#world = world
    this.#index = index
    this.#rate = rate
  }

  pause(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#world.nowMs + ms)
  }

  /** As by kill -9: nothing is given back; what is on the disk stays. */
  kill(): void {
    this.#process.abort(new Error('killed'))
    this.lease = undefined
  }

  /** Starts the process: it takes the lease, waiting for it, and writes while it has it. */
  start(): void {
    this.kill()
    this.refusal = undefined
    this.#process = new AbortController()
    const { signal } = this.#process
    void this.#live(signal).catch((error) => {
      if (error instanceof LeaseRefused) this.refusal = error
      else if (!signal.aborted) throw error
    })
  }

  async #live(signal: AbortSignal): Promise<void> {
    const timers = this.#timers(signal)
    const lease = await takeLease(
      {
        ...{ witness: 'http://witness.test', hostname: HOSTNAME, secret: SECRET },
        ...{ timers, log: silentLog },
        fetch: (url, init) => this.#fetch(String(url), init ?? {}, signal),
        random: (count) => Uint8Array.from({ length: count }, () => this.#world.chances.upTo(256)),
        memory: {
          read: async () => this.note,
          write: async (note) => {
            await timers.sleep(this.#world.chances.upTo(5))
            this.note = note
          },
        },
        stopwatch: () => {
          const began = this.#world.nowMs
          return () => (this.#world.nowMs - began) * this.#rate
        },
      },
      { signal },
    )
    signal.throwIfAborted()
    this.lease = lease
    this.#world.give(lease.epoch)
    await Promise.all([1, 2, 3, 4].map(() => this.#write(lease, timers)))
  }

  /** Check, append, fsync, check, acknowledge; it may stand still before each. */
  async #write(lease: Lease, timers: Timers): Promise<void> {
    const { chances } = this.#world
    while (!lease.end) {
      await timers.sleep(1 + chances.upTo(400))
      if (!lease.held()) continue
      await timers.sleep(chances.upTo(3))
      await timers.sleep(chances.upTo(chances() < 0.01 ? 8_000 : 30))
      if (lease.held()) this.#world.acknowledge(this.#index, lease.epoch)
    }
  }

  /** Runs when the process runs; never when it was killed. */
  #awake(run: () => void, signal: AbortSignal): void {
    if (signal.aborted) return
    const waitMs = this.#pausedUntilMs - this.#world.nowMs
    if (waitMs <= 0) run()
    else this.#world.after(waitMs, () => this.#awake(run, signal))
  }

  #timers(process: AbortSignal): Timers {
    const world = this.#world
    const setTimeout = (run: () => void, ms: number) =>
      world.after(ms / this.#rate, () => this.#awake(run, process))
    return {
      setTimeout,
      clearTimeout: (handle) => world.cancel(handle as Due),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason)
          const due = setTimeout(resolve, ms)
          signal?.addEventListener('abort', () => {
            world.cancel(due)
            reject(signal.reason)
          })
        }),
    }
  }

  #fetch(url: string, init: FetchInit, process: AbortSignal): Promise<Response> {
    const world = this.#world
    return new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal!.reason))
      world.deliver(() => {
        const { witness } = world
        if (!witness) return
        void answer(witness, new URL(url), init).then((response) => {
          world.deliver(() => this.#awake(() => resolve(response), process))
        })
      })
    })
  }
}

async function answer(witness: Service, url: URL, init: FetchInit): Promise<Response> {
  const response: HttpResponse = await witness.handle({
    method: init.method ?? 'GET',
    path: url.pathname,
    query: url.search.slice(1),
    headers: { 'content-type': 'application/json' },
    body: init.body ? new TextEncoder().encode(String(init.body)) : undefined,
    ip: '10.0.0.1',
    id: 'simulated',
    signal: new AbortController().signal,
  })
  return new Response(String(response.body), {
    status: response.status,
    headers: response.headers ?? {},
  })
}

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
