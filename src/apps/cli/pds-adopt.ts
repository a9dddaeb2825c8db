/** `falaj pds adopt`: the data directory of a reference PDS becomes a host's of ours, in its place. */
import { writeFileSync } from 'node:fs'
import { ConfigError } from '#platform/runtime'
import type { AdoptedAccount, AdoptionReport } from '#services/pds'
import type { Command } from './commands.ts'
import { readFlags } from './flags.ts'
import { endProgress, shown, showProgress } from './terminal.ts'

const OF_THE_SERVICE = {
  data: 'value',
  config: 'value',
  'env-file': 'value',
  'public-url': 'value',
  'blobs-folder': 'value',
  'handle-domains': 'value',
  'rotation-key-file': 'value',
  'retention-hours': 'value',
  plc: 'value',
  'log-level': 'value',
} as const

const FLAGS = {
  'dry-run': 'switch',
  'leave-refused': 'switch',
  report: 'value',
  json: 'switch',
  ...OF_THE_SERVICE,
} as const

/** What takes it over; see `adoptReference` of the server. */
export type Adopt = (call: {
  source: string
  args: readonly string[]
  isDryRun: boolean
  leaveRefused: boolean
  onAccount(report: AdoptedAccount, isNew: boolean): void
  onProgress(progress: { done: number; total: number; bytes: number }): void
}) => Promise<AdoptionReport>

export function pdsAdopt(adopt: Adopt): Command {
  return {
    name: 'pds adopt',
    help: 'take the place of a reference PDS: DIR --data DIR [--env-file FILE] [--dry-run] [--report FILE]',
    run: (args) => runAdopt(adopt, args),
  }
}

async function runAdopt(adopt: Adopt, args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  const [source, ...more] = words
  if (!source || more.length > 0) {
    throw new ConfigError(['falaj pds adopt takes the data directory of a reference PDS'])
  }
  const own = Object.keys(OF_THE_SERVICE).flatMap((name) =>
    typeof flags[name] === 'string' ? [`--${name}`, flags[name]] : [],
  )
  const isDryRun = flags['dry-run'] === true
  if (!isDryRun && typeof flags.data !== 'string') {
    throw new ConfigError(['--data is needed: a folder beside the directory that is taken over'])
  }
  const isJson = flags.json === true
  const accounts: AdoptedAccount[] = []
  const report = await adopt({
    source,
    args: own,
    isDryRun,
    leaveRefused: flags['leave-refused'] === true,
    onAccount(account, isNew) {
      accounts.push(account)
      if (!isNew) return
      if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
      process.stdout.write(isJson ? `${JSON.stringify(account)}\n` : describe(account))
    },
    onProgress({ done, total, bytes }) {
      if (!process.stderr.isTTY) return
      showProgress(`adopting, ${megabytes(bytes)} of blobs`, { done, total })
    },
  })
  if (process.stderr.isTTY) endProgress()
  if (typeof flags.report === 'string') {
    writeFileSync(flags.report, `${JSON.stringify({ ...report, list: accounts }, undefined, 2)}\n`)
  }
  process.stdout.write(
    isJson ? `${JSON.stringify({ summary: report })}\n` : summary(report, isDryRun),
  )
  return report.refused > 0 && flags['leave-refused'] !== true ? 1 : 0
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

function describe(one: AdoptedAccount): string {
  const { handle, did, status, refused, records, blobs, blobBytes, missingBlobs, notes } = one
  const head = `${shown(handle)} (${did}, ${status})`
  if (refused !== undefined) return `${head}: NOT taken over: ${shown(refused)}\n`
  const missing =
    missingBlobs.count > 0
      ? `  missing   ${missingBlobs.count} blobs: ${missingBlobs.cids.join(', ')}\n`
      : ''
  return `${head}: ${records} records, ${blobs} blobs (${megabytes(blobBytes)}), verified
${missing}${notes.map((note) => `  note      ${shown(note)}\n`).join('')}`
}

function summary(report: AdoptionReport, isDryRun: boolean): string {
  const { accounts, adopted, refused, records, blobs, blobBytes, missingBlobs } = report
  const { sessions, appPasswords, invites, reservedKeys, events, lastSeq, notes } = report
  return `${isDryRun ? 'would be taken over' : 'taken over'}
  accounts  ${adopted} of ${accounts}${refused > 0 ? `, ${refused} refused` : ''}
  holding   ${records} records, ${blobs} blobs (${megabytes(blobBytes)}), ${missingBlobs} missing
  sign-in   ${sessions} sessions, ${appPasswords} app passwords
  host      ${invites} invite codes, ${reservedKeys} reserved keys, ${events} events up to ${lastSeq}
${notes.map((note) => `  note      ${shown(note)}\n`).join('')}`
}
