import { parseJwk } from './jwk.ts'

/** An app, as its own document describes it: what is used here of it, checked. */
export interface ClientMetadata {
  clientId: string
  applicationType: 'web' | 'native'
  /** What the app calls itself; nobody has verified it. */
  name: string | undefined
  redirectUris: readonly string[]
  /** Every scope it may ask for. */
  scopes: ReadonlySet<string>
  mayRefresh: boolean
  /** Whether it proves itself by a key of its own. */
  isConfidential: boolean
  jwks: unknown
  jwksUri: string | undefined
  policyUri: string | undefined
  tosUri: string | undefined
}

/** An app's document, or its name, breaks a rule. The message may be shown. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
}

const clientIdMax = 2_000
const redirectUrisMax = 50
const scopesMax = 500
const nameMax = 100

/** Whether the app is one under development: described by its name alone. */
export const isLoopbackClientId = (clientId: string): boolean =>
  /^http:\/\/localhost(?:[/?]|$)/.test(clientId)

/**
 * Checks the name of an app: the address of its document. Throws ClientError.
 * https://atproto.com/specs/oauth#clients
 */
export function requireClientId(clientId: string): void {
  if (clientId.length > clientIdMax) throw new ClientError('The client_id is too long')
  if (isLoopbackClientId(clientId)) return
  const url = urlOf(clientId)
  if (url?.protocol !== 'https:') throw new ClientError('The client_id is no https address')
  if (url.href !== clientId) throw new ClientError('The client_id is not in its normal form')
  if (url.username || url.password || clientId.includes('#'))
    throw new ClientError('The client_id has more than an address')
  if (url.port !== '') throw new ClientError('The client_id names a port')
  if (url.pathname === '/') throw new ClientError('The client_id has no path')
  if (!isPublicName(url.hostname)) throw new ClientError('The client_id is at no public name')
}

/** A name that the domain name system has: no address, and more than one label. */
const isPublicName = (hostname: string) =>
  hostname.includes('.') && !hostname.endsWith('.localhost') && !isIpAddress(hostname)

const isIpAddress = (hostname: string) => hostname.startsWith('[') || /^[\d.]+$/.test(hostname)

/**
 * What an app under development is, by what its name says.
 * https://atproto.com/specs/oauth#localhost-client-development
 */
export function loopbackClient(clientId: string): ClientMetadata {
  const url = urlOf(clientId)
  const isRoot = url?.origin === 'http://localhost' && url.pathname === '/' && url.hash === ''
  if (!isRoot || clientId.startsWith('http://localhost:') || url.username || url.password)
    throw new ClientError('A development client_id is http://localhost, with a query at most')
  const { searchParams } = url
  for (const name of searchParams.keys())
    if (name !== 'redirect_uri' && name !== 'scope')
      throw new ClientError(`Unknown parameter of the client_id: ${name.slice(0, 40)}`)
  const scopes = searchParams.getAll('scope')
  if (scopes.length > 1) throw new ClientError('The client_id has several scopes')
  const given = searchParams.getAll('redirect_uri')
  const redirectUris = given.length > 0 ? given : ['http://127.0.0.1/', 'http://[::1]/']
  if (redirectUris.length > redirectUrisMax || !redirectUris.every(isLoopbackRedirect))
    throw new ClientError('A development client is redirected to http://127.0.0.1 or http://[::1]')
  return {
    clientId,
    applicationType: 'native',
    name: undefined,
    redirectUris,
    scopes: scopesOf(scopes[0] ?? 'atproto'),
    mayRefresh: true,
    isConfidential: false,
    jwks: undefined,
    jwksUri: undefined,
    policyUri: undefined,
    tosUri: undefined,
  }
}

/**
 * Reads the document of an app. Throws ClientError.
 * https://atproto.com/specs/oauth#client-id-metadata-document
 */
export function parseClientMetadata(document: unknown, clientId: string): ClientMetadata {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new ClientError('The client metadata are no JSON object')
  const fields = document as Record<string, unknown>
  if (fields.client_id !== clientId)
    throw new ClientError('The client metadata are of another client_id')
  const applicationType = fields.application_type ?? 'web'
  if (applicationType !== 'web' && applicationType !== 'native')
    throw new ClientError('application_type is neither web nor native')
  const grantTypes = texts(fields, 'grant_types')
  if (!grantTypes.includes('authorization_code'))
    throw new ClientError('grant_types are without authorization_code')
  if (!texts(fields, 'response_types').includes('code'))
    throw new ClientError('response_types are without code')
  if (fields.dpop_bound_access_tokens !== true)
    throw new ClientError('dpop_bound_access_tokens is not true')
  if (typeof fields.scope !== 'string') throw new ClientError('scope is missing')
  const redirectUris = texts(fields, 'redirect_uris')
  if (redirectUris.length === 0 || redirectUris.length > redirectUrisMax)
    throw new ClientError(`There are 1 to ${redirectUrisMax} redirect_uris`)
  for (const uri of redirectUris) requireRedirectUri(uri, applicationType, clientId)
  return {
    clientId,
    applicationType,
    name: nameOf(fields.client_name),
    redirectUris,
    scopes: scopesOf(fields.scope),
    mayRefresh: grantTypes.includes('refresh_token'),
    ...authentication(fields),
    policyUri: httpsOf(fields.policy_uri),
    tosUri: httpsOf(fields.tos_uri),
  }
}

function authentication(
  fields: Record<string, unknown>,
): Pick<ClientMetadata, 'isConfidential' | 'jwks' | 'jwksUri'> {
  const { jwks, jwks_uri: jwksUri } = fields
  const method = fields.token_endpoint_auth_method ?? 'none'
  const alg = fields.token_endpoint_auth_signing_alg
  if (alg === 'none') throw new ClientError('token_endpoint_auth_signing_alg is none')
  if (method === 'none') return { isConfidential: false, jwks: undefined, jwksUri: undefined }
  if (method !== 'private_key_jwt')
    throw new ClientError('token_endpoint_auth_method is neither none nor private_key_jwt')
  if (alg !== undefined && alg !== 'ES256' && alg !== 'ES256K')
    throw new ClientError('token_endpoint_auth_signing_alg is neither ES256 nor ES256K')
  if ((jwks === undefined) === (jwksUri === undefined))
    throw new ClientError('A confidential client has either jwks or jwks_uri')
  if (jwksUri === undefined) {
    if (keysOf(jwks).length === 0) throw new ClientError('jwks has no key that is taken here')
    return { isConfidential: true, jwks, jwksUri: undefined }
  }
  const uri = httpsOf(jwksUri)
  if (uri === undefined || !isPublicName(new URL(uri).hostname))
    throw new ClientError('jwks_uri is no https address at a public name')
  return { isConfidential: true, jwks: undefined, jwksUri: uri }
}

const keysMax = 50

/** The keys of a set that are taken here; others are passed over. */
export function keysOf(jwks: unknown) {
  const { keys } = (jwks ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys)) return []
  return keys.slice(0, keysMax).flatMap((key) => parseJwk(key) ?? [])
}

/** The declared address that a request's one is; undefined when there is none. */
export function matchRedirectUri(client: ClientMetadata, uri: string): string | undefined {
  if (client.redirectUris.includes(uri)) return uri
  if (!isLoopbackRedirect(uri)) return undefined
  const wanted = new URL(uri)
  // The port of an app on the person's own machine is whichever was free: RFC 8252, section 7.3.
  const fits = client.redirectUris.some((declared) => {
    if (!isLoopbackRedirect(declared)) return false
    const url = new URL(declared)
    return (['hostname', 'pathname', 'search'] as const).every((part) => url[part] === wanted[part])
  })
  return fits ? uri : undefined
}

function requireRedirectUri(uri: string, type: 'web' | 'native', clientId: string): void {
  const url = urlOf(uri)
  if (!url || uri.includes('#') || url.username || url.password || uri.length > clientIdMax)
    throw new ClientError('A redirect_uri is no plain address')
  if (url.protocol === 'https:') {
    if (!isPublicName(url.hostname)) throw new ClientError('A redirect_uri is at no public name')
    if (type === 'native' && url.origin !== new URL(clientId).origin)
      throw new ClientError('The redirect_uri of a native app is at another place than the app')
    return
  }
  if (type === 'web') throw new ClientError('A redirect_uri of a web app is no https address')
  if (isLoopbackRedirect(uri)) return
  const scheme = new URL(clientId).hostname.split('.').reverse().join('.')
  if (url.protocol !== `${scheme}:` || !/^[^:]+:\/(?!\/)/.test(uri))
    throw new ClientError("A redirect_uri has another scheme than the app's own")
}

function isLoopbackRedirect(uri: string): boolean {
  const url = urlOf(uri)
  return (
    url?.protocol === 'http:' &&
    (url.hostname === '127.0.0.1' || url.hostname === '[::1]') &&
    !uri.includes('#') &&
    url.username === '' &&
    url.password === ''
  )
}

function scopesOf(scope: string): ReadonlySet<string> {
  const scopes = new Set(scope.split(' ').filter((one) => one !== ''))
  if (!scopes.has('atproto')) throw new ClientError('scope is without atproto')
  if (scopes.size > scopesMax) throw new ClientError(`scope has more than ${scopesMax} values`)
  return scopes
}

function texts(fields: Record<string, unknown>, name: string): string[] {
  const value = fields[name]
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
    throw new ClientError(`${name} is no list of texts`)
  return value as string[]
}

const nameOf = (value: unknown) =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, nameMax) : undefined

function httpsOf(value: unknown): string | undefined {
  const url = typeof value === 'string' ? urlOf(value) : undefined
  return url?.protocol === 'https:' ? url.href : undefined
}

function urlOf(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
