import type { Outside } from '#platform/runtime'
import type {
  FleetAccount,
  FleetAccountState,
  FleetAction,
  FleetMoving,
  FleetRow,
  FleetSettings,
  FleetState,
  FleetView,
} from '#protocol/account'
import { base32 } from '#protocol/crypto'
import { isDid, isHandle } from '#protocol/syntax'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import type { Host } from '../host/index.ts'
import { type Moves, mayAbandon } from '../moves/index.ts'
import {
  FLEET_MAX,
  type Fleet,
  type FleetRows,
  type Member,
  type SourceOperator,
} from './fleet-rows.ts'
import { DEFAULTS, type FleetWork } from './fleet-work.ts'

const WATCH_MS = 20_000
const MOVING_SHOWN = 8
const STATES: readonly FleetAccountState[] = [
  'waiting',
  'checked',
  'blocked',
  'moving',
  'owner',
  'done',
  'failed',
  'abandoned',
]

interface FleetsDeps {
  rows: FleetRows
  work: FleetWork
  moves: Moves
  host: Host
  outside: Pick<Outside, 'timers' | 'random'>
}

/** Many accounts of one host that move here, in waves: opened, decided about and watched by operators. */
export class Fleets {
  readonly #deps: FleetsDeps

  constructor(deps: FleetsDeps) {
    this.#deps = deps
  }

  /** Opens a fleet, or answers the one of that name that goes on. Throws InvalidRequest. */
  async create(
    given: {
      name: string
      source: string
      settings?: FleetSettings | undefined
      operator?: SourceOperator | undefined
    },
    createdBy: string,
  ): Promise<{ fleet: FleetView; isNew: boolean }> {
    const { outside, rows, host } = this.#deps
    const source = URL.parse(given.source)?.origin
    if (!source || source === 'null') throw invalidRequest('source is not an address')
    if (source === host.publicUrl) throw invalidRequest('source is this host')
    const { name, settings = {}, operator } = given
    const id = base32(outside.random(10))
    const { fleet, isNew } = await rows.add({ id, name, source, settings, createdBy }, operator)
    if (fleet.source !== source)
      throw invalidRequest(`The fleet ${name} comes from ${fleet.source}`)
    // Whoever comes again may know another password than the first time.
    if (!isNew && operator) await rows.setOperator(fleet.id, operator)
    return { fleet: await this.#view(fleet.id), isNew }
  }

  /** Throws FleetNotFound, NotNow, FleetFull, InvalidRequest. */
  async add(id: string, given: readonly FleetRow[]): Promise<{ added: number; known: number }> {
    const fleet = await this.#require(id)
    if (fleet.state !== 'draft') throw notNow('it has begun')
    const accounts = given.map((row) => ({
      ...row,
      account: row.account.trim().replace(/^@/, '').toLowerCase(),
    }))
    for (const { account } of accounts) {
      if (!isHandle(account) && !isDid(account)) {
        throw invalidRequest(`Neither a handle nor a DID: ${account}`)
      }
    }
    const added = await this.#deps.rows.addMembers(id, accounts)
    if (added === undefined) {
      throw new XrpcError(400, 'FleetFull', `A fleet has at most ${FLEET_MAX} accounts`)
    }
    return { added, known: given.length - added }
  }

  /** Throws FleetNotFound, NotNow, FleetBlocked. */
  async decide(
    id: string,
    action: FleetAction,
    { leaveBlocked, settings }: { leaveBlocked?: boolean; settings?: FleetSettings },
  ): Promise<FleetView> {
    const fleet = await this.#require(id)
    const acts: Record<FleetAction, () => Promise<void>> = {
      check: () => this.#check(fleet),
      start: () => this.#start(fleet, leaveBlocked === true),
      pause: () => this.#pause(fleet),
      resume: () => this.#resume(fleet),
      retry: () => this.#retry(fleet),
      abandon: () =>
        this.#turn(fleet, 'abandoning', ['draft', 'checking', 'checked', 'running', 'paused']),
      set: async () => {
        await this.#deps.rows.change(id, { settings: { ...fleet.settings, ...settings } })
      },
    }
    const act = acts[action]
    if (!act) throw invalidRequest(`No such action: ${action}`)
    await act()
    this.#deps.work.wake(id)
    return this.#view(id)
  }

  async #check(fleet: Fleet): Promise<void> {
    await this.#turn(fleet, 'checking', ['draft', 'checked'])
    await this.#deps.rows.setAll(fleet.id, ['checked', 'blocked'], 'waiting')
  }

  async #start(fleet: Fleet, leaveBlocked: boolean): Promise<void> {
    const counts = await this.#deps.rows.counts(fleet.id)
    const sum = (state: FleetAccountState) => countOf(counts, state)
    if (fleet.state === 'checked' && sum('blocked') > 0 && !leaveBlocked) {
      throw new XrpcError(400, 'FleetBlocked', `${sum('blocked')} accounts cannot begin`)
    }
    if (fleet.state === 'checked' && sum('checked') === 0) throw notNow('no account can begin')
    await this.#turn(fleet, 'running', ['checked'])
  }

  /** What has not changed hands stops; what is just doing so goes on to its end. */
  async #pause(fleet: Fleet): Promise<void> {
    const { moves, rows } = this.#deps
    await this.#turn(fleet, 'paused', ['checking', 'running'], 'operator')
    for (const { move } of await rows.members(fleet.id, { ...FIRST, state: 'moving' })) {
      const row = move === undefined ? undefined : await moves.row(move)
      if (row?.state === 'running' && mayAbandon(row, row.shown) && row.shown.step !== 'switch') {
        await moves.halt(row.id)
      }
    }
  }

  /** A fleet that was stopped by failures goes on in spite of those. */
  async #resume(fleet: Fleet): Promise<void> {
    const { rows } = this.#deps
    if (fleet.why === 'failures') {
      const { wave } = fleet
      const counts = (await rows.counts(fleet.id)).filter((one) => one.wave === wave)
      const forgiven = { wave, failed: countOf(counts, 'failed') }
      await rows.change(fleet.id, { settings: { ...fleet.settings, forgiven } })
    }
    // Before its first wave it was being looked at.
    await this.#turn(fleet, fleet.wave === 0 ? 'checking' : 'running', ['paused'])
  }

  async #retry(fleet: Fleet): Promise<void> {
    if (fleet.state === 'done') {
      const open = (await this.#deps.rows.list()).some(
        ({ id, name, state }) =>
          id !== fleet.id && name === fleet.name && state !== 'done' && state !== 'abandoned',
      )
      if (open) throw notNow('another fleet of that name goes on')
    }
    if (fleet.wave === 0) throw notNow('it has not begun')
    await this.#deps.rows.setAll(fleet.id, ['failed', 'blocked'], 'waiting')
    await this.#turn(fleet, 'running', ['running', 'paused', 'done'])
  }

  async #turn(
    { id, state: now }: Fleet,
    state: FleetState,
    from: readonly FleetState[],
    why?: Fleet['why'],
  ): Promise<void> {
    if (!(await this.#deps.rows.change(id, { state, why }, from))) throw notNow(`it is ${now}`)
  }

  /** One fleet; with `after`, once it is newer than that or further. Throws FleetNotFound. */
  async get(id: string, after: number | undefined, signal: AbortSignal): Promise<FleetView> {
    const { timers } = this.#deps.outside
    const end = new AbortController()
    const changed = this.#deps.work.next(id, AbortSignal.any([signal, end.signal]))
    const timer = timers.setTimeout(() => end.abort(), WATCH_MS)
    try {
      const { version } = await this.#require(id)
      if (after !== undefined && version <= after) await changed
    } finally {
      timers.clearTimeout(timer)
      end.abort()
    }
    return this.#view(id)
  }

  async list(): Promise<FleetView[]> {
    const fleets = await this.#deps.rows.list()
    return Promise.all(fleets.map((fleet) => this.#viewOf(fleet)))
  }

  /** Accounts in the order of the table. Throws FleetNotFound, InvalidRequest. */
  async accounts(
    id: string,
    {
      state,
      limit,
      cursor,
    }: { state?: string | undefined; limit: number; cursor?: string | undefined },
  ): Promise<{ accounts: FleetAccount[]; cursor: string | undefined }> {
    await this.#require(id)
    if (cursor !== undefined && !/^\d{1,9}$/.test(cursor)) throw invalidRequest('Malformed cursor')
    const options = { after: Number(cursor ?? 0), state, limit }
    const members = await this.#deps.rows.members(id, options)
    return {
      accounts: await Promise.all(members.map((member) => this.#accountOf(member))),
      cursor: members.length === limit ? String(members.at(-1)!.position) : undefined,
    }
  }

  async #accountOf(member: Member): Promise<FleetAccount> {
    const { account, position, wave, proof, state, did, tries, needs, plan, problem } = member
    const row = member.move === undefined ? undefined : await this.#deps.moves.row(member.move)
    const isLater = state === 'waiting' && member.dueMs > 0
    const isOver = state === 'done' && row?.receipt !== undefined
    return {
      ...{ account, position, wave, proof, state, tries, did, needs, plan, problem },
      handle: row?.handle ?? member.handle,
      ...(isLater && { nextTryAt: time(member.dueMs) }),
      ...(row && { step: row.shown.step, startedAt: time(row.startedMs), bytes: row.shown.bytes }),
      ...(isOver && { endedAt: time(row.changedMs), receipt: row.receipt }),
    }
  }

  async #require(id: string): Promise<Fleet> {
    const fleet = await this.#deps.rows.get(id)
    if (!fleet) throw new XrpcError(404, 'FleetNotFound', 'No such fleet')
    return fleet
  }

  async #view(id: string): Promise<FleetView> {
    return this.#viewOf(await this.#require(id))
  }

  async #viewOf(fleet: Fleet): Promise<FleetView> {
    const { id, version, name, source, state, why, wave, operator, createdBy } = fleet
    const counts = await this.#deps.rows.counts(id)
    const { forgiven: _, ...settings } = { ...DEFAULTS, ...fleet.settings }
    return {
      ...{ id, version, name, source, to: this.#deps.host.publicUrl, state, settings },
      ...{ operator, createdBy },
      ...(why && { why }),
      ...(wave > 0 && { wave }),
      counts: {
        total: counts.reduce((sum, { n }) => sum + n, 0),
        ...(Object.fromEntries(STATES.map((one) => [one, countOf(counts, one)])) as Record<
          FleetAccountState,
          number
        >),
      },
      waves: wavesOf(counts),
      moving: await this.#moving(id),
      createdAt: time(fleet.createdMs),
      changedAt: time(fleet.changedMs),
    }
  }

  async #moving(id: string): Promise<FleetMoving[]> {
    const options = { after: 0, state: 'moving', limit: MOVING_SHOWN }
    const members = await this.#deps.rows.members(id, options)
    const moving = members.map(async ({ account, did, move }): Promise<FleetMoving | undefined> => {
      const row = move === undefined ? undefined : await this.#deps.moves.row(move)
      if (!row) return undefined
      const { step, blobs, bytes, bytesPerSecond, secondsLeft, problem } = row.shown
      return { account, did, step, blobs, bytes, bytesPerSecond, secondsLeft, problem }
    })
    return (await Promise.all(moving)).filter((one) => one !== undefined)
  }
}

/** All that can be at work. */
const FIRST = { after: 0, limit: 100 }

type Counts = readonly { state: FleetAccountState; wave: number; n: number }[]

const countOf = (counts: Counts, state: FleetAccountState): number =>
  counts.filter((one) => one.state === state).reduce((sum, { n }) => sum + n, 0)

function wavesOf(counts: Counts): FleetView['waves'] {
  const waves = [...new Set(counts.map(({ wave }) => wave))].sort((a, b) => a - b)
  return waves.map((wave) => {
    const own = counts.filter((one) => one.wave === wave)
    const total = own.reduce((sum, { n }) => sum + n, 0)
    const [done, failed] = [countOf(own, 'done'), countOf(own, 'failed')]
    const left = total - done - failed - countOf(own, 'blocked') - countOf(own, 'abandoned')
    return { wave, total, left, done, failed }
  })
}

const time = (ms: number) => new Date(ms).toISOString()

const notNow = (why: string) => new XrpcError(400, 'NotNow', `This cannot be done now: ${why}`)
