/** Accounts that are paused, for a time or until somebody ends it. */
import { endSuspension, listSuspensions, suspendAccount } from '#protocol/account'
import { columns, tell } from '../terminal.ts'
import { type Call, countFlag, didOf, textFlag, type Verb } from './verb.ts'

const HOUR_MS = 3_600_000
const PAGE = 500

async function suspend({ host, flags, words: [name] }: Call): Promise<number> {
  const hours = flags.hours === undefined ? undefined : countFlag(flags, 'hours', 1)
  const did = await didOf(host, name!)
  const ref = textFlag(flags, 'ref')
  const operator = await host.operator()
  const until = hours && new Date(Date.now() + hours * HOUR_MS).toISOString()
  const done = await operator.post(suspendAccount, {
    did,
    ...(until && { until }),
    ...(ref && { ref }),
  })
  const end = done.until ? `until ${done.until}` : 'until somebody ends it'
  return tell(flags, done, `${name} is suspended ${end}\n`)
}

async function unsuspend({ host, flags, words: [name] }: Call): Promise<number> {
  const did = await didOf(host, name!)
  const operator = await host.operator()
  const done = await operator.post(endSuspension, { did })
  return tell(flags, done, `${name} is back\n`)
}

async function list({ host, flags }: Call): Promise<number> {
  const operator = await host.operator()
  const suspensions = []
  let cursor: string | undefined
  do {
    const page = await operator.get(listSuspensions, { limit: PAGE, ...(cursor && { cursor }) })
    suspensions.push(...page.suspensions)
    cursor = page.cursor
  } while (cursor)
  const rows = suspensions.map(({ did, since, until, ref }) => [did, since, until ?? '', ref ?? ''])
  const lines = columns(['account', 'since', 'until', 'why'], rows)
  return tell(flags, { suspensions }, rows.length > 0 ? lines : 'Nobody is suspended.\n')
}

export const suspensionVerbs: readonly Verb[] = [
  {
    name: 'suspend',
    words: ['ACCOUNT'],
    flags: { hours: 'value', ref: 'value' },
    usage: '[--hours N] [--ref TEXT]',
    run: suspend,
  },
  { name: 'unsuspend', words: ['ACCOUNT'], run: unsuspend },
  { name: 'suspensions', words: [], run: list },
]
