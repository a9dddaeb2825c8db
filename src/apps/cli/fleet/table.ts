/** Tables of accounts: CSV, TSV, or a JSON object a line. */
import { ConfigError } from '#platform/runtime'
import type { FleetProof, FleetRow } from '#protocol/account'

const COLUMNS = [
  'account',
  'proof',
  'password',
  'refreshJwt',
  'newPassword',
  'handle',
  'email',
  'inviteCode',
  'wave',
] as const
type Column = (typeof COLUMNS)[number]

/** Heads that tables are found with, beside the columns' own names. */
const ALSO: Readonly<Record<string, Column>> = {
  identifier: 'account',
  did: 'account',
  refresh_jwt: 'refreshJwt',
  token: 'refreshJwt',
  new_password: 'newPassword',
  new_handle: 'handle',
  invite: 'inviteCode',
  invite_code: 'inviteCode',
}
const PROOFS: readonly FleetProof[] = ['password', 'session', 'operator']
const PROBLEMS_MAX = 20

/** Reads a table whole. Throws ConfigError with a line per problem, the first twenty of them. */
export function readTable(text: string): FleetRow[] {
  const plain = text.replace(/^\ufeff/, '')
  const problems: string[] = []
  const isJson = plain.trimStart().startsWith('{')
  const lines = isJson ? jsonLines(plain, problems) : cellLines(plain, problems)
  const rows: FleetRow[] = []
  const seen = new Map<string, number>()
  for (const { at, fields } of lines) {
    const row = readRow(fields, (problem) => problems.push(`line ${at}: ${problem}`))
    if (!row) continue
    const before = seen.get(row.account)
    if (before !== undefined) problems.push(`line ${at}: ${row.account} is in line ${before} too`)
    seen.set(row.account, at)
    rows.push(row)
  }
  if (rows.length === 0 && problems.length === 0) problems.push('the table has no accounts')
  if (problems.length > 0) throw new ConfigError(problems.slice(0, PROBLEMS_MAX))
  return rows
}

interface Line {
  at: number
  fields: Partial<Record<Column, string>>
}

function jsonLines(text: string, problems: string[]): Line[] {
  const lines = text.split(/\r?\n/).map((line, i) => ({ at: i + 1, line: line.trim() }))
  return lines
    .filter(({ line }) => line !== '')
    .flatMap(({ at, line }) => {
      try {
        const fields = Object.entries(JSON.parse(line) as Record<string, unknown>)
        const known = fields.flatMap(([name, value]) => {
          const column = columnOf(name)
          if (!column) problems.push(`line ${at}: no column is called ${name}`)
          return column && value !== null ? [[column, String(value)]] : []
        })
        return [{ at, fields: Object.fromEntries(known) }]
      } catch {
        problems.push(`line ${at}: not a JSON object`)
        return []
      }
    })
}

function cellLines(text: string, problems: string[]): Line[] {
  const end = text.indexOf('\n')
  const separator = text.slice(0, end < 0 ? undefined : end).includes('\t') ? '\t' : ','
  const [head, ...rest] = cells(text, separator)
  const columns = (head?.cells ?? []).map((name) => {
    const column = columnOf(name)
    if (!column) problems.push(`line 1: no column is called ${name}`)
    return column
  })
  return rest.map(({ at, cells }) => {
    if (cells.length > columns.length) problems.push(`line ${at}: more cells than columns`)
    const fields = columns.flatMap((column, i) => {
      const cell = cells[i]?.trim()
      return column && cell ? [[column, cell]] : []
    })
    return { at, fields: Object.fromEntries(fields) }
  })
}

/** RFC 4180: a cell may stand in quotes, with line ends and doubled quotes in it. */
function* cells(text: string, separator: string): Generator<{ at: number; cells: string[] }> {
  const pattern = new RegExp(
    `(?:"((?:[^"]|"")*)"|([^"${separator}\\r\\n]*))(${separator}|\\r?\\n|$)`,
    'y',
  )
  let [row, at, line]: [string[], number, number] = [[], 1, 1]
  while (pattern.lastIndex < text.length || row.length > 0) {
    const found = pattern.exec(text)
    if (!found) throw new ConfigError([`line ${line}: a quote stands where none can`])
    const [whole, quoted, bare = '', end] = found
    row.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'))
    line += whole.split('\n').length - 1
    if (end === separator) continue
    if (row.some((cell) => cell.trim() !== '')) yield { at, cells: row }
    ;[row, at] = [[], line]
    if (end === '') return
  }
}

function columnOf(name: string): Column | undefined {
  const plain = name.trim()
  return (
    COLUMNS.find((one) => one.toLowerCase() === plain.toLowerCase()) ?? ALSO[plain.toLowerCase()]
  )
}

function readRow(fields: Line['fields'], tell: (problem: string) => void): FleetRow | undefined {
  const { account, proof, wave, ...rest } = fields
  if (!account) return void tell('no account')
  const given = proof ?? (rest.password ? 'password' : rest.refreshJwt ? 'session' : 'operator')
  const known = PROOFS.find((one) => one === given)
  if (!known) return void tell(`proof is one of ${PROOFS.join(', ')}, not ${given}`)
  if (wave !== undefined && !/^[1-9]\d{0,2}$/.test(wave)) return void tell(`no wave: ${wave}`)
  const plain = account.replace(/^@/, '').toLowerCase()
  return {
    ...rest,
    account: plain,
    proof: known,
    ...(rest.handle && { handle: rest.handle.replace(/^@/, '').toLowerCase() }),
    ...(wave !== undefined && { wave: Number(wave) }),
  }
}
