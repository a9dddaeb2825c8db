/** `falaj pds lease`: which of two hosts may write, and what an operator can do about it. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, realOutside } from '#platform/runtime'
import type { LeaseMemory, WitnessAnswer, WitnessClient } from '#services/pds'
import type { Command } from './commands.ts'
import { type Flags, readFlags, readOrigin, requireFlags } from './flags.ts'
import { readSecretFile } from './operator.ts'
import { ownerNetwork } from './owner-network.ts'
import { ask, tell } from './terminal.ts'

const FLAGS = {
  witness: 'value',
  hostname: 'value',
  'secret-file': 'value',
  epoch: 'value',
  data: 'value',
  yes: 'switch',
  json: 'switch',
} as const

const USAGE = [
  'falaj pds lease look --witness URL --hostname HOST [--secret-file FILE] [--json]',
  'falaj pds lease release --epoch N --witness URL --hostname HOST [--secret-file FILE] [--yes]',
  'falaj pds lease accept --epoch N --data DIR [--yes]',
]

/** The command; `memoryOf` opens the note of a host's data folder. */
export function pdsLease(memoryOf: (dataDir: string) => Promise<LeaseMemory>): Command {
  return {
    name: 'pds lease',
    help: 'which of two hosts may write: look, release --epoch N --witness URL; accept --data DIR',
    run: (args) => runLease(memoryOf, args),
  }
}

async function runLease(
  memoryOf: (dataDir: string) => Promise<LeaseMemory>,
  args: readonly string[],
): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  const [verb, ...more] = words
  if (more.length > 0) throw new ConfigError(USAGE)
  if (verb === 'look') {
    const answer = await withWitness(flags, (witness) => witness.look())
    return tell(flags, answer, describe(answer))
  }
  if (verb === 'release') return await release(flags)
  if (verb === 'accept') return await accept(memoryOf, flags)
  throw new ConfigError(USAGE)
}

/** Has a lease end with its term. The host that holds it stops writing. */
async function release(flags: Flags): Promise<number> {
  const epoch = epochOf(flags)
  await confirm(
    flags,
    `The host that holds epoch ${epoch} of ${flags.hostname} will write nothing any more, until it is started again`,
  )
  const answer = await withWitness(flags, (witness) => witness.release({ epoch }))
  if (answer.state === 'superseded') {
    process.stderr.write(`falaj: epoch ${answer.epoch} is the newest; nothing was done\n`)
    return 1
  }
  return tell(flags, answer, describe(answer))
}

/** Has the data of a host that does not run count as if they had everything up to an epoch. */
async function accept(
  memoryOf: (dataDir: string) => Promise<LeaseMemory>,
  flags: Flags,
): Promise<number> {
  const epoch = epochOf(flags)
  const { data } = requireFlags(flags, ['data'])
  const folder = join(data, 'pds')
  if (!existsSync(join(folder, 'directory.sqlite'))) {
    throw new ConfigError([`there is no host in ${data}`])
  }
  const memory = await memoryOf(folder)
  const note = await memory.read()
  if (note.epoch >= epoch) {
    return tell(flags, note, `The data have all of epoch ${note.epoch} already.\n`)
  }
  await confirm(
    flags,
    `What any host wrote after epoch ${note.epoch}, up to epoch ${epoch}, and is not in ${data}, will be lost: accounts go back, and people may see it`,
  )
  await memory.write({ epoch, claim: undefined })
  return tell(flags, { epoch }, `The data count as having all of epoch ${epoch}.\n`)
}

async function confirm(flags: Flags, warning: string): Promise<void> {
  if (flags.yes) return
  if ((await ask(`${warning}. Type yes`)) !== 'yes') throw new ConfigError(['nothing was done'])
}

function epochOf(flags: Flags): number {
  const { epoch } = requireFlags(flags, ['epoch'])
  if (!/^[1-9]\d{0,14}$/.test(epoch)) {
    throw new ConfigError([`--epoch must be a number from 1, not ${epoch}`])
  }
  return Number(epoch)
}

async function withWitness(
  flags: Flags,
  work: (witness: WitnessClient) => Promise<WitnessAnswer>,
): Promise<WitnessAnswer> {
  const { witness, hostname } = requireFlags(flags, ['witness', 'hostname'])
  const file = flags['secret-file']
  const secret =
    typeof file === 'string'
      ? readSecretFile('secret-file', file)
      : process.env.FALAJ_PDS_LEASE_SECRET
  if (!secret) throw new ConfigError(['--secret-file is needed, or FALAJ_PDS_LEASE_SECRET'])
  const { WitnessClient } = await import('#services/pds')
  const network = ownerNetwork()
  try {
    return await work(
      new WitnessClient({
        ...{ hostname, secret, random: randomBytes },
        witness: readOrigin('witness', witness),
        timers: realOutside().timers,
        fetch: network.fetch,
      }),
    )
  } finally {
    await network.close()
  }
}

const WORDS: Readonly<Record<WitnessAnswer['state'], string>> = {
  given: 'held',
  held: 'held by a host that renews it',
  lapsed: 'not renewed: its host is away, and nobody has taken it',
  released: 'given back by its host',
  ending: 'ended by an operator',
  superseded: 'of another host',
  unknown: 'unknown to this witness',
}

function describe({ state, epoch, termMs, waitMs, takenAt }: WitnessAnswer): string {
  const lines = [
    WORDS[state],
    ...(epoch > 0 ? [`  epoch   ${epoch}${takenAt ? `, taken at ${takenAt}` : ''}`] : []),
    ...(termMs > 0 ? [`  term    ${termMs / 1000} s`] : []),
    ...(state === 'unknown'
      ? []
      : [
          `  free    ${waitMs > 0 ? `in ${(waitMs / 1000).toFixed(1)} s, if it is not renewed` : 'now'}`,
        ]),
  ]
  return `${lines.join('\n')}\n`
}
