/** A host's side of its standby, put together. */
import type { Log, Loop, Metrics, Outside } from '#platform/runtime'
import type { Stream } from '#platform/storage'
import type { StandbyJoined } from '#protocol/account'
import { equalText, requireBearer } from '#protocol/auth'
import type { Did } from '#protocol/syntax'
import { authRequired, type HttpRequest, XrpcError } from '#protocol/xrpc'
import type { AccountFiles } from '../account-files/index.ts'
import type { Accounts, Settings } from '../accounts/index.ts'
import type { Recovery } from '../journal/index.ts'
import { StandbyFeed } from './feed.ts'
import { type FileCopy, HostCopies, joined, type StandbySource } from './host-copies.ts'

export const IN_STEP_SETTING = 'standby-in-step'

export interface StandbyHostOptions {
  secret: string
  mode: 'sync' | 'async'
  awayMs: number
  whenAway: 'refuse' | 'continue'
  source: StandbySource
  settings: Settings
  publicUrl: string
  version: string
  sealingKey: Uint8Array
  /** Of the lease under which this host writes, if there is one. */
  leaseEpoch?: number | undefined
  outside: Pick<Outside, 'now' | 'random' | 'timers'>
  log: Log
  metrics: Metrics
}

/** Whoever shows the secret is the standby. Throws AuthMissing, AuthenticationRequired (401). */
export function standbyAuth(secret: string | undefined): (request: HttpRequest) => 'standby' {
  return (request) => {
    const shown = requireBearer(request.headers.authorization)
    if (secret === undefined || !equalText(shown, secret)) {
      throw authRequired('Not the secret of this host’s standby')
    }
    return 'standby'
  }
}

/** What a host does for a standby; made before the journal is opened, told of the rest when it is. */
export class StandbyHost {
  readonly feed: StandbyFeed
  readonly #options: StandbyHostOptions
  #parts: { copies: HostCopies; stream: Stream; recovery: Recovery } | undefined

  private constructor(options: StandbyHostOptions, feed: StandbyFeed) {
    this.#options = options
    this.feed = feed
  }

  static async open(options: StandbyHostOptions): Promise<StandbyHost> {
    const { settings, source } = options
    const feed = new StandbyFeed({
      ...options,
      everInStep: (await settings.get(IN_STEP_SETTING)) !== undefined,
      onFirstInStep: () => void settings.set(IN_STEP_SETTING, 'yes').catch(() => {}),
      listen: (heard) => source.listen(heard),
    })
    return new StandbyHost(options, feed)
  }

  begin(parts: {
    accounts: Accounts
    files: AccountFiles
    stream: Stream
    recovery: Recovery
  }): void {
    const { feed } = this
    const { source, outside } = this.#options
    const copies = new HostCopies({ ...parts, feed, source, random: outside.random })
    this.#parts = { ...parts, copies }
  }

  #ready() {
    if (this.#parts) return this.#parts
    throw new XrpcError(503, 'NotEnoughResources', 'The host is starting')
  }

  join(): StandbyJoined {
    const { stream, recovery } = this.#ready()
    const { feed } = this
    const bounds = stream.bounds()
    const waiting = recovery.lowestSeq()
    const applied = waiting === undefined ? bounds.last : Math.min(bounds.last, waiting - 1)
    const { leaseEpoch } = this.#options
    return joined({ ...this.#options, leaseEpoch, feed, bounds, applied })
  }

  directory(): Promise<FileCopy> {
    const { copies, stream } = this.#ready()
    return copies.directory(stream)
  }

  async accountFile(did: Did, generation: number | undefined): Promise<FileCopy> {
    return this.#ready().copies.accountFile(did, generation)
  }

  get loops(): Loop[] {
    return [{ name: 'standby', run: (signal) => this.feed.loop(signal) }]
  }

  /** Nobody waits for the standby any more: what was not copied stays unacknowledged. */
  close(): void {
    this.feed.close()
  }

  /** How a health check shows it. */
  health(): { state: string; mode: string; lagEntries: number; lagMs: number } {
    const { state, lagEntries, lagMs, isRefusing } = this.feed.acknowledgements
    const shown = isRefusing ? 'refusing' : state
    return { state: shown, mode: this.#options.mode, lagEntries, lagMs: Math.round(lagMs) }
  }
}

/** Throws NotOffered where no standby may follow. */
export function requireStandby(standby: StandbyHost | undefined): StandbyHost {
  if (standby) return standby
  throw new XrpcError(400, 'NotOffered', 'This host has no standby')
}
