import {
  ComAtprotoIdentityRequestPlcOperationSignature,
  ComAtprotoServerDeleteSession,
  ComAtprotoSyncGetRepo,
} from '@atcute/atproto'
import type { JobRun, Jobs, Outside } from '#platform/runtime'
import {
  copyBlob,
  counted,
  type Forward,
  type HostedHead,
  type Hosts,
  type LateWrites,
  type MoveDeps,
  type MoveState,
  move,
  moveSteps,
  signReceipt,
} from '#protocol/account'
import { cidText } from '#protocol/data'
import type { CachedDirectory, PlcClient, PlcCredentials } from '#protocol/identity'
import { type Did, ProtocolError } from '#protocol/syntax'
import { type Fetch, type XrpcClient, XrpcError, xrpcClient } from '#protocol/xrpc'
import type { Accounts } from '../accounts/index.ts'
import type { Host } from '../host/index.ts'
import type { Imports } from '../imports/index.ts'
import type { Sessions } from '../sign-in/index.ts'
import { type Budgets, pacedFetch } from './budget.ts'
import type { MoveRow, MoveRows, MoveSecrets, Shown } from './move-rows.ts'
import { Pace } from './pace.ts'
import type { Visibility } from './visibility.ts'

export const MOVE_JOB = 'move'
/** A source or a directory that is away is asked again for about a week. */
export const MOVE_PACE = {
  maxAttempts: 20_000,
  pauseMs: (failures: number) => Math.min(30_000, 500 * 2 ** Math.min(failures, 6)),
}
/** A token that is younger is good for long enough: it lives for two hours. */
const FORWARD_MS = 3_600_000
/** Bytes on their way are shown so often: each time is a write of its own. */
const SHOWN_EVERY_MS = 1_000
/** Why what changed does not do, and the whole repository has to come. */
const WHOLE: ReadonlySet<string> = new Set(['MissingBlock', 'TooLarge', 'InvalidTree'])

interface MoveWorkDeps {
  rows: MoveRows
  jobs: () => Jobs
  host: Host
  sessions: Sessions
  accounts: Accounts
  imports: () => Imports
  directory: CachedDirectory
  plc: PlcClient
  visibility: Visibility
  budgets: Budgets
  outside: Pick<Outside, 'now' | 'timers' | 'random'> & { fetch: Fetch }
}

/** Only the owner can go on from here. */
export class OwnerNeeded extends Error {
  readonly needs: 'code' | 'document'
  readonly wanted: PlcCredentials | undefined

  constructor(needs: 'code' | 'document', wanted?: PlcCredentials) {
    super(needs === 'code' ? 'the code of the letter is needed' : 'the document must be changed')
    this.needs = needs
    this.wanted = wanted
  }
}

/** The work on moves: begun, stopped, gone on with, and what comes of it shown. */
export class MoveWork {
  readonly #deps: MoveWorkDeps
  /** Jobs at work: what stops them, and when they have stopped. */
  readonly #running = new Map<string, { stop: AbortController; ended: Promise<void> }>()

  constructor(deps: MoveWorkDeps) {
    this.#deps = deps
  }

  /** What a move needs of this host, whoever begins it. */
  moveDeps(): Pick<MoveDeps, 'fetch' | 'plc' | 'now' | 'streamUploads' | 'document'> {
    const { outside, plc, directory } = this.#deps
    return {
      fetch: outside.fetch,
      plc,
      now: outside.now,
      streamUploads: true,
      document: (did) => directory.document(did, { fresh: true }),
    }
  }

  /** Adds the job: a key of its own each time, since the one before may just be ending. */
  async begin(id: string): Promise<void> {
    await this.#deps.rows.change(id, { state: 'running' })
    const { version } = (await this.#deps.rows.get(id))!
    await this.#deps.jobs().add(MOVE_JOB, `${id} ${version}`)
  }

  /** Stops the job, if it is at work, and waits until it has. */
  async halt(id: string): Promise<void> {
    const running = this.#running.get(id)
    running?.stop.abort()
    await running?.ended
  }

  /** The action of the job. What it throws is tried again. */
  async run({ key, signal }: Pick<JobRun, 'key' | 'signal'>): Promise<void> {
    const id = key.split(' ')[0]!
    await this.#running.get(id)?.ended
    const row = await this.#deps.rows.get(id)
    if (row?.state !== 'running') return
    const stop = new AbortController()
    const end = Promise.withResolvers<void>()
    this.#running.set(id, { stop, ended: end.promise })
    try {
      await this.#goOn(row, AbortSignal.any([signal, stop.signal]))
      // The host is being stopped: it goes on when it starts again.
      signal.throwIfAborted()
    } catch (error) {
      if (!stop.signal.aborted) throw error
    } finally {
      this.#running.delete(id)
      end.resolve()
    }
  }

  async #goOn(row: MoveRow, signal: AbortSignal): Promise<void> {
    const { id } = row
    const secrets = await this.#deps.rows.secrets(id)
    if (!secrets) return
    const { state } = secrets
    secrets.isCodeTried = undefined
    const { now } = this.#deps.outside
    const pace = new Pace(now, row.shown.bytes)
    let shown: Shown = { step: state.step, blobs: row.shown.blobs, bytes: row.shown.bytes }
    let shownMs = now()
    let isOver = false
    const show = (change: Partial<Shown>) => {
      shown = { ...shown, ...change, ...pace.seen() }
      shownMs = now()
      return this.#deps.rows.change(id, { shown })
    }
    const moved = (byteCount: number) => {
      // What is still on its way when the job has stopped says nothing any more.
      if (isOver) return
      pace.add(byteCount)
      if (now() - shownMs >= SHOWN_EVERY_MS) void show({}).catch(() => {})
    }
    try {
      const steps = move(state, { ...this.#jobDeps(row, secrets, signal, moved), moved })
      for (;;) {
        if (signal.aborted) return
        const next = await steps.next()
        if (next.done) break
        const { step, done, total } = next.value
        const blobs = done === undefined || total === undefined ? shown.blobs : { done, total }
        const left = blobs && step === 'blobs' ? pace.secondsLeft(blobs) : undefined
        await show({ step, blobs, secondsLeft: left })
      }
      isOver = true
      await this.#finish(row, secrets, shown)
    } catch (error) {
      isOver = true
      if (signal.aborted) return
      await this.#stopped(id, secrets, { ...shown, bytesPerSecond: undefined }, error)
    }
  }

  #jobDeps(
    { id, source, fleet }: MoveRow,
    secrets: MoveSecrets,
    signal: AbortSignal,
    moved: (byteCount: number) => void,
  ): MoveDeps {
    const { budgets, outside } = this.#deps
    const keep = () => this.#deps.rows.keep(id, secrets)
    const fetch = pacedFetch(outside.fetch, {
      budget: budgets.of(fleet),
      origin: source,
      // Somebody's writes wait meanwhile.
      isUrgent: () => isSwitching(secrets.state),
    })
    return {
      ...this.moveDeps(),
      fetch: (url, init) => fetch(url, { ...init, signal: both(init?.signal, signal) }),
      save: keep,
      password: '',
      askCode: () => Promise.reject(new OwnerNeeded('code')),
      code: (source) => this.#code(source, secrets, keep),
      forward: () => this.#forward(secrets, keep),
      follow: (source, copied, sourceKey) =>
        this.#follow({ did: secrets.state.did, source, sourceKey, moved }, copied),
      look: (rev) => this.#deps.visibility.look(secrets.state.did, rev, signal),
      sweep: (hosts, since) => this.#sweep(hosts, since),
      askDocument: (wanted) => Promise.reject(new OwnerNeeded('document', wanted)),
    }
  }

  /** A session that can write, and little else: made once, since a switch may take many tries. */
  async #forward(secrets: MoveSecrets, keep: () => Promise<void>): Promise<Forward> {
    const { host, sessions, outside } = this.#deps
    const nowMs = outside.now()
    if (nowMs - (secrets.forward?.madeMs ?? 0) > FORWARD_MS) {
      const appPassword = { name: 'writes from the host before', privileged: true }
      const { accessJwt } = await sessions.create(secrets.state.did, appPassword)
      secrets.forward = { token: accessJwt, madeMs: nowMs }
      await keep()
    }
    return { service: host.publicUrl, token: secrets.forward!.token }
  }

  /** What changed since, in one small import; undefined where that cannot be. */
  async #follow(
    {
      did,
      source,
      sourceKey,
      moved,
    }: {
      did: Did
      source: XrpcClient
      sourceKey: string | undefined
      moved: (byteCount: number) => void
    },
    { rev }: HostedHead,
  ): Promise<HostedHead | undefined> {
    const account = await this.#deps.accounts.require(did)
    const params = { did, since: rev }
    const { body } = await source.getStream(ComAtprotoSyncGetRepo.mainSchema, params)
    try {
      const head = await this.#deps.imports().follow(account, counted(body, moved), sourceKey)
      return { rev: head.rev, commit: cidText(head.commit), data: cidText(head.data) }
    } catch (error) {
      if (error instanceof ProtocolError && WHOLE.has(error.code)) return undefined
      throw error
    }
  }

  async #sweep(
    hosts: Hosts,
    since: { copied: HostedHead; switched: HostedHead; sourceKey: string | undefined },
  ): Promise<LateWrites> {
    const { did, source, moved } = hosts
    const account = await this.#deps.accounts.require(did)
    return this.#deps.imports().sweep(account, {
      since: since.copied.rev,
      sinceHere: since.switched.rev,
      sourceKey: since.sourceKey,
      async repo(rev) {
        const params = { did, ...(rev !== undefined && { since: rev }) }
        const { body } = await source.getStream(ComAtprotoSyncGetRepo.mainSchema, params)
        return counted(body, moved)
      },
      bring: (cid) => copyBlob(hosts, cid),
    })
  }

  /** The code that the owner gave; without one the old host sends the letter, once. */
  async #code(
    source: XrpcClient,
    secrets: MoveSecrets,
    keep: () => Promise<void>,
  ): Promise<string> {
    const { code } = secrets
    if (code !== undefined) {
      // Kept until it is refused: an old host that dies meanwhile may not have used it up.
      secrets.isCodeTried = true
      return code
    }
    if (!secrets.isCodeAsked) {
      await source.post(ComAtprotoIdentityRequestPlcOperationSignature.mainSchema, undefined)
      secrets.isCodeAsked = true
      await keep()
    }
    throw new OwnerNeeded('code')
  }

  /** What stopped it: the owner is needed, it cannot go on, or it is tried again. */
  async #stopped(id: string, secrets: MoveSecrets, shown: Shown, error: unknown): Promise<void> {
    const problem = error instanceof Error ? error.message.slice(0, 500) : 'something went wrong'
    if (error instanceof OwnerNeeded) {
      const { needs, wanted } = error
      await this.#deps.rows.change(id, {
        state: needs === 'code' ? 'waiting' : 'running',
        shown: { ...shown, needs, ...(wanted && { wanted }) },
      })
      // A document changes without telling us: it is looked at again.
      if (needs === 'document') throw error
      return
    }
    if (secrets.isCodeTried && isRefusal(error) && /Token/.test(error.error)) {
      secrets.code = undefined
      secrets.isCodeTried = undefined
      await this.#deps.rows.keep(id, secrets)
      // The next try has the letter sent.
      if (!secrets.isCodeAsked) throw error
      await this.#deps.rows.change(id, {
        state: 'waiting',
        shown: { ...shown, needs: 'code', problem },
      })
      return
    }
    const isFinal = isRefusal(error) || error instanceof ProtocolError
    await this.#deps.rows.change(id, {
      ...(isFinal && { state: 'failed' }),
      shown: { ...shown, problem },
    })
    if (!isFinal) throw error
  }

  async #finish({ id, did }: MoveRow, { state }: MoveSecrets, shown: Shown): Promise<void> {
    const account = await this.#deps.accounts.get(did)
    const receipt = signReceipt({ ...state.receipt!, bytes: shown.bytes }, account!.signingKey)
    await this.#deps.rows.change(id, {
      state: 'done',
      shown: { step: 'done', blobs: shown.blobs, bytes: shown.bytes },
      receipt,
    })
    await this.#deps.rows.forget(id)
    for (const session of [state.source, state.arrived]) {
      if (session) await this.endSession(session)
    }
  }

  /** Best effort: the old host ends its sessions with the account's standing too. */
  async endSession({ service, refreshJwt }: MoveState['source']): Promise<void> {
    const client = xrpcClient({ service, fetch: this.#deps.outside.fetch })
    const headers = { authorization: `Bearer ${refreshJwt}` }
    const schema = ComAtprotoServerDeleteSession.mainSchema
    await client.post(schema, undefined, {}, { headers }).catch(() => {})
  }
}

/** What the caller of an upstream did wrong stays wrong; being away or busy passes. */
const isRefusal = (error: unknown): error is XrpcError =>
  error instanceof XrpcError && error.status >= 400 && error.status < 500 && error.status !== 429

const isSwitching = ({ step }: MoveState) =>
  moveSteps.indexOf(step) >= moveSteps.indexOf('switch') &&
  moveSteps.indexOf(step) <= moveSteps.indexOf('leave')

const both = (one: AbortSignal | null | undefined, other: AbortSignal) =>
  one ? AbortSignal.any([one, other]) : other
