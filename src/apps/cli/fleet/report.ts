/** What became of each account of a fleet: a table for people, and everything for programs. */
import { writeFileSync } from 'node:fs'
import type { FleetAccount, FleetView } from '#protocol/account'

type Cell = string | number | boolean | undefined

const COLUMNS: readonly [head: string, cell: (account: FleetAccount) => Cell][] = [
  ['account', ({ account }) => account],
  ['did', ({ did }) => did],
  ['handle', ({ handle }) => handle],
  ['wave', ({ wave }) => wave],
  ['state', ({ state }) => state],
  ['tries', ({ tries }) => tries],
  ['needs', ({ needs }) => needs],
  ['problem', ({ problem }) => problem],
  ['obstacles', ({ plan }) => plan?.obstacles.join(' ')],
  ['cautions', ({ plan }) => plan?.cautions?.join(' ')],
  ['records', ({ receipt, plan }) => receipt?.records ?? plan?.records],
  ['blobs', ({ receipt, plan }) => receipt?.blobs ?? plan?.blobs],
  ['bytes', ({ bytes, plan }) => bytes ?? plan?.bytes],
  ['same_root', ({ receipt }) => receipt?.sameRoot],
  ['same_blobs', ({ receipt }) => receipt?.sameBlobs],
  ['missing_blobs', ({ receipt }) => receipt?.missingBlobs.length],
  ['conflicts', ({ receipt }) => receipt && (receipt.late?.conflictCount ?? 0)],
  ['warnings', ({ receipt }) => receipt?.warnings.join(' ')],
  ['started_at', ({ startedAt }) => startedAt],
  ['ended_at', ({ endedAt }) => endedAt],
]

/** One line an account, with a head line. */
export function reportCsv(accounts: readonly FleetAccount[]): string {
  const lines = [
    COLUMNS.map(([head]) => head),
    ...accounts.map((one) => COLUMNS.map(([, cell]) => cell(one))),
  ]
  return lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('')
}

/** Text that a spreadsheet would take for a formula is shown as text. */
function csvCell(cell: Cell): string {
  const text = cell === undefined ? '' : String(cell)
  const plain = typeof cell === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}

/** Writes NAME.csv and NAME.json, receipts and all. */
export function writeReport(
  name: string,
  fleet: FleetView,
  accounts: readonly FleetAccount[],
): void {
  writeFileSync(`${name}.csv`, reportCsv(accounts))
  writeFileSync(`${name}.json`, `${JSON.stringify({ fleet, accounts }, null, 2)}\n`)
}
