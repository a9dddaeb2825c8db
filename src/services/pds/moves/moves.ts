import {
  ComAtprotoIdentityRequestPlcOperationSignature,
  ComAtprotoServerDeleteSession,
  ComAtprotoServerDescribeServer,
  ComAtprotoServerGetSession,
  ComAtprotoServerListAppPasswords,
} from '@atcute/atproto'
import type { JobRun, Jobs, Outside, Sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import {
  type MoveBegun,
  type MoveDeps,
  type MoveOutlook,
  type MoveSource,
  type MoveState,
  type MoveView,
  move,
  moveSteps,
  type OwnerSession,
  planMove,
  preflight,
  resumeSession,
  signReceipt,
  startMove,
} from '#protocol/account'
import { base32 } from '#protocol/crypto'
import {
  type CachedDirectory,
  identityOf,
  type PlcClient,
  type PlcCredentials,
} from '#protocol/identity'
import { type Did, type Handle, ProtocolError } from '#protocol/syntax'
import { type Fetch, invalidRequest, type XrpcClient, XrpcError, xrpcClient } from '#protocol/xrpc'
import type { Account, Accounts } from '../accounts/index.ts'
import type { Host } from '../host/index.ts'
import type { Mail } from '../mail/index.ts'
import type { Codes, Passwords, Sessions } from '../sign-in/index.ts'
import type { Standing } from '../standing/index.ts'
import { type MoveRow, MoveRows, type MoveSecrets, type Shown } from './move-rows.ts'

export const MOVE_JOB = 'move'
/** A source or a directory that is away is asked again for about a week. */
export const MOVE_PACE = {
  maxAttempts: 20_000,
  pauseMs: (failures: number) => Math.min(30_000, 500 * 2 ** Math.min(failures, 6)),
}
/** How long the old host keeps its copy for the way back. */
const COOLING_OFF_MS = 72 * 3_600_000
const WATCH_MS = 20_000
/** Records and blobs a second that a plan reckons with. */
const RECORDS_A_SECOND = 20_000
const BLOBS_A_SECOND = 50

interface MovesDeps {
  sql: Sql
  sealer: Sealer
  jobs: () => Jobs
  host: Host
  accounts: Accounts
  sessions: Sessions
  passwords: Passwords
  codes: Codes
  mail: Mail
  standing: Standing
  directory: CachedDirectory
  plc: PlcClient
  outside: Pick<Outside, 'now' | 'timers' | 'random'> & { fetch: Fetch }
}

/** Only the owner can go on from here. */
class OwnerNeeded extends Error {
  readonly needs: 'code' | 'document'
  readonly wanted: PlcCredentials | undefined

  constructor(needs: 'code' | 'document', wanted?: PlcCredentials) {
    super(needs === 'code' ? 'the code of the letter is needed' : 'the document must be changed')
    this.needs = needs
    this.wanted = wanted
  }
}

/** Moves of accounts to this host, each a durable job with the owner's sessions sealed in it. */
export class Moves {
  readonly #deps: MovesDeps
  readonly #rows: MoveRows
  /** Jobs at work: what stops them, and when they have stopped. */
  readonly #running = new Map<string, { stop: AbortController; ended: Promise<void> }>()

  constructor(deps: MovesDeps) {
    this.#deps = deps
    const { sql, sealer, outside } = deps
    this.#rows = new MoveRows({ sql, sealer, now: outside.now })
  }

  /** What a move would do. Throws CannotMove, and what the source answers. */
  async plan(given: MoveSource): Promise<MoveOutlook> {
    const { host } = this.#deps
    const source = await this.#source(given)
    const found = await this.#preflight(source)
    const isMoving = (await this.#open(found.did)) !== undefined
    const passwords = await source.client
      .get(ComAtprotoServerListAppPasswords.mainSchema, {})
      .catch(() => ({ passwords: [] }))
    const domain = (handle: string) => host.handleDomains.some((one) => handle.endsWith(one))
    return {
      did: found.did,
      handle: found.handle,
      from: found.from,
      to: found.to,
      records: found.records,
      blobs: found.blobs,
      inviteRequired: found.inviteRequired,
      handleFate: domain(found.handle)
        ? 'issuedHere'
        : (await this.#isIssuedBy(source, found.handle))
          ? 'issuedThere'
          : 'ownDomain',
      ownRotationKeys: found.ownRotationKeys,
      otherServices: found.otherServices,
      appPasswords: passwords.passwords.map(({ name }) => name),
      identity: found.did.startsWith('did:plc:') ? 'plc' : 'web',
      seconds: Math.ceil(2 + found.records / RECORDS_A_SECOND + found.blobs / BLOBS_A_SECOND),
      obstacles: [...found.obstacles, ...(isMoving ? ['moving-already'] : [])],
    }
  }

  async #isIssuedBy(source: OwnerSession, handle: string): Promise<boolean> {
    const server = await source.client.get(ComAtprotoServerDescribeServer.mainSchema, {})
    return server.availableUserDomains.some((domain) => handle.endsWith(domain))
  }

  /** The owner's session at the host that they name, and that the identity names. */
  async #source({ source, session }: MoveSource): Promise<OwnerSession> {
    const { fetch } = this.#deps.outside
    if (!URL.canParse(source)) throw invalidRequest('source is not an address')
    const service = new URL(source).origin
    const begun = resumeSession(
      { service, did: '' as Did, handle: '' as Handle, ...session },
      { fetch },
    )
    const { did, handle } = await begun.client.get(ComAtprotoServerGetSession.mainSchema, {})
    return resumeSession({ ...begun.state, did, handle }, { fetch })
  }

  #preflight(source: OwnerSession) {
    const { plc, outside, host } = this.#deps
    const { fetch } = outside
    const question = { source, destination: host.publicUrl, plc, fetch }
    return preflight({ ...question, canChangeDocument: true })
  }

  /** The move of an account that has not ended. */
  async #open(did: Did): Promise<MoveRow | undefined> {
    return (await this.#rows.list(did)).find(
      ({ state }) => state !== 'done' && state !== 'abandoned',
    )
  }

  /** Makes the account and the job. Throws CannotMove; what this host and the source answer. */
  async start(
    given: MoveSource & {
      password: string
      email?: string | undefined
      inviteCode?: string | undefined
      code?: string | undefined
    },
  ): Promise<MoveBegun> {
    const { outside } = this.#deps
    const source = await this.#source(given)
    const state = plannedOf(source, await this.#preflight(source), outside.now())
    // The account is made here, or signed in to when it is there: the password proves that.
    const { password, email, inviteCode } = given
    const steps = move(state, {
      ...this.#moveDeps(),
      password,
      ...(email !== undefined && { email }),
      ...(inviteCode !== undefined && { inviteCode }),
      save: () => {},
      askCode: () => Promise.reject(new OwnerNeeded('code')),
    })
    await steps.next()
    await steps.next()
    await steps.return(undefined as never)
    const { did, handle } = state
    const before = await this.#open(did)
    const id = before?.id ?? base32(outside.random(10))
    if (!before) {
      const shown = { step: state.step }
      await this.#rows.add({ id, did, handle, source: source.state.service, shown })
      await this.#rows.keep(id, { state, code: given.code })
      await this.#begin(id)
    } else await this.#takeUp(before, source, given.code)
    const tokens = await this.#deps.sessions.create(did)
    return { move: await this.#view(id), ...tokens }
  }

  /** The owner begins again: with fresh tokens, from where it stopped. */
  async #takeUp(row: MoveRow, source: OwnerSession, code: string | undefined): Promise<void> {
    await this.#halt(row.id)
    const secrets = await this.#rows.secrets(row.id)
    if (!secrets) throw notNow('it has ended')
    secrets.state.source = source.state
    await this.#rows.keep(row.id, { ...secrets, ...(code !== undefined && { code }) })
    await this.#begin(row.id)
  }

  #moveDeps(): Pick<MoveDeps, 'fetch' | 'plc' | 'now' | 'streamUploads' | 'document'> {
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
  async #begin(id: string): Promise<void> {
    await this.#rows.change(id, { state: 'running' })
    const { version } = (await this.#rows.get(id))!
    await this.#deps.jobs().add(MOVE_JOB, `${id} ${version}`)
  }

  /** Stops the job, if it is at work, and waits until it has. */
  async #halt(id: string): Promise<void> {
    const running = this.#running.get(id)
    running?.stop.abort()
    await running?.ended
  }

  /** The action of the job. What it throws is tried again. */
  async run({ key, signal }: Pick<JobRun, 'key' | 'signal'>): Promise<void> {
    const id = key.split(' ')[0]!
    await this.#running.get(id)?.ended
    const row = await this.#rows.get(id)
    if (row?.state !== 'running') return
    const stop = new AbortController()
    const end = Promise.withResolvers<void>()
    this.#running.set(id, { stop, ended: end.promise })
    try {
      await this.#work(row, AbortSignal.any([signal, stop.signal]))
    } catch (error) {
      if (!stop.signal.aborted) throw error
    } finally {
      this.#running.delete(id)
      end.resolve()
    }
  }

  async #work(row: MoveRow, signal: AbortSignal): Promise<void> {
    const { id } = row
    const secrets = await this.#rows.secrets(id)
    if (!secrets) return
    const { state } = secrets
    let shown: Shown = { step: state.step }
    const show = (change: Partial<Shown>) => {
      shown = { ...shown, ...change }
      return this.#rows.change(id, { shown })
    }
    const sinceMs = this.#deps.outside.now()
    try {
      const steps = move(state, this.#jobDeps(id, secrets, signal))
      for (;;) {
        if (signal.aborted) return
        const next = await steps.next()
        if (next.done) break
        const { step, done, total } = next.value
        const blobs = done === undefined || total === undefined ? shown.blobs : { done, total }
        const left = blobs && step === 'blobs' ? this.#secondsLeft(blobs, sinceMs) : undefined
        await show({ step, blobs, secondsLeft: left })
      }
      await this.#finish(row, secrets)
    } catch (error) {
      if (signal.aborted) return
      await this.#stopped(id, shown, error)
    }
  }

  #secondsLeft({ done, total }: { done: number; total: number }, sinceMs: number) {
    if (done === 0) return undefined
    const spentMs = this.#deps.outside.now() - sinceMs
    return Math.ceil((spentMs / done / 1000) * (total - done))
  }

  #jobDeps(id: string, secrets: MoveSecrets, signal: AbortSignal): MoveDeps {
    const { fetch } = this.#deps.outside
    const keep = () => this.#rows.keep(id, secrets)
    return {
      ...this.#moveDeps(),
      fetch: (url, init) => fetch(url, { ...init, signal: both(init?.signal, signal) }),
      save: keep,
      password: '',
      askCode: () => Promise.reject(new OwnerNeeded('code')),
      code: (source) => this.#code(source, secrets, keep),
      askDocument: (wanted) => Promise.reject(new OwnerNeeded('document', wanted)),
    }
  }

  /** The code that the owner gave, once; without one the old host sends the letter, once. */
  async #code(
    source: XrpcClient,
    secrets: MoveSecrets,
    keep: () => Promise<void>,
  ): Promise<string> {
    const { code } = secrets
    if (code !== undefined) {
      secrets.code = undefined
      await keep()
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
  async #stopped(id: string, shown: Shown, error: unknown): Promise<void> {
    const problem = error instanceof Error ? error.message.slice(0, 500) : 'something went wrong'
    if (error instanceof OwnerNeeded) {
      const { needs, wanted } = error
      await this.#rows.change(id, {
        state: needs === 'code' ? 'waiting' : 'running',
        shown: { ...shown, needs, ...(wanted && { wanted }) },
      })
      // A document changes without telling us: it is looked at again.
      if (needs === 'document') throw error
      return
    }
    const isCodeWrong = isRefusal(error) && shown.step === 'sign' && /Token/.test(error.error)
    if (isCodeWrong) {
      await this.#rows.change(id, { state: 'waiting', shown: { ...shown, needs: 'code', problem } })
      return
    }
    const isFinal = isRefusal(error) || error instanceof ProtocolError
    await this.#rows.change(id, {
      ...(isFinal && { state: 'failed' }),
      shown: { ...shown, problem },
    })
    if (!isFinal) throw error
  }

  async #finish({ id, did }: MoveRow, { state }: MoveSecrets): Promise<void> {
    const account = await this.#deps.accounts.get(did)
    const receipt = signReceipt(state.receipt!, account!.signingKey)
    await this.#rows.change(id, { state: 'done', shown: { step: 'done' }, receipt })
    await this.#rows.forget(id)
    for (const session of [state.source, state.arrived]) {
      if (session) await this.#endSession(session)
    }
  }

  /** Best effort: the old host ends its sessions with the account's standing too. */
  async #endSession({ service, refreshJwt }: MoveState['source']): Promise<void> {
    const client = xrpcClient({ service, fetch: this.#deps.outside.fetch })
    const headers = { authorization: `Bearer ${refreshJwt}` }
    const schema = ComAtprotoServerDeleteSession.mainSchema
    await client.post(schema, undefined, {}, { headers }).catch(() => {})
  }

  /** One move, the newest by default; with `after`, once it is newer than that. Throws MoveNotFound. */
  async get(
    { did }: Account,
    { id, after }: { id?: string | undefined; after?: number | undefined },
    signal: AbortSignal,
  ): Promise<MoveView> {
    let row = id === undefined ? (await this.#rows.list(did))[0] : await this.#rows.get(id)
    if (row?.did !== did) throw notFound()
    if (after === undefined || row.version > after) return this.#viewOf(row)
    const end = new AbortController()
    const timer = this.#deps.outside.timers.setTimeout(() => end.abort(), WATCH_MS)
    try {
      await this.#rows.next(row.id, AbortSignal.any([signal, end.signal]))
    } finally {
      this.#deps.outside.timers.clearTimeout(timer)
    }
    row = (await this.#rows.get(row.id)) ?? row
    return this.#viewOf(row)
  }

  async list({ did }: Account): Promise<MoveView[]> {
    return (await this.#rows.list(did)).map((row) => this.#viewOf(row))
  }

  async pause(account: Account, id: string): Promise<MoveView> {
    const { state } = await this.#own(account, id)
    if (state !== 'running' && state !== 'waiting') throw notNow(`it is ${state}`)
    await this.#rows.change(id, { state: 'paused' })
    await this.#halt(id)
    return this.#view(id)
  }

  async resume(account: Account, id: string): Promise<MoveView> {
    const { state } = await this.#own(account, id)
    if (state !== 'paused' && state !== 'failed') throw notNow(`it is ${state}`)
    await this.#begin(id)
    return this.#view(id)
  }

  async confirm(account: Account, id: string, code: string): Promise<MoveView> {
    await this.#own(account, id)
    await this.#halt(id)
    const secrets = await this.#rows.secrets(id)
    if (!secrets) throw notNow('it has ended')
    await this.#rows.keep(id, { ...secrets, code })
    await this.#begin(id)
    return this.#view(id)
  }

  /** Before the identity changed: the account here goes, quietly. Throws NotNow. */
  async abandon(account: Account, id: string): Promise<MoveView> {
    await this.#own(account, id)
    await this.#halt(id)
    const row = await this.#own(account, id)
    const secrets = await this.#rows.secrets(id)
    if (!secrets || !mayAbandon(row, secrets.state)) throw notNow('the identity may have changed')
    if (await this.#isSwitched(secrets.state)) throw notNow('the identity points here already')
    await this.#rows.change(id, { state: 'abandoned' })
    await this.#rows.forget(id)
    await this.#endSession(secrets.state.source)
    const view = await this.#view(id)
    await this.#deps.standing.discard(account.did)
    return view
  }

  async #isSwitched({ did }: MoveState): Promise<boolean> {
    const { directory, host } = this.#deps
    const document = await directory.document(did, { fresh: true })
    return document !== undefined && identityOf(document).pds === host.publicUrl
  }

  /** A second move, made by the host the account came from. Throws NotNow, MailRequired. */
  async wayBack(
    account: Account,
    { id, password, code }: { id: string; password: string; code?: string | undefined },
  ): Promise<MoveBegun> {
    const { host, sessions, passwords, codes, mail, outside } = this.#deps
    const row = await this.#own(account, id)
    if (row.state !== 'done' || outside.now() > row.changedMs + COOLING_OFF_MS) {
      throw notNow('the cooling-off time is over, or the move is not done')
    }
    const proof = await passwords.check(account, password)
    if (!proof || proof.appPassword)
      throw new XrpcError(401, 'AuthenticationRequired', 'Invalid password')
    if (mail.leavesHost && code === undefined) {
      throw new XrpcError(400, 'MailRequired', 'This host sends the code by mail')
    }
    const made = code ?? (await codes.create(account.did, 'plc-operation', { perHour: 50 })).code
    const client = xrpcClient({ service: row.source, fetch: outside.fetch })
    const session = await sessions.create(account.did)
    return client.post(startMove, { source: host.publicUrl, session, password, code: made })
  }

  async #own({ did }: Account, id: string): Promise<MoveRow> {
    const row = await this.#rows.get(id)
    if (row?.did !== did) throw notFound()
    return row
  }

  async #view(id: string): Promise<MoveView> {
    return this.#viewOf((await this.#rows.get(id))!)
  }

  #viewOf(row: MoveRow): MoveView {
    const { shown, receipt, changedMs } = row
    const time = (ms: number) => new Date(ms).toISOString()
    return {
      id: row.id,
      version: row.version,
      did: row.did,
      handle: row.handle,
      from: row.source,
      to: this.#deps.host.publicUrl,
      state: shown.needs === 'document' && row.state === 'running' ? 'waiting' : row.state,
      startedAt: time(row.startedMs),
      changedAt: time(changedMs),
      canAbandon: mayAbandon(row, shown),
      ...shown,
      ...(receipt && { receipt, wayBackUntil: time(changedMs + COOLING_OFF_MS) }),
    }
  }
}

function plannedOf(...[source, found, nowMs]: Parameters<typeof planMove>): MoveState {
  try {
    return planMove(source, found, nowMs)
  } catch (error) {
    if (error instanceof ProtocolError) throw new XrpcError(400, 'CannotMove', error.message)
    throw error
  }
}

/** What the caller of an upstream did wrong stays wrong; being away or busy passes. */
const isRefusal = (error: unknown): error is XrpcError =>
  error instanceof XrpcError && error.status >= 400 && error.status < 500 && error.status !== 429

const mayAbandon = ({ state }: Pick<MoveRow, 'state'>, { step }: { step: MoveState['step'] }) =>
  state !== 'done' &&
  state !== 'abandoned' &&
  moveSteps.indexOf(step) <= moveSteps.indexOf('switch')

const both = (one: AbortSignal | null | undefined, other: AbortSignal) =>
  one ? AbortSignal.any([one, other]) : other

const notFound = () => new XrpcError(404, 'MoveNotFound', 'There is no such move')
const notNow = (why: string) => new XrpcError(400, 'NotNow', `Not possible now: ${why}`)
