/** Operators of a host, and the record of what they did. */
import { ConfigError } from '#platform/runtime'
import {
  type AuditEntry,
  addOperator,
  listAudit,
  listOperators,
  type OperatorRole,
  revokeOperator,
} from '#protocol/account'
import { columns, tell } from '../terminal.ts'
import { type Call, countFlag, didOf, textFlag, type Verb } from './verb.ts'

const ROLES: readonly OperatorRole[] = ['admin', 'moderator', 'support', 'viewer']
const PAGE = 500

async function add({ host, flags, words: [name] }: Call): Promise<number> {
  const role = textFlag(flags, 'role') as OperatorRole | undefined
  if (!role || !ROLES.includes(role)) {
    throw new ConfigError([`--role must be one of ${ROLES.join(', ')}`])
  }
  const operator = await host.operator()
  const made = await operator.post(addOperator, { name: name!, role })
  const lines = `name    ${made.name}\nrole    ${made.role}\nsecret  ${made.secret}\n`
  return tell(flags, made, `${lines}The secret is not shown again.\n`)
}

async function list({ host, flags }: Call): Promise<number> {
  const operator = await host.operator()
  const found = await operator.get(listOperators, {})
  const rows = found.operators.map(
    ({ name, role, createdAt, createdBy, revokedAt, lastSeenAt }) => [
      name,
      role,
      `${createdAt} by ${createdBy}`,
      lastSeenAt ?? '',
      revokedAt ? `revoked ${revokedAt}` : '',
    ],
  )
  const lines = columns(['name', 'role', 'since', 'last seen', ''], rows)
  return tell(flags, found, rows.length > 0 ? lines : 'No operators but admin.\n')
}

async function revoke({ host, flags, words: [name] }: Call): Promise<number> {
  const operator = await host.operator()
  const done = await operator.post(revokeOperator, { name: name! })
  return tell(flags, done, `${name} is no operator any more\n`)
}

async function audit({ host, flags }: Call): Promise<number> {
  const most = countFlag(flags, 'limit', 100)
  const about = textFlag(flags, 'about')
  const [by, method] = [textFlag(flags, 'by'), textFlag(flags, 'method')]
  const subject = about?.startsWith('at://') ? about : about && (await didOf(host, about))
  const operator = await host.operator()
  const entries: AuditEntry[] = []
  let cursor: string | undefined
  do {
    const page = await operator.get(listAudit, {
      limit: Math.min(PAGE, most - entries.length),
      ...(by && { operator: by }),
      ...(method && { method }),
      ...(subject && { subject }),
      ...(cursor && { cursor }),
    })
    entries.push(...page.entries)
    cursor = entries.length < most ? page.cursor : undefined
  } while (cursor)
  const rows = entries.map(({ at, operator, method, subject, outcome, detail }) => [
    at,
    operator,
    method,
    outcome ?? 'not ended',
    [subject, detail].filter(Boolean).join(' '),
  ])
  const lines = columns(['when', 'who', 'what', 'how it ended', 'about'], rows)
  return tell(flags, { entries }, lines)
}

export const operatorVerbs: readonly Verb[] = [
  {
    name: 'operators add',
    words: ['NAME'],
    flags: { role: 'value' },
    usage: `--role ${ROLES.join('|')}`,
    run: add,
  },
  { name: 'operators list', words: [], run: list },
  { name: 'operators revoke', words: ['NAME'], run: revoke },
  {
    name: 'audit',
    words: [],
    flags: { by: 'value', about: 'value', method: 'value', limit: 'value' },
    usage: '[--by NAME] [--about ACCOUNT|URI] [--method NSID] [--limit N]',
    run: audit,
  },
]
