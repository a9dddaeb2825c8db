/** What apps ask over HTTP: the metadata documents and the endpoints that they name. */
import {
  type HttpRequest,
  type HttpResponse,
  mediaType,
  preflight,
  Rated,
  type RateLimits,
  type RateRule,
  toXrpcError,
  type XrpcError,
} from '#protocol/xrpc'
import { appAnswer, appHeaders, errorAnswer, OAuthError } from './oauth-error.ts'
import type { AuthorizationServer, Fields } from './server.ts'

const FORM_BYTES_MAX = 32_768
const FIELDS_MAX = 50

/** Calls of apps, by address: each may make this host fetch, sign or keep something. */
const appRates: readonly RateRule[] = [{ name: 'oauth-calls', windowMs: 5 * 60_000, points: 300 }]

/** The document of RFC 8414, by the rules of the profile. */
export const serverMetadata = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/oauth/authorize`,
  token_endpoint: `${issuer}/oauth/token`,
  revocation_endpoint: `${issuer}/oauth/revoke`,
  pushed_authorization_request_endpoint: `${issuer}/oauth/par`,
  require_pushed_authorization_requests: true,
  client_id_metadata_document_supported: true,
  authorization_response_iss_parameter_supported: true,
  request_parameter_supported: false,
  request_uri_parameter_supported: true,
  require_request_uri_registration: true,
  scopes_supported: ['atproto', 'transition:generic', 'transition:email', 'transition:chat.bsky'],
  subject_types_supported: ['public'],
  response_types_supported: ['code'],
  response_modes_supported: ['query', 'fragment'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['ES256', 'ES256K'],
  revocation_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  dpop_signing_alg_values_supported: ['ES256', 'ES256K'],
  prompt_values_supported: ['none', 'login', 'consent', 'select_account', 'create'],
  ui_locales_supported: ['ar', 'en'],
  protected_resources: [issuer],
})

/** The document of RFC 9728. */
export const resourceMetadata = (issuer: string) => ({
  resource: issuer,
  authorization_servers: [issuer],
  scopes_supported: [],
  bearer_methods_supported: ['header'],
  resource_documentation: 'https://atproto.com',
})

type Endpoint = (request: HttpRequest, fields: Fields) => Promise<[status: number, body: object]>

/** The endpoints, by path. */
export class OAuthEndpoints {
  readonly #server: AuthorizationServer
  readonly #rates: RateLimits | undefined
  readonly #onFailure: (failure: { nsid: string; requestId: string; error: XrpcError }) => void
  readonly #documents: ReadonlyMap<string, string>
  readonly #endpoints: ReadonlyMap<string, Endpoint>

  constructor(options: {
    server: AuthorizationServer
    rates: RateLimits | undefined
    /** Told of every failure of ours. */
    onFailure(failure: { nsid: string; requestId: string; error: XrpcError }): void
  }) {
    const { server } = options
    const { issuer } = server
    this.#server = server
    this.#rates = options.rates
    this.#onFailure = options.onFailure
    this.#documents = new Map([
      ['/.well-known/oauth-authorization-server', JSON.stringify(serverMetadata(issuer))],
      ['/.well-known/oauth-protected-resource', JSON.stringify(resourceMetadata(issuer))],
    ])
    const counted = (
      what: string,
      status: number,
      run: (request: HttpRequest, fields: Fields) => Promise<object>,
    ): Endpoint => {
      return async (request, fields) => [
        status,
        await server.counted(what, () => run(request, fields)),
      ]
    }
    this.#endpoints = new Map([
      ['/oauth/par', counted('par', 201, (request, fields) => server.push(request, fields))],
      ['/oauth/token', counted('token', 200, (request, fields) => server.token(request, fields))],
      [
        '/oauth/revoke',
        counted('revoke', 200, async (_request, fields) => {
          await server.revoke(fields)
          return {}
        }),
      ],
    ])
  }

  /** Whether a path is one of these. */
  has(path: string): boolean {
    return this.#endpoints.has(path) || this.#documents.has(path)
  }

  /** Never throws. */
  async handle(request: HttpRequest): Promise<HttpResponse> {
    const document = this.#documents.get(request.path)
    if (request.method === 'OPTIONS') return preflight(request)
    if (document !== undefined) return documentAnswer(request, document)
    const response = await this.#answer(request).catch((thrown) => this.#failed(request, thrown))
    return { ...response, headers: { ...response.headers, 'dpop-nonce': this.#server.nonce() } }
  }

  async #answer(request: HttpRequest): Promise<HttpResponse> {
    const endpoint = this.#endpoints.get(request.path)!
    if (request.method !== 'POST') return notAllowed('POST')
    const rated = this.#rates && new Rated(this.#rates, request, request.path)
    await rated?.enter()
    await rated?.take(appRates, { request })
    const [status, body] = await endpoint(request, await readFields(request))
    return appAnswer(status, body)
  }

  #failed(request: HttpRequest, thrown: unknown): HttpResponse {
    if (thrown instanceof OAuthError) return errorAnswer(thrown)
    const error = toXrpcError(thrown)
    if (error.status === 429) {
      const answer = errorAnswer(new OAuthError('slow_down', 'Too many calls'))
      return { ...answer, headers: { ...error.headers, ...answer.headers } }
    }
    if (error.status >= 500) this.#onFailure({ nsid: request.path, requestId: request.id, error })
    const name = error.status >= 500 ? 'server_error' : 'invalid_request'
    const message = error.status >= 500 ? 'This server failed' : error.message
    return errorAnswer(new OAuthError(name, message, error.status))
  }
}

function documentAnswer({ method }: HttpRequest, document: string): HttpResponse {
  if (method !== 'GET' && method !== 'HEAD') return notAllowed('GET')
  const headers = { ...appHeaders, 'cache-control': 'public, max-age=300' }
  return { status: 200, headers, ...(method === 'GET' && { body: document }) }
}

const notAllowed = (allow: string): HttpResponse => {
  const answer = errorAnswer(new OAuthError('invalid_request', `Only ${allow}`, 405))
  return { ...answer, headers: { ...answer.headers, allow } }
}

/** Reads a form whose fields stand there once each. Throws invalid_request. */
async function readFields(request: HttpRequest): Promise<Fields> {
  const type = mediaType(request.headers['content-type'])
  if (type !== 'application/x-www-form-urlencoded')
    throw new OAuthError('invalid_request', 'A form is needed: application/x-www-form-urlencoded')
  if (request.headers['content-encoding'] !== undefined)
    throw new OAuthError('invalid_request', 'The form must not be packed')
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(await readText(request.body))) {
    if (fields.has(name)) throw new OAuthError('invalid_request', 'A field stands there twice')
    if (fields.size >= FIELDS_MAX) throw new OAuthError('invalid_request', 'Too many fields')
    fields.set(name, value)
  }
  return fields
}

async function readText(body: HttpRequest['body']): Promise<string> {
  const decoder = new TextDecoder()
  let [text, size] = ['', 0]
  for await (const chunk of body instanceof Uint8Array ? [body] : (body ?? [])) {
    size += chunk.length
    if (size > FORM_BYTES_MAX) throw new OAuthError('invalid_request', 'The form is too long', 413)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
