/** `falaj index`: what the index of an app view could not take in, and making it anew. */
import { ConfigError, realOutside } from '#platform/runtime'
import {
  getRebuild,
  type IndexRebuild,
  listRefused,
  type RefusedRecord,
  rebuildIndex,
} from '#protocol/account'
import { isDid } from '#protocol/syntax'
import { xrpcClient } from '#protocol/xrpc'
import { type Flags, readFlags, readOrigin, requireFlags } from './flags.ts'
import { asOperator, OPERATOR_FLAGS } from './operator.ts'
import { endProgress, shown, showProgress, tell } from './terminal.ts'

const FLAGS = {
  ...OPERATOR_FLAGS,
  url: 'value',
  cancel: 'switch',
  detach: 'switch',
  did: 'value',
  limit: 'value',
  cursor: 'value',
} as const

const USAGE = [
  'falaj index refused --url URL [--did DID] [--limit N] [--cursor C]',
  'falaj index rebuild --url URL [--password-file FILE] [--detach | --cancel]',
  'falaj index progress --url URL',
]
/** Between two looks at a rebuild that is watched. */
const LOOK_MS = 2_000

/** Runs one verb, which comes first. */
export async function runIndex(args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  const [verb = ''] = words
  if (words.length !== 1 || !['refused', 'rebuild', 'progress'].includes(verb))
    throw new ConfigError(USAGE)
  const service = readOrigin('url', requireFlags(flags, ['url']).url)
  if (verb === 'rebuild') return remake(flags, service)
  if (verb === 'progress') return tellProgress(flags, await progressAt(service))
  return tellRefused(flags, service)
}

async function progressAt(service: string): Promise<IndexRebuild> {
  const { fetch } = realOutside({ allowPrivate: true })
  return xrpcClient({ service, fetch: (url, init) => fetch(url, init) }).get(getRebuild, {})
}

/** Has the index made anew, and watches until another one serves. */
async function remake(flags: Flags, service: string): Promise<number> {
  const action = flags.cancel ? 'cancel' : 'start'
  let status = await asOperator({ ...flags, host: service }, (client) =>
    client.post(rebuildIndex, { action }),
  )
  if (flags.cancel || flags.detach || flags.json) return tellProgress(flags, status)
  while (status.running) {
    showProgress(lineOfProgress(status))
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    status = await progressAt(service)
  }
  endProgress()
  return tell(flags, status, 'The index made anew serves.\n')
}

function tellProgress(flags: Flags, status: IndexRebuild): number {
  const none = 'No index is being made anew.'
  return tell(flags, status, `${status.running ? lineOfProgress(status) : none}\n`)
}

function lineOfProgress({ listed, left, failing, behind }: IndexRebuild): string {
  if (left === undefined) return 'Preparing a second index'
  const listing = listed ? '' : ', and more are being listed'
  const waiting = failing ? `, ${failing} whose hosts fail` : ''
  return `Making the index anew: ${left} repositories left${listing}${waiting}, ${behind} events behind`
}

/** Lists records that an app view cannot index, the last seen first. */
async function tellRefused(flags: Flags, service: string): Promise<number> {
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
