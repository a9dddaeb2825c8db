/** A standby as a service: it follows its first host, serves nobody, and takes its place when told to. */
import {
  type Log,
  type Loop,
  type Metrics,
  type Outside,
  type Sealer,
  type Service,
  sealer,
  superviseLoops,
} from '#platform/runtime'
import type { Blobs, Streams } from '#platform/storage'
import {
  type StandbyJoined,
  type StandbyState,
  type StandbyStatus,
  standbyGetStatus,
  standbyPromote,
} from '#protocol/account'
import { fromBase64url, hex } from '#protocol/crypto'
import {
  createRouter,
  failureLog,
  type HttpRequest,
  type HttpResponse,
  procedure,
  query,
  type Router,
  XrpcError,
} from '#protocol/xrpc'
import { BlobCopies } from './blob-copies.ts'
import { CopyPath } from './copy-path.ts'
import { DirectoryCopy } from './directory-copy.ts'
import { KEY_PURPOSE, keySealer } from './host-copies.ts'
import { StandbyMemory } from './memory.ts'
import { standbyAuth } from './standby-host.ts'
import { Tail } from './tail.ts'
import { Upstream } from './upstream.ts'

const TRIM_MS = 60 * 60 * 1000

export interface StandbyDeps {
  /** The first host. */
  of: string
  secret: string
  /** Where the host's own data lie: the directory database, and beside it what the standby remembers. */
  directoryPath: string
  memoryPath: string
  accountsDirectory: string
  openFilesMax: number
  /** How long, and in how many bytes, the journal is kept here. */
  retentionMs: number
  retentionBytes: number
  streams: Streams
  blobs: Blobs
  /** Reaches the first host, also in a private network. */
  fetch: Outside['fetch']
  /** Keeps the key that seals the host's secrets. */
  keepHostKey(key: Uint8Array): void
  /** What keeps the first host from writing when this one takes over; undefined where nothing does. */
  lease: StandbyLease | undefined
  /** Closes the storage of the standby and opens the host on the same folder. */
  openHost(): Promise<Service>
  outside: Outside
  log: Log
  metrics: Metrics
  version: string
  onFatal: (error: unknown) => void
}

/** The lease of the host's name, as its standby has to do with it. */
export interface StandbyLease {
  /** All that was written under this epoch is here: the lease may be taken after it. */
  keepEpoch(epoch: number): Promise<void>
  /** Ends the first host's, whether it is dead or alive; it is over with its term. */
  endFirst(): Promise<void>
}

/** What a promotion did. */
export interface Promoted {
  seq: number
  tookMs: number
  accountsStopped: number
}

export class Standby implements Service {
  readonly name = 'pds'
  readonly loops: readonly Loop[]
  readonly #deps: StandbyDeps
  readonly #memory: StandbyMemory
  readonly #directory: DirectoryCopy
  readonly #path: CopyPath
  readonly #blobs: BlobCopies
  readonly #tail: Tail
  readonly #router: Router
  readonly #stopTail = new AbortController()
  #tailing: Promise<void> | undefined
  #sealer: Sealer | undefined
  #host: Service | undefined
  #promoting: Promise<Promoted> | undefined
  readonly #hostOpened = Promise.withResolvers<void>()

  private constructor(
    deps: StandbyDeps,
    memory: StandbyMemory,
    path: CopyPath,
    dir: DirectoryCopy,
  ) {
    this.#deps = deps
    this.#memory = memory
    this.#path = path
    this.#directory = dir
    const { of, secret, outside, log, metrics } = deps
    const upstream = new Upstream({ url: of, secret, fetch: deps.fetch })
    this.#blobs = new BlobCopies({ blobs: deps.blobs, upstream })
    let name = memory.get('name')
    if (name === undefined) memory.set('name', (name = hex(outside.random(8))))
    this.#tail = new Tail({
      name,
      upstream,
      directory: dir,
      memory,
      path,
      blobs: this.#blobs,
      sealer: () => this.#sealer!,
      keepKey: (joined) => this.#keepKey(joined),
      inStepWith: async ({ leaseEpoch }) => {
        if (leaseEpoch !== undefined) await deps.lease?.keepEpoch(leaseEpoch)
      },
      timers: outside.timers,
      now: outside.now,
      log,
    })
    this.#router = this.#methods()
    this.loops = [{ name: 'standby', run: (signal) => this.#run(signal) }]
    metrics.gauge(
      'pds_standby_behind_entries',
      'Of a standby: entries of the first host, as last heard, that are not on this disk.',
      [],
      () => this.status().lagEntries,
    )
    metrics.gauge(
      'pds_standby_unsound_accounts',
      'Of a standby: accounts whose copy does not fit.',
      [],
      () => this.status().unsound,
    )
  }

  static async open(deps: StandbyDeps): Promise<Standby> {
    const memory = new StandbyMemory(deps.memoryPath)
    const directory = new DirectoryCopy(deps.directoryPath)
    const path = await CopyPath.open({ ...deps, directory, memory })
    return new Standby(deps, memory, path, directory)
  }

  #keepKey({ sealedKey }: StandbyJoined): void {
    const { secret } = this.#deps
    const key = keySealer(secret).open(fromBase64url(sealedKey), KEY_PURPOSE)
    this.#deps.keepHostKey(key)
    this.#sealer = sealer(key)
  }

  #methods(): Router {
    const auth = standbyAuth(this.#deps.secret)
    const methods = [
      query(standbyGetStatus, { auth, handle: () => this.status() }),
      procedure(standbyPromote, {
        auth,
        handle: ({ input }) =>
          this.promote({
            unfinished: input.unfinished === true,
            firstIsOff: input.firstIsOff === true,
          }),
      }),
    ]
    return createRouter(methods, {
      fallback: async () => waiting(),
      health: () => ({ version: this.#deps.version, standby: this.status().state }),
      onFailure: failureLog(this.#deps.log),
    })
  }

  status(): StandbyStatus {
    const { of, outside } = this.#deps
    const { newestSeq, inStepMs, unsound, problem } = this.#tail
    const isOpen = this.#promoting === undefined
    const seq = isOpen ? this.#path.seq : newestSeq
    const isBehind = newestSeq > seq || this.#tail.state !== 'following'
    return {
      state: this.#state(),
      of,
      seq,
      lagEntries: Math.max(0, newestSeq - seq),
      lagMs: isBehind ? Math.max(0, outside.now() - inStepMs) : 0,
      accounts: isOpen ? this.#directory.count() : 0,
      accountsCopied: isOpen ? this.#memory.copiedCount() : 0,
      blobsCopied: this.#blobs.fetched,
      unsound: unsound.size,
      ...(problem !== undefined && { problem }),
    }
  }

  #state(): StandbyState {
    if (this.#host) return 'promoted'
    if (this.#promoting) return 'promoting'
    return this.#tail.state
  }

  handle(request: HttpRequest): HttpResponse | Promise<HttpResponse> {
    const isOurs = request.path.startsWith('/xrpc/app.falaj.standby.')
    if (this.#host && !(isOurs && /\.(getStatus|promote)$/.test(request.path))) {
      return this.#host.handle(request)
    }
    if (request.path.startsWith('/xrpc/')) return this.#router.handle(request)
    return {
      status: 503,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '5' },
      body: 'This is the standby of another host.\n',
    }
  }

  subscribe(request: HttpRequest): ReturnType<NonNullable<Service['subscribe']>> {
    return this.#host?.subscribe?.(request) ?? this.#router.subscribe(request)
  }

  get tooSlowFrame(): Service['tooSlowFrame'] {
    return this.#host?.tooSlowFrame
  }

  /** Follows; once promoted, runs what the host does on its own. */
  async #run(signal: AbortSignal): Promise<void> {
    const { outside, log, metrics } = this.#deps
    const stop = AbortSignal.any([signal, this.#stopTail.signal])
    const checkpoints = this.#path.checkpoints.loop(stop, outside.timers.sleep)
    const repairs = this.#path.recovery.loop(stop, outside.timers.sleep)
    const trims = this.#trim(stop)
    this.#tailing = Promise.all([this.#tail.run(stop), checkpoints, repairs, trims]).then(() => {})
    await this.#tailing
    if (signal.aborted) return
    await Promise.race([this.#hostOpened.promise, aborted(signal)])
    if (signal.aborted || !this.#host) return
    const running = superviseLoops(this.#host.loops, { outside, log, metrics })
    await aborted(signal)
    await running.stop()
  }

  /** The journal is kept here as long as at a host, and never less than a replay needs. */
  async #trim(signal: AbortSignal): Promise<void> {
    const { outside, retentionMs, retentionBytes, log } = this.#deps
    const { stream, checkpoints } = this.#path
    while (!signal.aborted) {
      await outside.timers.sleep(TRIM_MS, signal).catch(() => {})
      if (signal.aborted) return
      const beforeSeq = checkpoints.savedPoint
      try {
        await stream.trim({ beforeMs: outside.now() - retentionMs, beforeSeq })
        await stream.trim({ keepBytes: retentionBytes, beforeSeq })
      } catch (error) {
        log.warn('the journal was not trimmed', { error })
      }
    }
  }

  /**
   * Becomes the host: what is in the journal here is applied, the directory made the original, and
   * the host opened on the same folder. Throws NotReady before everything was copied once, unless
   * the operator takes what there is. After a failure behind that the process starts as the host.
   */
  promote({
    unfinished = false,
    firstIsOff = false,
  }: {
    unfinished?: boolean
    firstIsOff?: boolean
  }): Promise<Promoted> {
    if (this.#promoting) return this.#promoting
    if (!this.#deps.lease && !firstIsOff) {
      const message = 'No lease keeps the first host from writing: say that it is off'
      throw new XrpcError(400, 'NotReady', message)
    }
    if (!this.#tail.isSeeded && !unfinished) {
      throw new XrpcError(400, 'NotReady', 'Not everything of the first host is here yet')
    }
    if (!this.#directory.position() && this.#directory.count() === 0) {
      throw new XrpcError(400, 'NotReady', 'Nothing of the first host is here')
    }
    this.#promoting = this.#promote()
    this.#promoting.catch((error) => this.#deps.onFatal(error))
    return this.#promoting
  }

  async #promote(): Promise<Promoted> {
    const { log, outside } = this.#deps
    const startedMs = outside.now()
    log.warn('the standby takes the place of its first host', { of: this.#deps.of })
    await this.#deps.lease?.endFirst().catch((error) => {
      log.warn('the lease of the first host could not be ended; it is waited out', { error })
    })
    this.#stopTail.abort(new Error('promoted'))
    await this.#tailing?.catch(() => {})
    this.#path.taken(this.#path.seq)
    await (this.#tail.isSeeded ? this.#path.apply() : this.#path.begin())
    const { seq, appliedSeq, recovery } = this.#path
    const accountsStopped = recovery.stoppedCount
    const lowest = recovery.lowestSeq()
    await this.#path.close()
    const point = lowest === undefined ? appliedSeq : Math.min(appliedSeq, lowest - 1)
    this.#directory.becomeOriginal(point, Math.max(seq, this.#tail.newestSeq))
    this.#directory.close()
    this.#memory.set('promoted', outside.now())
    this.#memory.close()
    this.#host = await this.#deps.openHost()
    this.#hostOpened.resolve()
    const tookMs = Math.max(0, Math.round(outside.now() - startedMs))
    log.warn('the standby is the host now', { seq, tookMs, accountsStopped })
    return { seq, tookMs, accountsStopped }
  }

  async close(): Promise<void> {
    this.#stopTail.abort(new Error('closing'))
    await this.#promoting?.catch(() => {})
    if (this.#host) return this.#host.close()
    await this.#tailing?.catch(() => {})
    await this.#path.close()
    this.#directory.close()
    this.#memory.close()
  }
}

/** Whether the standby in this folder became the host: then it is opened as one. */
export function wasPromoted(memoryPath: string): boolean {
  const memory = new StandbyMemory(memoryPath)
  try {
    return memory.get('promoted') !== undefined
  } finally {
    memory.close()
  }
}

function waiting(): HttpResponse {
  const error = { error: 'Standby', message: 'This is the standby of another host' }
  return {
    status: 503,
    headers: {
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
      'retry-after': '5',
    },
    body: JSON.stringify(error),
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
