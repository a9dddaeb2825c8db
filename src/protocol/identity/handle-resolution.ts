/** From a handle to the DID it names. https://atproto.com/specs/handle#handle-resolution */
import { type Did, type Handle, isDid } from '#protocol/syntax'
import { boundedFetch, jsonBody, type Limits, type Net, unexpectedStatus } from './bounded-fetch.ts'
import { UpstreamError } from './upstream-error.ts'

export interface HandleResolution extends Net {
  /** TXT records of a name, each as one string; empty when there are none. Throws when unknown. */
  resolveTxt(name: string): Promise<string[]>
  /** Origins of the hosts that may know handles of a local network. */
  localHandleHosts?: () => readonly string[]
}

/**
 * Sent with our own question for a local handle: the host asked must answer from its own accounts
 * and ask nobody else, or two hosts would ask each other for ever.
 */
export const LOCAL_HANDLE_HEADER = 'x-local-handle-lookup'

const WELL_KNOWN_LIMITS: Limits = { maxBytes: 4_096, timeoutMs: 5_000 }
const LOCAL_LIMITS: Limits = { maxBytes: 16_384, timeoutMs: 5_000 }
/** Longest TXT answer looked through; a domain has no reason for more. */
const TXT_RECORDS_MAX = 100

/** Top-level names for testing (RFC 2606): they belong to no domain, so DNS is not asked. */
const LOCAL_TLDS = new Set(['test', 'example', 'localhost'])
/** Top-level names no handle may be under, by the specification. */
const DISALLOWED_TLDS = new Set(['alt', 'arpa', 'internal', 'invalid', 'local', 'onion'])

export type HandleKind = 'public' | 'local' | 'disallowed'

/** How a handle is looked up, by its top-level name: in public, on a local network, or never. */
export function handleKind(handle: Handle): HandleKind {
  const tld = handle.slice(handle.lastIndexOf('.') + 1).toLowerCase()
  if (LOCAL_TLDS.has(tld)) return 'local'
  return DISALLOWED_TLDS.has(tld) ? 'disallowed' : 'public'
}

/**
 * The DID a public handle names: its DNS record first, else its web server. Undefined when both
 * were asked and there is none (or DNS names several, which the specification calls a failure).
 * Throws UpstreamError when the question stays open.
 */
export async function resolvePublicHandle(
  handle: Handle,
  net: HandleResolution,
): Promise<Did | undefined> {
  const records = await attempt(() => net.resolveTxt(`_atproto.${handle}`))
  const named = didsInTxt(records.value ?? [])
  if (named.length > 1) return undefined
  if (named.length === 1) return named[0]
  const wellKnown = await attempt(() => wellKnownDid(handle, net))
  if (wellKnown.value !== undefined) return wellKnown.value
  const failure = records.failure ?? wellKnown.failure
  if (failure !== undefined) throw unresolved(handle, failure)
  return undefined
}

/** One of two ways to an answer: its failure counts only when the other has no answer either. */
async function attempt<T>(ask: () => Promise<T>): Promise<{ value?: T; failure?: unknown }> {
  try {
    return { value: await ask() }
  } catch (failure) {
    return { failure: failure ?? new Error('no answer') }
  }
}

function didsInTxt(records: readonly string[]): Did[] {
  const named = new Set<Did>()
  for (const record of records.slice(0, TXT_RECORDS_MAX)) {
    if (!record.startsWith('did=')) continue
    const did = record.slice('did='.length).trim()
    if (isDid(did)) named.add(did)
  }
  return [...named]
}

async function wellKnownDid(handle: Handle, net: Net): Promise<Did | undefined> {
  const url = `https://${handle}/.well-known/atproto-did`
  const answer = await boundedFetch(net, url, WELL_KNOWN_LIMITS, { redirect: 'follow' })
  if (answer.status >= 500 || answer.status === 429) throw unexpectedStatus(url, answer)
  if (answer.status < 200 || answer.status > 299) return undefined
  const did = new TextDecoder().decode(answer.body).trim()
  return isDid(did) ? did : undefined
}

/**
 * The DIDs that the hosts of a local network name for a handle, in the hosts' order, without
 * repetition. The caller checks them against their documents. Throws UpstreamError when none names
 * one and some could not be asked.
 */
export async function localHandleClaims(handle: Handle, net: HandleResolution): Promise<Did[]> {
  const hosts = net.localHandleHosts?.() ?? []
  const answers = await Promise.allSettled(hosts.map((host) => askHost(host, handle, net)))
  const claims = answers.flatMap((a) => (a.status === 'fulfilled' && a.value ? [a.value] : []))
  const failures = answers.flatMap((a) => (a.status === 'rejected' ? [a.reason] : []))
  if (claims.length === 0 && failures.length > 0) throw unresolved(handle, failures[0])
  return [...new Set(claims)]
}

async function askHost(host: string, handle: Handle, net: Net): Promise<Did | undefined> {
  const url = new URL('/xrpc/com.atproto.identity.resolveHandle', host)
  url.searchParams.set('handle', handle)
  const headers = { accept: 'application/json', [LOCAL_HANDLE_HEADER]: '1' }
  const answer = await boundedFetch(net, url.href, LOCAL_LIMITS, { headers })
  if (answer.status >= 500 || answer.status === 429) throw unexpectedStatus(url.href, answer)
  if (answer.status !== 200) return undefined
  const { did } = (jsonBody(url.href, answer) ?? {}) as { did?: unknown }
  return isDid(did) ? did : undefined
}

function unresolved(handle: Handle, failure: unknown): UpstreamError {
  const known = failure instanceof UpstreamError ? failure : undefined
  const reason = failure instanceof Error ? failure.message : 'no answer'
  const message = `cannot look up ${handle} now: ${reason}`
  return new UpstreamError(known?.code ?? 'UpstreamFailure', known?.host ?? handle, message, {
    cause: failure,
  })
}
