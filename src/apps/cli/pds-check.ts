/** `falaj pds check`: is every account of a host whole, and can it be made whole again. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '#platform/runtime'
import type { AccountReport, PdsService } from '#services/pds'
import type { Command } from './commands.ts'
import { readFlags } from './flags.ts'
import { endProgress, showProgress } from './terminal.ts'

const FLAGS = {
  did: 'value',
  all: 'switch',
  repair: 'switch',
  announce: 'switch',
  json: 'switch',
  data: 'value',
  config: 'value',
  'env-file': 'value',
  'public-url': 'value',
  'blobs-folder': 'value',
  'log-level': 'value',
} as const

/** Flags that are the service's own. */
const OF_THE_SERVICE = [
  ...['data', 'config', 'env-file', 'public-url', 'blobs-folder', 'log-level'],
] as const

/** A host's data, opened by this process alone. */
export interface OpenedHost {
  checks: PdsService['checks']
  folder: string
  close(): Promise<void>
}

/** Accounts between two notes of how far a check of all has come. */
const PAGE = 50

interface Progress {
  after: string | undefined
  checked: number
  unsound: number
  repaired: number
}

/** The command; `open` opens the data of a host that does not run, by the flags of its service. */
export function pdsCheck(open: (args: readonly string[]) => Promise<OpenedHost>): Command {
  return {
    name: 'pds check',
    help: 'is every account of a host whole: --did DID | --all [--repair] [--announce] --data DIR',
    run: (args) => runCheck(open, args),
  }
}

async function runCheck(
  open: (args: readonly string[]) => Promise<OpenedHost>,
  args: readonly string[],
): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  if (words.length > 0) throw new ConfigError(words.map((word) => `unexpected argument ${word}`))
  if ((flags.did === undefined) === (flags.all === undefined)) {
    throw new ConfigError(['falaj pds check takes either --did DID or --all'])
  }
  const own = OF_THE_SERVICE.flatMap((name) =>
    typeof flags[name] === 'string' ? [`--${name}`, flags[name]] : [],
  )
  const host = await open(own)
  const options = { repair: flags.repair === true, announce: flags.announce === true }
  const isJson = flags.json === true
  try {
    if (typeof flags.did === 'string') {
      const report = await host.checks.check(flags.did, options)
      tell(report, isJson)
      return report.ok ? 0 : 1
    }
    return await checkAll(host, options, isJson)
  } finally {
    await host.close()
  }
}

/** Every account in order; interrupted, it goes on where it was when it is run again. */
async function checkAll(
  { checks, folder }: OpenedHost,
  options: { repair: boolean; announce: boolean },
  isJson: boolean,
): Promise<number> {
  const file = join(folder, 'check.json')
  const progress = readProgress(file)
  if (progress.checked > 0) {
    process.stderr.write(`going on after ${progress.checked} accounts that were checked before\n`)
  }
  const total = await checks.count()
  for (;;) {
    const dids = await checks.dids(progress.after, PAGE)
    for (const did of dids) {
      const report = await checks.check(did, options)
      progress.checked++
      progress.after = did
      if (!report.ok) progress.unsound++
      if (report.repairs.length > 0) progress.repaired++
      if (!report.ok || report.repairs.length > 0) tell(report, isJson)
      if (process.stderr.isTTY) showProgress('checking', { done: progress.checked, total })
    }
    keep(file, progress)
    if (dids.length < PAGE) break
  }
  if (process.stderr.isTTY) endProgress()
  rmSync(file, { force: true })
  const { checked, unsound, repaired } = progress
  const summary = { checked, unsound, repaired }
  process.stdout.write(
    isJson
      ? `${JSON.stringify({ summary })}\n`
      : `${checked} accounts checked, ${repaired} repaired, ${unsound} not sound\n`,
  )
  return unsound === 0 ? 0 : 1
}

function readProgress(file: string): Progress {
  if (!existsSync(file)) return { after: undefined, checked: 0, unsound: 0, repaired: 0 }
  return JSON.parse(readFileSync(file, 'utf8')) as Progress
}

function keep(file: string, progress: Progress): void {
  writeFileSync(`${file}.new`, JSON.stringify(progress))
  renameSync(`${file}.new`, file)
}

function tell(report: AccountReport, isJson: boolean): void {
  process.stdout.write(isJson ? `${JSON.stringify(report)}\n` : describe(report))
}

function describe(report: AccountReport): string {
  const { did, handle, status, ok, records, blobs, missingBlobs, problems, repairs, lost } = report
  const missing = missingBlobs > 0 ? `, ${missingBlobs} never brought here` : ''
  return `${handle} (${did}, ${status}): ${ok ? 'sound' : 'NOT sound'}
  holds     ${records} records, ${blobs} blobs${missing}
${problems.map(({ kind, detail }) => `  found     ${kind}: ${detail}\n`).join('')}${repairs
  .map((repair) => `  repaired  ${repair}\n`)
  .join('')}${lost.map((name) => `  lost      ${name}\n`).join('')}`
}
