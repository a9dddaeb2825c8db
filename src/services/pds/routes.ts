/** The few paths of a host outside /xrpc. */
import type { Handle } from '#protocol/syntax'
import type { HttpRequest, HttpResponse } from '#protocol/xrpc'
import type { OAuthEndpoints } from './oauth/index.ts'
import type { Pages } from './pages/index.ts'
import type { Pds } from './parts.ts'

const text = (status: number, body: string): HttpResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'access-control-allow-origin': '*' },
  body,
})

/** A handle has no authorization server; the host has, by whatever name it is reached. */
const isHandle = ({ host }: Pick<Pds, 'host'>, { headers }: HttpRequest): boolean => {
  const name = nameOf(headers.host)
  return (
    name !== nameOf(new URL(host.publicUrl).host) &&
    host.handleDomains.some((domain) => name.endsWith(domain))
  )
}

/** Browsers ask for pages; programs take what there is. */
const isBrowser = ({ headers }: HttpRequest) => headers.accept?.includes('text/html') === true

const nameOf = (host = '') => host.split(':')[0]!.toLowerCase()

/**
 * Pages for people, what apps ask of the authorization server, the handle proof of each hosted name,
 * the host's did:web document, and a word for visitors.
 */
export async function routes(
  { accounts, host, hostedDids }: Pick<Pds, 'accounts' | 'host' | 'hostedDids'>,
  { site, endpoints }: { site: Pages; endpoints: OAuthEndpoints },
  request: HttpRequest,
): Promise<HttpResponse> {
  if (site.isUnder(request.path)) return site.handle(request)
  if (endpoints.has(request.path) && !isHandle({ host }, request)) return endpoints.handle(request)
  switch (request.path) {
    case '/':
      if (isBrowser(request)) return site.handle(request)
      return text(200, 'This is an AT Protocol Personal Data Server: https://atproto.com\n')
    case '/robots.txt':
      return text(200, 'User-agent: *\nAllow: /\n')
    case '/.well-known/atproto-did': {
      const name = nameOf(request.headers.host)
      const account = await accounts.byHandle(name as Handle)
      return account?.status === 'active' ? text(200, account.did) : text(404, 'Account not found')
    }
    case '/.well-known/did.json': {
      const document = await hostedDids.documentAt(nameOf(request.headers.host))
      if (document) return json(document)
      return host.did.startsWith('did:web:') ? didWeb(host) : text(404, 'Not found')
    }
    default:
      return (await site.has(request.path)) ? site.handle(request) : text(404, 'Not found')
  }
}

function didWeb(host: Pds['host']): HttpResponse {
  return json({
    '@context': ['https://www.w3.org/ns/did/v1'],
    id: host.did,
    service: [
      {
        id: '#atproto_pds',
        type: 'AtprotoPersonalDataServer',
        serviceEndpoint: host.publicUrl,
      },
    ],
  })
}

function json(value: object): HttpResponse {
  const headers = { 'content-type': 'application/json', 'access-control-allow-origin': '*' }
  return { status: 200, headers, body: JSON.stringify(value) }
}
