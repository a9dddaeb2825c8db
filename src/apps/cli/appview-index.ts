/** `falaj index`: what the index of an app view could not take in. */
import { ConfigError, realOutside } from '#platform/runtime'
import { listRefused, type RefusedRecord } from '#protocol/account'
import { isDid } from '#protocol/syntax'
import { xrpcClient } from '#protocol/xrpc'
import { readFlags, readOrigin, requireFlags } from './flags.ts'
import { shown, tell } from './terminal.ts'

const FLAGS = {
  url: 'value',
  did: 'value',
  limit: 'value',
  cursor: 'value',
  json: 'switch',
} as const

const USAGE = ['falaj index refused --url URL [--did DID] [--limit N] [--cursor C]']

/** Lists records that an app view cannot index, the last seen first. */
export async function runIndex(args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  if (words.length !== 1 || words[0] !== 'refused') throw new ConfigError(USAGE)
  const service = readOrigin('url', requireFlags(flags, ['url']).url)
  const limit = Number(flags.limit ?? 50)
  if (!Number.isInteger(limit) || limit < 1 || limit > 100)
    throw new ConfigError(['--limit must be a number from 1 to 100'])
  const { did, cursor } = flags
  if (did !== undefined && !isDid(did)) throw new ConfigError(['--did must be a DID'])
  const { fetch } = realOutside({ allowPrivate: true })
  const client = xrpcClient({ service, fetch: (url, init) => fetch(url, init) })
  const found = await client.get(listRefused, {
    limit,
    ...(did && { did }),
    ...(typeof cursor === 'string' && { cursor }),
  })
  const rest = found.cursor ? `More: --cursor ${shown(found.cursor)}\n` : ''
  return tell(
    flags,
    found,
    `${found.records.map(lineOf).join('') || 'Nothing is refused.\n'}${rest}`,
  )
}

function lineOf({ uri, reason, detail, seenAt }: RefusedRecord): string {
  return `${shown(seenAt)}  ${shown(reason).padEnd(11)}  ${shown(uri)}\n    ${shown(detail)}\n`
}
