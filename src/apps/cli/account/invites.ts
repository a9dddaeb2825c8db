/** Invite codes. */
import {
  ComAtprotoAdminDisableAccountInvites,
  ComAtprotoAdminDisableInviteCodes,
  ComAtprotoAdminEnableAccountInvites,
  ComAtprotoAdminGetInviteCodes,
  ComAtprotoServerCreateInviteCodes,
  type ComAtprotoServerDefs,
} from '@atcute/atproto'
import { ConfigError } from '#platform/runtime'
import { columns, tell } from '../terminal.ts'
import { type Call, countFlag, didOf, textFlag, type Verb } from './verb.ts'

const PAGE = 500

async function create({ host, flags }: Call): Promise<number> {
  const account = textFlag(flags, 'for')
  const forAccounts = account === undefined ? undefined : [await didOf(host, account)]
  const operator = await host.operator()
  const made = await operator.post(ComAtprotoServerCreateInviteCodes.mainSchema, {
    codeCount: countFlag(flags, 'count', 1),
    useCount: countFlag(flags, 'uses', 1),
    ...(forAccounts && { forAccounts }),
  })
  const codes = made.codes.flatMap((one) => one.codes)
  return tell(flags, { codes }, codes.map((code) => `${code}\n`).join(''))
}

async function list({ host, flags }: Call): Promise<number> {
  const most = countFlag(flags, 'limit', 1_000)
  const sort = textFlag(flags, 'sort') ?? 'recent'
  if (sort !== 'recent' && sort !== 'usage') {
    throw new ConfigError(['--sort must be recent or usage'])
  }
  const operator = await host.operator()
  const codes: ComAtprotoServerDefs.InviteCode[] = []
  let cursor: string | undefined
  do {
    const page = await operator.get(ComAtprotoAdminGetInviteCodes.mainSchema, {
      sort,
      limit: Math.min(PAGE, most - codes.length),
      ...(cursor && { cursor }),
    })
    codes.push(...page.codes)
    cursor = codes.length < most ? page.cursor : undefined
  } while (cursor)
  const rows = codes.map(({ code, uses, available, disabled, forAccount, createdAt }) => [
    code,
    `${uses.length}/${available}`,
    disabled ? 'stopped' : '',
    forAccount,
    createdAt,
  ])
  const lines =
    rows.length > 0 ? columns(['code', 'used', '', 'for', 'since'], rows) : 'No codes.\n'
  return tell(flags, { codes }, lines)
}

async function disable({ host, flags, words }: Call): Promise<number> {
  const operator = await host.operator()
  await operator.post(ComAtprotoAdminDisableInviteCodes.mainSchema, { codes: [...words] })
  return tell(flags, { codes: words }, words.map((code) => `${code} is stopped\n`).join(''))
}

async function stop({ host, flags, words: [name] }: Call): Promise<number> {
  const account = await didOf(host, name!)
  const note = textFlag(flags, 'note')
  const operator = await host.operator()
  await operator.post(ComAtprotoAdminDisableAccountInvites.mainSchema, {
    account,
    ...(note && { note }),
  })
  await operator.post(ComAtprotoAdminDisableInviteCodes.mainSchema, { accounts: [account] })
  return tell(flags, { did: account }, `${name} invites nobody\n`)
}

async function allow({ host, flags, words: [name] }: Call): Promise<number> {
  const account = await didOf(host, name!)
  const operator = await host.operator()
  await operator.post(ComAtprotoAdminEnableAccountInvites.mainSchema, { account })
  return tell(flags, { did: account }, `${name} may invite again\n`)
}

export const invitesVerbs: readonly Verb[] = [
  {
    name: 'invite create',
    words: [],
    flags: { count: 'value', uses: 'value', for: 'value' },
    usage: '[--count N] [--uses N] [--for ACCOUNT]',
    run: create,
  },
  {
    name: 'invite list',
    words: [],
    flags: { sort: 'value', limit: 'value' },
    usage: '[--sort recent|usage] [--limit N]',
    run: list,
  },
  { name: 'invite disable', words: ['CODE'], more: 1_000, run: disable },
  {
    name: 'invite stop',
    words: ['ACCOUNT'],
    flags: { note: 'value' },
    usage: '[--note TEXT]',
    run: stop,
  },
  { name: 'invite allow', words: ['ACCOUNT'], run: allow },
]
