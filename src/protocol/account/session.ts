/** An owner's password session at one host, refreshed when it must be. */
import { ComAtprotoServerCreateSession, ComAtprotoServerRefreshSession } from '@atcute/atproto'
import type { Did, Handle } from '#protocol/syntax'
import { type Fetch, type XrpcClient, XrpcError, xrpcClient } from '#protocol/xrpc'

/** What is kept of a session between two runs. */
export interface SessionState {
  /** Origin of the host. */
  service: string
  did: Did
  handle: Handle
  accessJwt: string
  refreshJwt: string
}

export interface OwnerSession {
  readonly state: SessionState
  /** Calls as the owner; an expired token is renewed once and the call repeated. */
  readonly client: XrpcClient
}

/**
 * Signs in with handle or DID and password; `askFactor` is asked for a code where the host wants
 * one. Throws AuthenticationRequired, AuthFactorTokenRequired.
 */
export async function signIn(
  { service, fetch }: { service: string; fetch: Fetch },
  identifier: string,
  password: string,
  { askFactor }: { askFactor?: () => Promise<string> } = {},
): Promise<OwnerSession> {
  const client = xrpcClient({ service, fetch })
  const send = (authFactorToken?: string) =>
    client.post(ComAtprotoServerCreateSession.mainSchema, { identifier, password, authFactorToken })
  const made = await send().catch(async (error: unknown) => {
    const isAsked = error instanceof XrpcError && error.error === 'AuthFactorTokenRequired'
    if (!isAsked || !askFactor) throw error
    return send(await askFactor())
  })
  const { did, handle, accessJwt, refreshJwt } = made
  return resumeSession({ service, did, handle, accessJwt, refreshJwt }, { fetch })
}

/** Takes up a session that was kept. `changed` is told of new tokens, to keep them. */
export function resumeSession(
  kept: SessionState,
  { fetch, changed }: { fetch: Fetch; changed?: (state: SessionState) => void },
): OwnerSession {
  const state = { ...kept }
  let renewing: Promise<void> | undefined
  const plain = xrpcClient({ service: state.service, fetch })
  const renew = async () => {
    const headers = { authorization: `Bearer ${state.refreshJwt}` }
    const schema = ComAtprotoServerRefreshSession.mainSchema
    const { accessJwt, refreshJwt } = await plain.post(schema, undefined, {}, { headers })
    Object.assign(state, { accessJwt, refreshJwt })
    changed?.(state)
  }
  const authorized: Fetch = async (url, init) => {
    const response = await fetch(url, withToken(init, state.accessJwt))
    if (!(await isExpired(response)) || !isRepeatable(init)) return response
    renewing ??= renew().finally(() => {
      renewing = undefined
    })
    await renewing
    return fetch(url, withToken(init, state.accessJwt))
  }
  return { state, client: xrpcClient({ service: state.service, fetch: authorized }) }
}

function withToken(init: RequestInit | undefined, token: string): RequestInit {
  const headers = new Headers(init?.headers)
  if (!headers.has('authorization')) headers.set('authorization', `Bearer ${token}`)
  return { ...init, headers }
}

/** A streamed body is gone once it was sent. */
function isRepeatable(init: RequestInit | undefined): boolean {
  const body = init?.body
  return (
    body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array
  )
}

async function isExpired(response: Response): Promise<boolean> {
  if (response.status !== 400 && response.status !== 401) return false
  try {
    const { error } = (await response.clone().json()) as { error?: unknown }
    return error === 'ExpiredToken'
  } catch {
    return false
  }
}

/**
 * Whether a host does not know the method. Hosts pass on what they do not know, to a service that does not
 * know it either, or is away: a host that says so of another service does not answer the method itself. A
 * proxy before it that fails says nothing of the kind.
 */
export function isUnknownMethod(error: unknown): boolean {
  if (!(error instanceof XrpcError)) return false
  if (error.status === 501 || error.error === 'MethodNotImplemented') return true
  return error.error === 'UpstreamFailure' && error.message === PASSED_ON_IN_VAIN
}

/** What the reference says then. */
const PASSED_ON_IN_VAIN = 'Upstream service unreachable'
