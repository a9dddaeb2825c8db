import type { Log, Loop, Outside } from '#platform/runtime'
import type { FleetAccountState } from '#protocol/account'
import { type Did, ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Accounts } from '../accounts/index.ts'
import { type Budgets, type MoveRow, type Moves, mayAbandon } from '../moves/index.ts'
import type { Fleet, FleetRows, Member } from './fleet-rows.ts'
import { CannotGo, type OpenedSource, type Sources } from './sources.ts'

/** Over all fleets. */
const AT_ONCE_MAX = 8
export const DEFAULTS = { accountsAtOnce: 4, stopPercent: 10, tries: 4 }
/** Before an account is tried again, doubled each time. */
const PAUSE_MS = 30_000
const PAUSE_MS_MAX = 10 * 60_000
/** What opens accounts is not kept of fleets that nobody has touched for so long. */
const KEPT_MS = 14 * 24 * 3_600_000
const LONGEST_REST_MS = 3_600_000

type Work = (fleet: Fleet, member: Member, signal: AbortSignal) => Promise<void>

/** The work on fleets: accounts looked at, begun and watched, as many at once as may be. */
export class FleetWork {
  readonly loop: Loop = { name: 'fleets', run: (signal) => this.#run(signal) }
  readonly #rows: FleetRows
  readonly #moves: Moves
  readonly #accounts: Accounts
  readonly #sources: Sources
  readonly #budgets: Budgets
  readonly #outside: Pick<Outside, 'now' | 'timers'>
  readonly #log: Log
  /** Accounts at work, by fleet. */
  readonly #active = new Map<string, Map<string, Promise<void>>>()
  /** Fleets of the moves that are watched. */
  readonly #fleetOf = new Map<string, string>()
  readonly #waiting = new Map<string, Set<() => void>>()
  /** They cannot be given up any more, and do not go on: `fleet account`. */
  readonly #leftAlone = new Set<string>()
  #wakeUp: (() => void) | undefined
  #isAwake = false
  /** No fleet may be waited for: moves of owners wake nobody. */
  #isIdle = true

  constructor(parts: {
    rows: FleetRows
    moves: Moves
    accounts: Accounts
    sources: Sources
    budgets: Budgets
    outside: Pick<Outside, 'now' | 'timers'>
    log: Log
  }) {
    this.#rows = parts.rows
    this.#moves = parts.moves
    this.#accounts = parts.accounts
    this.#sources = parts.sources
    this.#budgets = parts.budgets
    this.#outside = parts.outside
    this.#log = parts.log
    parts.moves.onChange((id) => this.#moveChanged(id))
  }

  /** Something is to be done for a fleet, or to be shown of it. */
  wake(fleet?: string): void {
    for (const wake of (fleet && this.#waiting.get(fleet)) || []) wake()
    this.#isAwake = true
    this.#wakeUp?.()
  }

  #moveChanged(id: string): void {
    const fleet = this.#fleetOf.get(id)
    if (fleet !== undefined) for (const wake of this.#waiting.get(fleet) ?? []) wake()
    else if (!this.#isIdle) this.wake()
  }

  /** Resolves when something of a fleet changed, or when the signal says so. */
  next(fleet: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(fleet) ?? new Set()
      this.#waiting.set(fleet, waiting)
      const wake = () => {
        waiting.delete(wake)
        if (waiting.size === 0) this.#waiting.delete(fleet)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      waiting.add(wake)
      signal.addEventListener('abort', wake)
      if (signal.aborted) wake()
    })
  }

  async #run(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.wake()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await this.#rows.forgetBefore(this.#outside.now() - KEPT_MS)
      while (!signal.aborted) {
        this.#isAwake = false
        await this.#rows.backFromOwners()
        for (const fleet of await this.#rows.open()) await this.#step(fleet, signal)
        this.#isIdle = !(await this.#rows.hasOpen())
        await this.#rest()
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      await Promise.all([...this.#active.values()].flatMap((some) => [...some.values()]))
    }
  }

  /** Until something changed, or the next account falls due. */
  async #rest(): Promise<void> {
    const nextMs = await this.#rows.nextDueMs()
    if (this.#isAwake) return
    const ms = nextMs === undefined ? LONGEST_REST_MS : nextMs - this.#outside.now()
    const { timers } = this.#outside
    await new Promise<void>((resolve) => {
      const wake = () => this.#wakeUp?.()
      const timer = timers.setTimeout(wake, Math.min(Math.max(1, ms), LONGEST_REST_MS))
      this.#wakeUp = () => {
        timers.clearTimeout(timer)
        this.#wakeUp = undefined
        resolve()
      }
    })
  }

  async #step(fleet: Fleet, signal: AbortSignal): Promise<void> {
    this.#budgets.set(fleet.id, fleet.settings)
    const carry: Work = (...given) => this.#carry(...given)
    switch (fleet.state) {
      case 'checking':
        return this.#check(fleet, signal)
      case 'running':
        return this.#runWave(fleet, carry, signal)
      case 'abandoning':
        return this.#abandon(fleet, signal)
      default:
        // What changes hands goes on to its end, whatever is decided of the rest.
        await this.#fill(fleet, ['moving'], carry, signal)
    }
  }

  async #check(fleet: Fleet, signal: AbortSignal): Promise<void> {
    await this.#fill(fleet, ['waiting'], (...given) => this.#look(...given), signal)
    if (this.#atWork(fleet.id) > 0) return
    const counts = await this.#rows.counts(fleet.id)
    if (counts.some(({ state }) => state === 'waiting')) return
    await this.#turn(fleet, { state: 'checked' })
  }

  async #runWave(fleet: Fleet, carry: Work, signal: AbortSignal): Promise<void> {
    await this.#fill(fleet, ['moving'], carry, signal)
    const wave = await this.#rows.wave(fleet.id)
    if (wave === undefined) {
      const counts = await this.#rows.counts(fleet.id)
      const isOver = !counts.some(({ state }) => state === 'owner' || state === 'moving')
      if (isOver && this.#atWork(fleet.id) === 0) await this.#end(fleet, counts)
      return
    }
    if (await this.#isStopped(fleet, wave)) return this.#turn(fleet, paused('failures'))
    if (wave > fleet.wave) {
      await this.#rows.change(fleet.id, { wave })
      const isNext = fleet.wave > 0
      if (isNext && fleet.settings.pauseBetweenWaves) return this.#turn(fleet, paused('wave'))
    }
    await this.#fill(fleet, ['waiting', 'checked'], carry, signal, wave)
  }

  /** Whether more of the wave failed than may. What had failed when an operator went on nonetheless is forgiven. */
  async #isStopped({ id, settings }: Fleet, wave: number): Promise<boolean> {
    const counts = (await this.#rows.counts(id)).filter(
      (one) => one.wave === wave && one.state !== 'blocked',
    )
    const sum = (some: typeof counts) => some.reduce((total, { n }) => total + n, 0)
    const failed = sum(counts.filter(({ state }) => state === 'failed'))
    const forgiven = settings.forgiven?.wave === wave ? settings.forgiven.failed : 0
    const { stopPercent = DEFAULTS.stopPercent } = settings
    return failed > forgiven && (failed - forgiven) * 100 > stopPercent * sum(counts)
  }

  async #end(fleet: Fleet, counts: Awaited<ReturnType<FleetRows['counts']>>): Promise<void> {
    await this.#turn(fleet, { state: 'done' })
    // Those that failed may be tried again.
    if (counts.every(({ state }) => state === 'done')) await this.#rows.forget(fleet.id)
    this.#budgets.forget(fleet.id)
  }

  /** Whatever has not changed hands goes back; the rest goes on to its end. */
  async #abandon(fleet: Fleet, signal: AbortSignal): Promise<void> {
    const idle: FleetAccountState[] = ['waiting', 'checked', 'blocked', 'failed', 'owner']
    if (this.#atWork(fleet.id) === 0) {
      await this.#rows.setAll(fleet.id, idle, 'abandoned', { unmoved: true })
    }
    const giveUp: Work = (...given) => this.#giveUp(...given)
    await this.#fill(fleet, [...idle, 'moving'], giveUp, signal)
    if (this.#atWork(fleet.id) > 0) return
    // What failed after it had changed hands stays as it is.
    const left = (await this.#rows.counts(fleet.id)).map(({ state }) => state)
    if (left.some((state) => state === 'moving' || (state !== 'failed' && idle.includes(state)))) {
      return
    }
    await this.#turn(fleet, { state: 'abandoned' })
    this.#leftAlone.clear()
    await this.#rows.forget(fleet.id)
    this.#budgets.forget(fleet.id)
  }

  /** Unless somebody decided otherwise meanwhile. */
  async #turn(fleet: Fleet, change: Parameters<FleetRows['change']>[1]): Promise<void> {
    if (await this.#rows.change(fleet.id, change, [fleet.state])) this.wake(fleet.id)
  }

  #atWork(fleet: string): number {
    return this.#active.get(fleet)?.size ?? 0
  }

  async #fill(
    fleet: Fleet,
    states: readonly FleetAccountState[],
    work: Work,
    signal: AbortSignal,
    wave?: number,
  ): Promise<void> {
    const active = this.#active.get(fleet.id) ?? new Map<string, Promise<void>>()
    this.#active.set(fleet.id, active)
    const all = [...this.#active.values()].reduce((sum, some) => sum + some.size, 0)
    const { accountsAtOnce = DEFAULTS.accountsAtOnce } = fleet.settings
    const free = Math.min(accountsAtOnce - active.size, AT_ONCE_MAX - all)
    if (free <= 0) return
    const options = {
      limit: free + active.size + this.#leftAlone.size,
      ...(wave !== undefined && { wave }),
    }
    const due = await this.#rows.due(fleet.id, states, options)
    const isFree = ({ account }: Member) =>
      !active.has(account) && !this.#leftAlone.has(`${fleet.id} ${account}`)
    for (const member of due.filter(isFree).slice(0, free)) {
      const task = work(fleet, member, signal)
        .catch((error) => {
          // It stays where it was, and is taken up at the next turn of the loop.
          this.#log.error('an account of a fleet could not be recorded', {
            fleet: fleet.id,
            account: member.account,
            error,
          })
        })
        .finally(() => {
          active.delete(member.account)
          this.wake(fleet.id)
        })
      active.set(member.account, task)
    }
  }

  /** The dry run of one account. */
  async #look(fleet: Fleet, member: Member, signal: AbortSignal): Promise<void> {
    try {
      const { did, plan } = await this.#sources.look(fleet, member, signal)
      const arrived = await this.#arrived(did)
      if (arrived) return this.#rows.set(member, { ...HERE, did, move: arrived.id })
      const twin = await this.#rows.twin(member, did)
      const obstacles = [...plan.obstacles, ...(twin ? ['named-twice'] : [])]
      await this.#rows.set(member, {
        did,
        plan: { ...plan, obstacles },
        state: obstacles.length > 0 ? 'blocked' : 'checked',
        problem: null,
        tries: 0,
      })
    } catch (error) {
      if (!signal.aborted) await this.#tryAgain(fleet, member, { error, or: 'blocked' })
    }
  }

  async #carry(fleet: Fleet, member: Member, signal: AbortSignal): Promise<void> {
    try {
      const id = member.move ?? (await this.#begin(fleet, member, signal))
      if (id === undefined) return
      this.#fleetOf.set(id, fleet.id)
      try {
        if (member.move) await this.#takeUp(fleet, member, signal)
        await this.#carryPassword(member)
        const row = await this.#moves.settled(id, signal)
        if (!signal.aborted) await this.#settled(fleet, member, row)
      } finally {
        this.#fleetOf.delete(id)
      }
    } catch (error) {
      if (!signal.aborted) await this.#tryAgain(fleet, member, { error, or: 'failed' })
    }
  }

  /** The id of its move; undefined when it is here already. */
  async #begin(fleet: Fleet, member: Member, signal: AbortSignal): Promise<string | undefined> {
    const opened = await this.#sources.open(fleet, member, signal)
    const { did } = opened
    try {
      const twin = await this.#rows.twin(member, did)
      if (twin) throw new CannotGo(`The same account as ${twin}`)
      const arrived = await this.#arrived(did)
      if (arrived) {
        await this.#sources.leave(opened)
        await this.#rows.set(member, { ...HERE, did, move: arrived.id })
        return undefined
      }
      const begun = await this.#sources.begin(fleet, member, opened, signal)
      const secrets = { ...(await this.#rows.secrets(member)), passwordHash: opened.passwordHash }
      await this.#rows.set(member, {
        ...{ state: 'moving', did, move: begun.id, problem: null, secrets },
      })
      this.wake(fleet.id)
      member.did = did
      return begun.id
    } catch (error) {
      await this.#sources.leave(opened)
      throw error
    }
  }

  /** Its last move, where it is here since. */
  async #arrived(did: Did): Promise<MoveRow | undefined> {
    const account = await this.#accounts.get(did)
    if (account?.status !== 'active') return undefined
    const newest = await this.#moves.newest(did)
    return newest?.state === 'done' ? newest : undefined
  }

  async #takeUp(fleet: Fleet, member: Member, signal: AbortSignal): Promise<void> {
    const id = member.move!
    const row = await this.#moves.row(id)
    if (member.state !== 'moving') await this.#rows.set(member, { state: 'moving', needs: null })
    if (row?.state === 'paused') await this.#moves.goOn(id)
    if (row?.state !== 'failed') return
    let opened: OpenedSource | undefined
    try {
      opened = await this.#sources.open(fleet, member, signal)
      await this.#sources.goOn(fleet, id, opened, signal)
    } catch (error) {
      if (opened) await this.#sources.leave(opened)
      throw error
    }
  }

  /** Who was let go by an operator signs in here as there. */
  async #carryPassword(member: Member): Promise<void> {
    const secrets = await this.#rows.secrets(member)
    const { passwordHash, newPassword } = secrets
    if (passwordHash === undefined) return
    if (newPassword === undefined && isHash(passwordHash)) {
      await this.#accounts.setPassword(member.did!, passwordHash)
    }
    await this.#rows.set(member, { secrets: { ...secrets, passwordHash: undefined } })
  }

  async #settled(fleet: Fleet, member: Member, row: MoveRow | undefined): Promise<void> {
    const now = await this.#rows.get(fleet.id)
    const isGoingOn = now?.state === 'running'
    switch (row?.state) {
      case 'done':
        return this.#rows.set(member, HERE)
      case 'waiting':
        return this.#rows.set(member, { state: 'owner', needs: 'code' })
      case 'running':
        return this.#rows.set(member, { state: 'owner', needs: 'document' })
      case 'paused':
        if (!isGoingOn) return this.#rows.set(member, { state: 'waiting' })
        return this.#rows.set(member, { state: 'owner', needs: 'resume' })
      case 'abandoned':
        if (now?.state === 'abandoning') return this.#rows.set(member, { state: 'abandoned' })
        throw new CannotGo('It was given up by its owner')
      default:
        throw new Error(row?.shown.problem ?? 'its move is gone')
    }
  }

  async #giveUp(fleet: Fleet, member: Member, signal: AbortSignal): Promise<void> {
    const row = member.move ? await this.#moves.row(member.move) : undefined
    if (row && mayAbandon(row, row.shown)) {
      try {
        await this.#moves.giveUp(row.id)
        return this.#rows.set(member, { state: 'abandoned', secrets: null })
      } catch (error) {
        if (!(error instanceof XrpcError)) throw error
      }
    }
    if (!row) return this.#rows.set(member, { state: 'abandoned', secrets: null })
    // It has changed hands: nothing is given up any more.
    if (row.state === 'failed') this.#leftAlone.add(`${fleet.id} ${member.account}`)
    if (row.state === 'failed' || row.state === 'waiting' || row.state === 'paused') {
      await this.#rows.set(member, { state: 'moving', tries: 0 })
    }
    await this.#carry(fleet, { ...member, state: 'moving' }, signal)
  }

  /** Later, if it may have passed by then; else it is over with this one. */
  async #tryAgain(
    fleet: Fleet,
    member: Member,
    { error, or }: { error: unknown; or: 'failed' | 'blocked' },
  ): Promise<void> {
    const nowMs = this.#outside.now()
    const problem = problemOf(error)
    if (error instanceof XrpcError && error.status === 429) {
      return this.#rows.set(member, { state: 'waiting', dueMs: nowMs + PAUSE_MS, problem })
    }
    const tries = member.tries + 1
    if (isFinal(error) || tries >= (fleet.settings.tries ?? DEFAULTS.tries)) {
      return this.#rows.set(member, { state: or, tries, problem })
    }
    const dueMs = nowMs + Math.min(PAUSE_MS * 2 ** (tries - 1), PAUSE_MS_MAX)
    await this.#rows.set(member, { state: 'waiting', tries, dueMs, problem })
  }
}

/** It has moved here before. */
const HERE = { state: 'done' as const, needs: null, problem: null, secrets: null }

const paused = (why: 'failures' | 'wave') => ({ state: 'paused' as const, why })

/** What was refused stays refused; what was away or busy passes. */
const isFinal = (error: unknown): boolean =>
  error instanceof CannotGo ||
  error instanceof ProtocolError ||
  (error instanceof XrpcError && error.status >= 400 && error.status < 500 && error.status !== 408)

/** As our host keeps them, or the reference. */
const isHash = (text: string): boolean =>
  /^\$argon2id\$v=19\$[\w=,]+\$[\w+/]+\$[\w+/]+$/.test(text) ||
  /^[\da-f]{32}:[\da-f]{128}$/.test(text)

function problemOf(error: unknown): string {
  if (error instanceof XrpcError && error.error === 'AuthFactorTokenRequired') {
    return 'The old host asks for a second factor: only the owner can begin'
  }
  return error instanceof Error ? error.message.slice(0, 500) : 'something went wrong'
}
