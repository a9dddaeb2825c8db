/** The same calls to two hosts, and what differs in what they answer. */

/** One host with the same people on it. */
export interface Host {
  url: string
  hostname: string
  people: Record<string, Person>
  /** What earlier calls answered, for later ones. */
  kept: Record<string, string>
}

interface Person {
  did: string
  handle: string
  accessJwt: string
  refreshJwt: string
}

export interface Call {
  title: string
  nsid: string
  /** A query unless there is a body. */
  params?: (host: Host) => Record<string, string | string[]>
  body?: (host: Host) => unknown
  headers?: (host: Host) => Record<string, string>
  /** Remembers something of the answer. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  keep?: (answer: any, host: Host) => Record<string, string>
}

/** What of an answer clients rely on: not its words, nor its values. */
export interface Answer {
  status: number
  error?: string
  type: string
  /** Of the body: all properties, and what kind of value each has. */
  properties: string[]
  headers: string[]
}

const ANSWER_MS_MAX = 20_000

/** Headers that say something to a client of the protocol. */
const TOLD = [
  'atproto-repo-rev',
  'atproto-content-labelers',
  'cache-control',
  'content-disposition',
  'content-security-policy',
  'ratelimit-limit',
  'ratelimit-policy',
  'ratelimit-remaining',
  'ratelimit-reset',
  'retry-after',
  'www-authenticate',
  'x-content-type-options',
  'access-control-allow-origin',
]

export async function ask(host: Host, call: Call): Promise<Answer> {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(call.params?.(host) ?? {})) {
    for (const one of [value].flat()) params.append(name, one)
  }
  const headers: Record<string, string> = { ...call.headers?.(host) }
  const body = call.body?.(host)
  if (body !== undefined && !(body instanceof Uint8Array) && typeof body !== 'string') {
    headers['content-type'] ??= 'application/json'
  }
  const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const answer = await fetch(`${host.url}/xrpc/${call.nsid}?${params}`, {
    method: call.body ? 'POST' : 'GET',
    headers,
    body: call.body ? ((raw as BodyInit | undefined) ?? null) : null,
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  })
  const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
  const text = type === 'application/json' ? await answer.text() : ''
  if (type !== 'application/json') await answer.arrayBuffer()
  const json = text && JSON.parse(text)
  if (answer.ok) Object.assign(host.kept, call.keep?.(json, host))
  // What anybody may ask for, caches may keep: the reference calls some of it private.
  const isAnonymous = headers.authorization === undefined
  const told = TOLD.filter((name) => answer.headers.has(name))
  return {
    status: answer.status,
    ...(answer.ok ? {} : { error: json?.error }),
    type,
    properties: answer.ok && json ? propertiesOf(json) : [],
    headers: isAnonymous ? told.filter((name) => name !== 'cache-control') : told,
  }
}

/** Every property of a body with the kind of its value, as `repos[].did:string`. */
function propertiesOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => propertiesOf(one, `${at}[]`))
  if (value === null || typeof value !== 'object') return [`${at}:${typeof value}`]
  return Object.entries(value).flatMap(([name, field]) => propertiesOf(field, `${at}.${name}`))
}

/** Of properties that only one side has: the outermost names. */
function onlyIn(some: readonly string[], others: readonly string[]): string {
  const outer = (path: string) => path.replace(/^\./, '').replace(/(?<=^[^.[]+)[.:[].*/, '')
  const known = new Set(others)
  const names = new Set(others.map(outer))
  const found = some
    .filter((path) => !known.has(path))
    .map((path) => (names.has(outer(path)) ? path.replace(/^\./, '') : outer(path)))
  return [...new Set(found)].sort().join(', ')
}

/** What differs, in short lines; none when a client cannot tell them apart. */
export function differences(ours: Answer, theirs: Answer): string[] {
  const found: string[] = []
  if (ours.status !== theirs.status) found.push(`status ${ours.status}, theirs ${theirs.status}`)
  if (ours.error !== theirs.error) found.push(`error ${ours.error}, theirs ${theirs.error}`)
  if (ours.type !== theirs.type) found.push(`type ${ours.type}, theirs ${theirs.type}`)
  const more = onlyIn(ours.properties, theirs.properties)
  if (more !== '') found.push(`more in the body: ${more}`)
  const less = onlyIn(theirs.properties, ours.properties)
  if (less !== '') found.push(`less in the body: ${less}`)
  const missing = theirs.headers.filter((name) => !ours.headers.includes(name))
  if (missing.length > 0) found.push(`without ${missing.join(', ')}`)
  return found
}
