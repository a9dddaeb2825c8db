import {
  ComAtprotoServerDescribeServer,
  ComAtprotoServerGetSession,
  ComAtprotoServerListAppPasswords,
} from '@atcute/atproto'
import type { JobRun, Jobs, Outside, Sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import {
  type CloserLook,
  freeze,
  lookCloser,
  type MoveBegun,
  type MoveOutlook,
  type MoveSource,
  type MoveState,
  type MoveView,
  move,
  moveSteps,
  type OwnerSession,
  type Preflight,
  planMove,
  preflight,
  resumeSession,
  startMove,
} from '#protocol/account'
import { base32 } from '#protocol/crypto'
import { type CachedDirectory, identityOf, type PlcClient } from '#protocol/identity'
import { type Did, type Handle, ProtocolError } from '#protocol/syntax'
import { type Fetch, invalidRequest, XrpcError, xrpcClient } from '#protocol/xrpc'
import type { Account, Accounts } from '../accounts/index.ts'
import type { Host } from '../host/index.ts'
import type { Imports } from '../imports/index.ts'
import type { Mail } from '../mail/index.ts'
import type { Codes, Passwords, Sessions } from '../sign-in/index.ts'
import type { Standing } from '../standing/index.ts'
import type { Budgets } from './budget.ts'
import { type MoveRow, MoveRows } from './move-rows.ts'
import { MoveWork, OwnerNeeded } from './move-work.ts'
import type { Visibility } from './visibility.ts'

/** How long the old host keeps its copy for the way back. */
const COOLING_OFF_MS = 72 * 3_600_000
const WATCH_MS = 20_000
/** Records and blobs a second that a plan reckons with. */
const RECORDS_A_SECOND = 20_000
const BLOBS_A_SECOND = 50

export interface MovesDeps {
  sql: Sql
  sealer: Sealer
  jobs: () => Jobs
  host: Host
  accounts: Accounts
  imports: () => Imports
  sessions: Sessions
  passwords: Passwords
  codes: Codes
  mail: Mail
  standing: Standing
  directory: CachedDirectory
  plc: PlcClient
  visibility: Visibility
  budgets: Budgets
  /** What an account may bring. */
  quota: { accountBlobBytes: number; blobBytes: number }
  outside: Pick<Outside, 'now' | 'timers' | 'random'> & { fetch: Fetch }
}

/** What begins a move. */
export interface MoveAsked extends MoveSource {
  /** Of the account here. */
  password: string
  email?: string | undefined
  inviteCode?: string | undefined
  /** For the change of identity, where the owner has it already. */
  code?: string | undefined
  /** Another handle here. */
  handle?: Handle | undefined
  fleet?: string | undefined
}

/** Moves of accounts to this host, each a durable job with the owner's sessions sealed in it. */
export class Moves {
  readonly #deps: MovesDeps
  readonly #rows: MoveRows
  readonly #work: MoveWork

  constructor(deps: MovesDeps) {
    this.#deps = deps
    const { sql, sealer, outside } = deps
    this.#rows = new MoveRows({ sql, sealer, now: outside.now })
    this.#work = new MoveWork({ ...deps, rows: this.#rows })
  }

  /** What a move would do. Throws CannotMove, and what the source answers. */
  async plan(given: MoveSource, fetch = this.#deps.outside.fetch): Promise<MoveOutlook> {
    const { host } = this.#deps
    const source = await this.#source(given, fetch)
    const found = await this.#preflight(source, fetch)
    const isMoving = (await this.#open(found.did)) !== undefined
    const passwords = await source.client
      .get(ComAtprotoServerListAppPasswords.mainSchema, {})
      .catch(() => ({ passwords: [] }))
    const closer = await lookCloser(source, found)
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
      ...this.#carrying(found, closer),
      obstacles: [...found.obstacles, ...(isMoving ? ['moving-already'] : [])],
    }
  }

  /** How much there is, how long that takes, and what may be in the way of it. */
  #carrying({ records, blobs }: Preflight, closer: CloserLook) {
    const { quota } = this.#deps
    const { blobSample, blobBytes, bytes, feeds, isLabeler, rate } = closer
    const { asked, reached, largestBytes } = blobSample
    const seconds = 2 + records / RECORDS_A_SECOND + blobs / BLOBS_A_SECOND
    const byRate = rate
      ? (Math.max(0, blobs - rate.remaining) / rate.limit) * rate.windowSeconds
      : 0
    const cautions = [
      reached < asked && 'blobs-unreachable',
      blobBytes > quota.accountBlobBytes && 'over-quota',
      largestBytes > quota.blobBytes && 'blob-too-large',
      byRate > seconds && 'slow-by-rate',
    ].filter((one) => one !== false)
    return {
      seconds: Math.ceil(Math.max(seconds, byRate)),
      bytes,
      blobSample: { asked, reached },
      feeds,
      isLabeler,
      quota,
      ...(rate && { rate }),
      cautions,
    }
  }

  async #isIssuedBy(source: OwnerSession, handle: string): Promise<boolean> {
    const server = await source.client.get(ComAtprotoServerDescribeServer.mainSchema, {})
    return server.availableUserDomains.some((domain) => handle.endsWith(domain))
  }

  /** The owner's session at the host that they name, and that the identity names. */
  async #source({ source, session }: MoveSource, fetch: Fetch): Promise<OwnerSession> {
    if (!URL.canParse(source)) throw invalidRequest('source is not an address')
    const service = new URL(source).origin
    const begun = resumeSession(
      { service, did: '' as Did, handle: '' as Handle, ...session },
      { fetch },
    )
    const { did, handle } = await begun.client.get(ComAtprotoServerGetSession.mainSchema, {})
    return resumeSession({ ...begun.state, did, handle }, { fetch })
  }

  #preflight(source: OwnerSession, fetch: Fetch) {
    const { plc, host } = this.#deps
    const question = { source, destination: host.publicUrl, plc, fetch }
    return preflight({ ...question, canChangeDocument: true })
  }

  /** The move of an account that has not ended. */
  async #open(did: Did): Promise<MoveRow | undefined> {
    return (await this.#rows.list(did)).find(
      ({ state }) => state !== 'done' && state !== 'abandoned',
    )
  }

  /** Makes the account and the job, and opens a session here. Throws as `begin`. */
  async start(given: MoveAsked): Promise<MoveBegun> {
    const { id, did } = await this.begin(given)
    const tokens = await this.#deps.sessions.create(did)
    return { move: await this.#view(id), ...tokens }
  }

  /** Makes the account and the job. Throws CannotMove; what this host and the source answer. */
  async begin(
    given: MoveAsked,
    fetch = this.#deps.outside.fetch,
  ): Promise<{ id: string; did: Did }> {
    const { outside } = this.#deps
    const source = await this.#source(given, fetch)
    const state = plannedOf(source, await this.#preflight(source, fetch), outside.now())
    if (given.handle) state.handle = given.handle
    const wasHere = (await this.#deps.accounts.get(state.did)) !== undefined
    // The account is made here, or signed in to when it is there: the password proves that.
    const { password, email, inviteCode } = given
    const steps = move(state, {
      ...this.#work.moveDeps(),
      fetch,
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
      const { fleet } = given
      await this.#rows.add({ id, did, handle, source: source.state.service, shown, fleet })
      await this.#rows.keep(id, { state, code: given.code, wasHere })
      await this.#work.begin(id)
    } else await this.#takeUp(before, source, given.code)
    return { id, did }
  }

  /** The owner begins again: with fresh tokens, from where it stopped. */
  async #takeUp(row: MoveRow, source: OwnerSession, code: string | undefined): Promise<void> {
    await this.#work.halt(row.id)
    const secrets = await this.#rows.secrets(row.id)
    if (!secrets) throw notNow('it has ended')
    secrets.state.source = source.state
    await this.#rows.keep(row.id, { ...secrets, ...(code !== undefined && { code }) })
    await this.#work.begin(row.id)
  }

  /** The action of the job. What it throws is tried again. */
  run(job: Pick<JobRun, 'key' | 'signal'>): Promise<void> {
    return this.#work.run(job)
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

  /** A move as it is kept, for the fleet that it is a part of. */
  row(id: string): Promise<MoveRow | undefined> {
    return this.#rows.get(id)
  }

  /** The newest move of an account. */
  async newest(did: Did): Promise<MoveRow | undefined> {
    return (await this.#rows.list(did))[0]
  }

  /** Calls back with each move that changes. */
  onChange(changed: (id: string) => void): void {
    this.#rows.changed = changed
  }

  /** The row once nobody works on it: it ended, stopped, or waits for its owner. */
  async settled(id: string, signal: AbortSignal): Promise<MoveRow | undefined> {
    for (;;) {
      const stop = new AbortController()
      const changed = this.#rows.next(id, AbortSignal.any([signal, stop.signal]))
      const row = await this.#rows.get(id)
      if (signal.aborted || row?.state !== 'running' || row.shown.needs === 'document') {
        stop.abort()
        return row
      }
      await changed
    }
  }

  /** Takes a move up that stopped, with another session where there is one. Throws NotNow. */
  async goOn(
    id: string,
    fresh?: MoveSource & { code?: string | undefined },
    fetch = this.#deps.outside.fetch,
  ): Promise<void> {
    if (!fresh) return this.#work.begin(id)
    const row = await this.#rows.get(id)
    if (!row) throw notFound()
    await this.#takeUp(row, await this.#source(fresh, fetch), fresh.code)
  }

  async list({ did }: Account): Promise<MoveView[]> {
    return (await this.#rows.list(did)).map((row) => this.#viewOf(row))
  }

  async pause(account: Account, id: string): Promise<MoveView> {
    const { state } = await this.#own(account, id)
    if (state !== 'running' && state !== 'waiting') throw notNow(`it is ${state}`)
    await this.halt(id)
    return this.#view(id)
  }

  /** Stops a move until somebody lets it go on. */
  async halt(id: string): Promise<void> {
    await this.#rows.change(id, { state: 'paused' })
    await this.#work.halt(id)
  }

  async resume(account: Account, id: string): Promise<MoveView> {
    const { state } = await this.#own(account, id)
    if (state !== 'paused' && state !== 'failed') throw notNow(`it is ${state}`)
    await this.#work.begin(id)
    return this.#view(id)
  }

  /** The letter did not come, or was lost: the old host is asked for another. Throws NotNow. */
  async askForLetter(account: Account, id: string): Promise<void> {
    const { state } = await this.#own(account, id)
    if (state !== 'waiting') throw notNow(`it is ${state}`)
    const secrets = await this.#rows.secrets(id)
    if (!secrets) throw notNow('it has ended')
    await this.#rows.keep(id, { ...secrets, code: undefined, isCodeAsked: undefined })
    await this.#work.begin(id)
  }

  async confirm(account: Account, id: string, code: string): Promise<MoveView> {
    await this.#own(account, id)
    await this.#work.halt(id)
    const secrets = await this.#rows.secrets(id)
    if (!secrets) throw notNow('it has ended')
    await this.#rows.keep(id, { ...secrets, code })
    await this.#work.begin(id)
    return this.#view(id)
  }

  /** Before the identity changed: the account here goes, quietly. Throws NotNow. */
  async abandon(account: Account, id: string): Promise<MoveView> {
    await this.#own(account, id)
    await this.giveUp(id)
    return this.#view(id)
  }

  /** The same, whoever decides it. Throws NotNow. */
  async giveUp(id: string): Promise<void> {
    await this.#work.halt(id)
    const row = await this.#rows.get(id)
    const secrets = await this.#rows.secrets(id)
    if (!row || !secrets || !mayAbandon(row, secrets.state)) {
      await this.#goOn(row)
      throw notNow('the identity may have changed')
    }
    if (await this.#isSwitched(secrets.state)) {
      await this.#goOn(row)
      throw notNow('the identity points here already')
    }
    await this.#rows.change(id, { state: 'abandoned' })
    await this.#rows.forget(id)
    await this.#letWrite(secrets.state)
    await this.#work.endSession(secrets.state.source)
    if (!secrets.wasHere) await this.#deps.standing.discard(row.did)
  }

  /** It was stopped to be looked at, and is too far to be given up. */
  async #goOn(row: MoveRow | undefined): Promise<void> {
    if (row?.state === 'running') await this.#work.begin(row.id)
  }

  /** The old host may hold writes back for a switch that will not be. Best effort: it ends by itself. */
  async #letWrite({ source, step }: MoveState): Promise<void> {
    if (step !== 'switch') return
    const { client } = resumeSession(source, { fetch: this.#deps.outside.fetch })
    await client.post(freeze, { seconds: 0 }).catch(() => {})
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

/** Whether the identity still points to the old host for certain. */
export const mayAbandon = (
  { state }: Pick<MoveRow, 'state'>,
  { step }: { step: MoveState['step'] },
) =>
  state !== 'done' &&
  state !== 'abandoned' &&
  moveSteps.indexOf(step) <= moveSteps.indexOf('switch')

const notFound = () => new XrpcError(404, 'MoveNotFound', 'There is no such move')
const notNow = (why: string) => new XrpcError(400, 'NotNow', `Not possible now: ${why}`)
