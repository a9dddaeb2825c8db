/** `falaj directory`: how a replica of a directory of identities stands, and what it holds back. */
import { ConfigError, realOutside } from '#platform/runtime'
import { UpstreamError } from '#protocol/identity'
import { readFlags, readOrigin, requireFlags } from './flags.ts'
import { shown, tell } from './terminal.ts'

const FLAGS = { url: 'value', after: 'value', count: 'value', json: 'switch' } as const

const USAGE = [
  'falaj directory status --url URL',
  'falaj directory held --url URL [--after SEQ] [--count N]',
]

interface Status {
  of: string
  state: string
  seq: number
  held: number
  newest?: string
  problem?: string
}

interface Held {
  seq: number
  did: string
  cid: string
  reason: string
  createdAt: string
}

/** Shows the status, or the operations of the upstream that did not verify. */
export async function runDirectory(args: readonly string[]): Promise<number> {
  const { flags, words } = readFlags(args, FLAGS)
  const [verb, ...more] = words
  if (more.length > 0 || (verb !== 'status' && verb !== 'held')) throw new ConfigError(USAGE)
  const origin = readOrigin('url', requireFlags(flags, ['url']).url)
  if (verb === 'status') {
    const status = JSON.parse(await read(origin, '/_replica')) as Status
    return tell(flags, status, describe(status))
  }
  const query = new URLSearchParams({
    after: String(flags.after ?? 0),
    count: String(flags.count ?? 100),
  })
  const text = await read(origin, `/_held?${query}`)
  const held = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Held]))
  return tell(flags, { held }, held.map(lineOf).join('') || 'Nothing is held.\n')
}

async function read(origin: string, path: string): Promise<string> {
  const { host } = new URL(origin)
  const response = await realOutside({ allowPrivate: true }).fetch(origin + path)
  const text = await response.text()
  if (response.status === 200) return text
  const told =
    response.status === 404 ? `${host} is no replica` : `${host} answered ${response.status}`
  throw new UpstreamError('UpstreamFailure', host, told)
}

function describe({ of, state, seq, held, newest, problem }: Status): string {
  return `follows   ${shown(of)}
state     ${shown(state)}${problem === undefined ? '' : `: ${shown(problem)}`}
cursor    ${seq}${newest === undefined ? '' : `, of ${shown(newest)}`}
held      ${held}
`
}

function lineOf({ seq, did, cid, reason, createdAt }: Held): string {
  return `${seq}  ${shown(createdAt)}  ${shown(reason)}  ${shown(did)}  ${shown(cid)}\n`
}
