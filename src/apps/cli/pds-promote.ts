/** `falaj pds promote`: the standby of a host becomes the host. */
import { ConfigError } from '#platform/runtime'
import { type StandbyStatus, standbyGetStatus, standbyPromote } from '#protocol/account'
import { xrpcClient } from '#protocol/xrpc'
import type { Command } from './commands.ts'
import { readFlags, readOrigin, requireFlags } from './flags.ts'
import { readSecretFile } from './operator.ts'
import { ownerNetwork } from './owner-network.ts'

const FLAGS = {
  host: 'value',
  'secret-file': 'value',
  look: 'switch',
  unfinished: 'switch',
  'first-is-off': 'switch',
  json: 'switch',
} as const

/** Waiting out the lease of a first host that may still live is part of it. */
const PATIENCE_MS = 5 * 60_000

export const pdsPromote: Command = {
  name: 'pds promote',
  help: 'a standby takes the place of its first host: --host URL [--secret-file FILE] [--look] [--first-is-off] [--unfinished]',
  run: runPromote,
}

async function runPromote(args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  if (words.length > 0) throw new ConfigError(words.map((word) => `unexpected argument ${word}`))
  const { host } = requireFlags(flags, ['host'])
  const secret =
    typeof flags['secret-file'] === 'string'
      ? readSecretFile('secret-file', flags['secret-file'])
      : process.env.FALAJ_PDS_STANDBY_SECRET
  if (!secret) {
    throw new ConfigError(['--secret-file is needed, or FALAJ_PDS_STANDBY_SECRET: the standby’s'])
  }
  const network = ownerNetwork()
  try {
    const client = xrpcClient({
      service: readOrigin('host', host),
      headers: { authorization: `Bearer ${secret}` },
      fetch: (url, init) => network.fetch(url, { ...init, timeoutMs: PATIENCE_MS }),
    })
    const isJson = flags.json === true
    if (flags.look === true) {
      const status = await client.get(standbyGetStatus, {})
      process.stdout.write(isJson ? `${JSON.stringify(status)}\n` : describe(status))
      return 0
    }
    const promoted = await client.post(standbyPromote, {
      unfinished: flags.unfinished === true,
      firstIsOff: flags['first-is-off'] === true,
    })
    const { seq, tookMs, accountsStopped } = promoted
    process.stdout.write(
      isJson
        ? `${JSON.stringify(promoted)}\n`
        : `it is the host now, after ${(tookMs / 1000).toFixed(1)} s; the last entry taken over is ${seq}\n`,
    )
    if (accountsStopped > 0) {
      process.stderr.write(`${accountsStopped} accounts stand still: run falaj pds check --all\n`)
    }
    return 0
  } finally {
    await network.close()
  }
}

function describe(status: StandbyStatus): string {
  const { state, of, seq, lagEntries, lagMs, accounts, accountsCopied, unsound, problem } = status
  const lines = [
    `${state}${of ? `, of ${of}` : ''}`,
    `  entries   up to ${seq}, ${lagEntries} behind, as of ${(lagMs / 1000).toFixed(1)} s ago`,
    `  accounts  ${accountsCopied} copied of ${accounts}${unsound ? `, ${unsound} NOT sound` : ''}`,
    ...(problem ? [`  in the way: ${problem}`] : []),
  ]
  return `${lines.join('\n')}\n`
}
