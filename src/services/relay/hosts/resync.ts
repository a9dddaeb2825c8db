import type { Log, Loop, Outside } from '#platform/runtime'
import type { Did } from '#protocol/syntax'
import { Bell } from '../bell.ts'
import type { Ingest, RepoState, RepoStates } from '../ingest/index.ts'
import { HeadFetch, type HeadSource } from './head-fetch.ts'

/** Fetches under way at once, of all hosts and of one. */
const AT_ONCE = 16
const AT_ONCE_PER_HOST = 2
/** Repositories in line; the rest is in Sql and is taken up when the line is short. */
const LINE_MAX = 10_000
const RETRY_MIN_MS = 2_000
const RETRY_MAX_MS = 3_600_000
/** A repository that breaks again this soon after it was mended waits longer each time. */
const RESTLESS_MS = 600_000
const REMEMBERED_MAX = 10_000

interface Job {
  did: Did
  host: string
  /** Not before; milliseconds since 1970. */
  dueMs: number
}

/** How often a repository was tried, or mended only to break again. */
interface Trouble {
  times: number
  lastMs: number
}

/**
 * Mends broken chains: fetches the signed head of a desynchronised repository from its host and says
 * it to everybody as a `#sync`, from which consumers catch up. What is in line is in Sql too; a host
 * that does not answer keeps nobody else waiting.
 */
export class Resync {
  readonly #states: RepoStates
  readonly #ingest: () => Ingest
  readonly #outside: Outside
  readonly #log: Log
  readonly #heads: HeadFetch
  readonly #bell: Bell
  readonly #line = new Map<Did, Job>()
  readonly #busy = new Map<string, number>()
  readonly #running = new Set<Promise<void>>()
  readonly #troubles = new Map<Did, Trouble>()
  /** There may be more in Sql than in line. */
  #hasMore = true

  constructor(options: {
    states: RepoStates
    identities: HeadSource['identities']
    /** The ingest tells this part of broken chains, and is told of heads: each needs the other. */
    ingest: () => Ingest
    outside: Outside
    log: Log
  }) {
    this.#states = options.states
    this.#ingest = options.ingest
    this.#outside = options.outside
    this.#log = options.log
    this.#heads = new HeadFetch(options)
    this.#bell = new Bell(options.outside.timers)
  }

  /** Repositories in line. */
  get waitingCount(): number {
    return this.#line.size
  }

  add({ did, host }: Pick<RepoState, 'did' | 'host'>): void {
    if (this.#line.get(did)?.host === host) return
    if (this.#line.size >= LINE_MAX) {
      this.#hasMore = true
      return
    }
    this.#line.set(did, { did, host, dueMs: this.#outside.now() + this.#delayMs(did) })
    this.#bell.ring()
  }

  readonly loop: Loop = {
    name: 'resync',
    run: async (signal) => {
      this.#hasMore = true
      while (!signal.aborted) {
        if (this.#hasMore && this.#line.size < LINE_MAX / 2) await this.#takeUp()
        const nextMs = this.#startDue(signal)
        await this.#bell.wait(signal, nextMs)
      }
      await Promise.all(this.#running)
    },
  }

  async #takeUp(): Promise<void> {
    const states = await this.#states.desynchronized(LINE_MAX)
    this.#hasMore = states.length === LINE_MAX
    for (const state of states) this.add(state)
  }

  /** Starts what is due; returns in how many milliseconds the next is, if any. */
  #startDue(signal: AbortSignal): number | undefined {
    const now = this.#outside.now()
    let nextMs: number | undefined
    for (const job of this.#line.values()) {
      if (this.#running.size >= AT_ONCE) return undefined // one of them rings when it is done
      const waitMs = job.dueMs - now
      if (waitMs > 0) nextMs = Math.min(nextMs ?? waitMs, waitMs)
      else if ((this.#busy.get(job.host) ?? 0) < AT_ONCE_PER_HOST) this.#start(job, signal)
    }
    return nextMs
  }

  #start(job: Job, signal: AbortSignal): void {
    const { did, host } = job
    this.#line.delete(did)
    this.#busy.set(host, (this.#busy.get(host) ?? 0) + 1)
    const running = this.#mend(did, signal).finally(() => {
      this.#running.delete(running)
      const busy = this.#busy.get(host)! - 1
      if (busy > 0) this.#busy.set(host, busy)
      else this.#busy.delete(host)
      this.#bell.ring()
    })
    this.#running.add(running)
  }

  async #mend(did: Did, signal: AbortSignal): Promise<void> {
    const state = await this.#states.get(did).catch(() => undefined)
    // One that is not shown is mended when it is shown again: `broken` says so anew.
    if (!state?.desynchronized || state.status !== undefined) return
    this.#note(did)
    try {
      const head = await this.#heads.fetch(state, signal)
      const mended = await this.#ingest().mend(head)
      if (mended === 'older') throw new Error('its host is behind what it sent before')
    } catch (error) {
      if (signal.aborted) return
      this.#log.info('a repository could not be mended yet', { did, host: state.host, error })
      this.add(state)
    }
  }

  #note(did: Did): void {
    const now = this.#outside.now()
    const before = this.#troubles.get(did)
    const times = before && now - before.lastMs < RESTLESS_MS ? before.times + 1 : 1
    this.#troubles.delete(did)
    this.#troubles.set(did, { times, lastMs: now })
    if (this.#troubles.size <= REMEMBERED_MAX) return
    this.#troubles.delete(this.#troubles.keys().next().value!)
  }

  #delayMs(did: Did): number {
    const trouble = this.#troubles.get(did)
    if (!trouble || this.#outside.now() - trouble.lastMs > RESTLESS_MS) return 0
    return Math.min(RETRY_MIN_MS * 2 ** (trouble.times - 1), RETRY_MAX_MS)
  }
}
