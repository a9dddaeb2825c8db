/** The people's client as a service: static files, the same page for every address, /config.json. */
import type { HttpRequest, HttpResponse, Service } from '#platform/runtime'
import { looksLikeFile, readSite, type SiteFile } from './site-files.ts'

export interface WebOptions {
  /** Folder of the built client. */
  folder: string
  /** What /config.json answers, asked at each request. */
  config: () => unknown
  /** Local mode: services are reached over plain http. */
  dev: boolean
  version: string
}

const YEAR = 'public, max-age=31536000, immutable'
const FRESH = 'no-cache'

/** Reads the client once and serves it from memory. Throws when the folder is missing. */
export function createWeb(options: WebOptions): Service {
  const files = readSite(options.folder)
  const page = files.get('/index.html')
  if (!page) throw new Error(`${options.folder} has no index.html`)
  // A client of somebody else's making may have no console.
  const operators = files.get('/console.html')
  const common = securityHeaders(options.dev)
  const json = (value: unknown): HttpResponse => ({
    status: 200,
    headers: { ...common, 'content-type': 'application/json', 'cache-control': FRESH },
    body: JSON.stringify(value),
  })
  return {
    name: 'web',
    loops: [],
    close: async () => {},
    async handle(request) {
      const { method, path } = request
      if (method !== 'GET' && method !== 'HEAD')
        return { status: 405, headers: { ...common, allow: 'GET, HEAD' } }
      if (path === '/config.json') return json(options.config())
      if (path === '/xrpc/_health') return json({ version: options.version })
      if (operators && (path === '/console' || path === '/console/'))
        return await fileResponse(operators, request, common)
      const file = files.get(path === '/' ? '/index.html' : path)
      if (file) return await fileResponse(file, request, common)
      // A page's address may end in a handle (alice.test); only what is named like a file is missing.
      if (looksLikeFile(path))
        return {
          status: 404,
          headers: { ...common, 'content-type': 'text/plain' },
          body: 'Not found',
        }
      return await fileResponse(page, request, common)
    },
  }
}

async function fileResponse(
  file: SiteFile,
  request: HttpRequest,
  common: Record<string, string>,
): Promise<HttpResponse> {
  const headers: Record<string, string> = {
    ...common,
    'content-type': file.type,
    'cache-control': file.immutable ? YEAR : FRESH,
    etag: file.etag,
    vary: 'accept-encoding',
  }
  if (request.headers['if-none-match'] === file.etag) return { status: 304, headers }
  if (/\bbr\b/.test(request.headers['accept-encoding'] ?? '')) {
    const packed = await file.packed()
    if (packed)
      return { status: 200, headers: { ...headers, 'content-encoding': 'br' }, body: packed }
  }
  return { status: 200, headers, body: file.bytes }
}

/**
 * Nothing runs but our own files; nothing frames us. Hosts of other people are talked to and their
 * images shown, so connections and images are open to https (and in local mode http).
 */
function securityHeaders(dev: boolean): Record<string, string> {
  const anywhere = dev ? 'http: https:' : 'https:'
  const streams = dev ? 'ws: wss:' : 'wss:'
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    `img-src 'self' data: blob: ${anywhere}`,
    `media-src 'self' blob: ${anywhere}`,
    `connect-src 'self' ${anywhere} ${streams}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  }
}
