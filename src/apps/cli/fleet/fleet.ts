/** `falaj move fleet`: many accounts of one host move to another, in waves, by a job of that host. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { ConfigError } from '#platform/runtime'
import {
  addFleetAccounts,
  createFleet,
  decideFleet,
  type FleetAccount,
  type FleetRow,
  type FleetSettings,
  type FleetView,
  listFleetAccounts,
  listFleets,
} from '#protocol/account'
import type { XrpcClient } from '#protocol/xrpc'
import { type Flags, readFlags, readOrigin, requireFlags } from '../flags.ts'
import { OPERATOR_FLAGS, readSecretFile, withHost } from '../operator.ts'
import { ask, columns, endProgress, shown, tell } from '../terminal.ts'
import { writeReport } from './report.ts'
import { readTable } from './table.ts'
import { picture, watchFleet } from './watching.ts'

const FLAGS = {
  ...OPERATOR_FLAGS,
  to: 'value',
  from: 'value',
  'from-user': 'value',
  'from-password-file': 'value',
  name: 'value',
  'at-once': 'value',
  'mb-per-second': 'value',
  'requests-per-second': 'value',
  'stop-percent': 'value',
  tries: 'value',
  'wave-by-wave': 'switch',
  'leave-blocked': 'switch',
  check: 'switch',
  report: 'value',
} as const

const VERBS = ['watch', 'start', 'pause', 'resume', 'retry', 'abandon', 'report', 'set'] as const
type Verb = (typeof VERBS)[number]

const USAGE = [
  'falaj move fleet TABLE --from URL --to URL [--check] [--name NAME] [--at-once N] [--mb-per-second N]',
  '  [--requests-per-second N] [--stop-percent N] [--tries N] [--wave-by-wave] [--leave-blocked] [--report NAME]',
  `falaj move fleet ${VERBS.join('|')} NAME --to URL; falaj move fleet list --to URL`,
]
const ADDED_AT_ONCE = 500
const NAMED_MAX = 50

/** 0 when every account that could begin is there, or waits for its owner alone. */
export async function runFleet(args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  const [first, second, ...more] = words
  const verb = VERBS.find((one) => one === first)
  if (!first || more.length > 0 || (verb ? !second : second)) throw new ConfigError(USAGE)
  const { to } = requireFlags(flags, ['to'])
  return withHost({ ...flags, host: readOrigin('to', to) }, async ({ operator }) => {
    if (first === 'list') return list(flags, await operator())
    if (verb) return decide(verb, second!, flags, await operator())
    const rows = readTable(readFile(first))
    return moveTable(first, rows, flags, await operator())
  })
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError([`${file}: ${(error as Error).message}`])
  }
}

/** Begins, or goes on with the fleet of that name. */
async function moveTable(file: string, rows: FleetRow[], flags: Flags, client: XrpcClient) {
  const { from } = requireFlags(flags, ['from'])
  const name = String(flags.name ?? basename(file).replace(/\.[^.]*$/, ''))
  const operator = rows.some(({ proof }) => proof === 'operator')
    ? await sourceOperator(flags)
    : undefined
  const source = readOrigin('from', from)
  const settings = settingsOf(flags)
  const opened = await client.post(createFleet, { name, source, settings, operator })
  let { fleet } = opened
  const { id } = fleet
  // Begun before, a dry run perhaps: what is said now counts.
  if (!opened.isNew && Object.keys(settings).length > 0) {
    await client.post(decideFleet, { id, action: 'set', settings })
  }
  if (fleet.state === 'draft') {
    for (let at = 0; at < rows.length; at += ADDED_AT_ONCE) {
      await client.post(addFleetAccounts, { id, rows: rows.slice(at, at + ADDED_AT_ONCE) })
    }
    fleet = (await client.post(decideFleet, { id, action: 'check' })).fleet
  } else if (fleet.counts.total !== rows.length) {
    throw new ConfigError([
      `the fleet ${name} was begun with ${fleet.counts.total} accounts, not ${rows.length}: abandon it, or give another --name`,
    ])
  }
  if (fleet.state === 'checking') {
    fleet = await watchFleet(client, id, ({ state }) => state !== 'checking')
    endProgress()
  }
  if (
    flags.check ||
    (fleet.counts.blocked > 0 && fleet.state === 'checked' && !flags['leave-blocked'])
  ) {
    return tellCheck(fleet, flags, client)
  }
  if (fleet.state === 'checked')
    await client.post(decideFleet, { id, action: 'start', leaveBlocked: true })
  return follow(client, fleet, flags)
}

async function sourceOperator(flags: Flags): Promise<{ name: string; password: string }> {
  const file = flags['from-password-file']
  const name = typeof flags['from-user'] === 'string' ? flags['from-user'] : 'admin'
  const given =
    typeof file === 'string'
      ? readSecretFile('from-password-file', file)
      : process.env.FALAJ_FROM_ADMIN_PASSWORD
  return {
    name,
    password: given ?? (await ask('Operator’s password at the old host', { secret: true })),
  }
}

function settingsOf(flags: Flags): FleetSettings {
  const bytes = number(flags, 'mb-per-second', 1e6)
  const all = {
    accountsAtOnce: number(flags, 'at-once'),
    bytesPerSecond: bytes === undefined ? undefined : Math.round(bytes),
    requestsPerSecond: number(flags, 'requests-per-second'),
    stopPercent: number(flags, 'stop-percent'),
    tries: number(flags, 'tries'),
    ...(flags['wave-by-wave'] && { pauseBetweenWaves: true }),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function number(flags: Flags, name: string, unit = 1): number | undefined {
  const text = flags[name]
  if (text === undefined) return undefined
  const pattern = unit === 1 ? /^\d{1,9}$/ : /^\d{1,6}(\.\d+)?$/
  if (!pattern.test(String(text)))
    throw new ConfigError([`--${name} must be a number, not ${text}`])
  return Number(text) * unit
}

async function decide(verb: Verb, name: string, flags: Flags, client: XrpcClient): Promise<number> {
  const { fleets } = await client.get(listFleets, {})
  const fleet = fleets.find((one) => one.id === name || one.name === name)
  if (!fleet) throw new ConfigError([`no fleet is called ${name}`])
  const { id } = fleet
  if (verb === 'report')
    return report(client, fleet, { ...flags, report: flags.report ?? fleet.name })
  if (verb === 'watch') return follow(client, fleet, flags)
  const after = await client.post(decideFleet, {
    id,
    action: verb,
    leaveBlocked: flags['leave-blocked'] === true,
    ...(verb === 'set' && { settings: settingsOf(flags) }),
  })
  return tell(flags, after.fleet, `${picture(after.fleet)[0]}\n`)
}

async function list(flags: Flags, client: XrpcClient): Promise<number> {
  const { fleets } = await client.get(listFleets, {})
  const rows = fleets.map(({ name, state, source, counts, createdAt }) => [
    ...[name, state, source, `${counts.done}/${counts.total}`],
    ...[String(counts.failed), createdAt.slice(0, 16)],
  ])
  const heads = ['name', 'state', 'from', 'moved', 'failed', 'created']
  return tell(flags, { fleets }, columns(heads, rows))
}

/** Only their owners can do more, or nobody has to. */
const isAtRest = ({ state, counts }: FleetView): boolean =>
  !['checking', 'running', 'abandoning'].includes(state) ||
  (state === 'running' && counts.waiting + counts.checked + counts.moving === 0)

async function follow(client: XrpcClient, { id }: FleetView, flags: Flags): Promise<number> {
  const fleet = await watchFleet(client, id, isAtRest)
  endProgress()
  return report(client, fleet, flags)
}

async function report(client: XrpcClient, fleet: FleetView, flags: Flags): Promise<number> {
  const accounts = await accountsOf(client, fleet)
  if (typeof flags.report === 'string') writeReport(flags.report, fleet, accounts)
  const { counts, name, state, why } = fleet
  const bad = accounts.filter((one) => one.state === 'failed' || one.state === 'blocked')
  const waiting =
    counts.owner > 0 ? `${counts.owner} wait for their owners, at ${fleet.to}/account/move\n` : ''
  const lines = `${name}: ${state}${why ? ` (${WHY[why]})` : ''}, ${counts.done} of ${counts.total} moved\n${waiting}${told(bad)}`
  tell(flags, { fleet, accounts }, lines)
  return bad.length > 0 || state === 'paused' || state === 'abandoned' ? 1 : 0
}

const WHY = {
  operator: 'an operator paused it',
  failures: 'too many of the wave failed: resume, or retry',
  wave: 'the next wave begins with resume',
} as const

/** What will happen, and what stands in the way. */
async function tellCheck(fleet: FleetView, flags: Flags, client: XrpcClient): Promise<number> {
  const accounts = await accountsOf(client, fleet)
  if (typeof flags.report === 'string') writeReport(flags.report, fleet, accounts)
  const able = accounts.filter(({ state }) => state === 'checked')
  const bad = accounts.filter(({ state }) => state === 'blocked')
  const sum = (what: 'records' | 'blobs' | 'bytes') =>
    able.reduce((total, { plan }) => total + (plan?.[what] ?? 0), 0)
  const letters = able.filter(({ plan }) => plan?.cautions?.includes('letter-needed')).length
  const lines = [
    `${able.length} of ${accounts.length} accounts can begin: ${sum('records')} records, ${sum('blobs')} blobs, about ${(sum('bytes') / 1e6).toFixed(1)} MB`,
    ...fleet.waves.map(({ wave, total }) => `  wave ${wave}: ${total} accounts`),
    ...(letters > 0 ? [`${letters} need a code that the old host mails to their owners`] : []),
    bad.length > 0 ? `${bad.length} cannot:` : 'nothing is in the way',
  ]
  tell(flags, { fleet, accounts }, `${lines.join('\n')}\n${told(bad)}`)
  return bad.length > 0 ? 1 : 0
}

function told(bad: readonly FleetAccount[]): string {
  const lines = bad.slice(0, NAMED_MAX).map(({ account, problem, plan }) => {
    return `  ${account}: ${shown(problem ?? plan?.obstacles.join(', ') ?? '')}\n`
  })
  const more =
    bad.length > NAMED_MAX ? `  and ${bad.length - NAMED_MAX} more: --report names all\n` : ''
  return lines.join('') + more
}

async function accountsOf(client: XrpcClient, { id }: FleetView): Promise<FleetAccount[]> {
  const accounts: FleetAccount[] = []
  let cursor: string | undefined
  do {
    const params = { id, limit: 200, ...(cursor && { cursor }) }
    const page = await client.get(listFleetAccounts, params)
    accounts.push(...page.accounts)
    cursor = page.cursor
  } while (cursor)
  return accounts
}
