/** Answers for pages: who comes, whether they may, what they see, and what goes wrong. */
import { base64url, constantTimeEqual, hmacSha256 } from '#protocol/crypto'
import {
  type HttpRequest,
  type HttpResponse,
  Rated,
  type RateLimits,
  type RouterOptions,
  toXrpcError,
  XrpcError,
} from '#protocol/xrpc'
import type { Device, Devices } from '../devices/index.ts'
import { PageAssets, type PageFiles } from './assets.ts'
import type { Cookies } from './cookies.ts'
import { FORM_BYTES_MAX, readForm } from './form.ts'
import { html } from './html.ts'
import { languageOf } from './language.ts'
import { layout } from './layout.ts'
import type { Page, Reply, View, Visit } from './page.ts'
import { notFound, problemWords } from './problems.ts'
import { common } from './words.ts'

export interface PagesOptions {
  /** The pages, asked for by the first visit: a host starts without them. */
  table: () => Promise<readonly Page[]>
  publicUrl: string
  files: PageFiles
  devices: Devices
  cookies: Cookies
  /** 32 bytes: binds forms to devices. */
  secret: Uint8Array
  rates: RateLimits | undefined
  /** Told of every failure of ours. */
  onFailure: NonNullable<RouterOptions['onFailure']>
}

const TOKEN_FIELD = 'page-token'

/** The pages of a host. */
export class Pages {
  #pages: Promise<ReadonlyMap<string, Page>> | undefined
  readonly #assets: PageAssets
  readonly #options: PagesOptions
  readonly #origin: string
  readonly #host: string

  constructor(options: PagesOptions) {
    this.#options = options
    this.#assets = new PageAssets(options.files)
    const { origin, host } = new URL(options.publicUrl)
    this.#origin = origin
    this.#host = host
  }

  /** Whether a path lies where nothing but pages and their files is. */
  isUnder(path: string): boolean {
    return path === '/account' || path.startsWith('/account/')
  }

  /** Whether there is a page at a path, wherever that lies. */
  async has(path: string): Promise<boolean> {
    return (await this.#page(path)) !== undefined
  }

  async #page(path: string): Promise<Page | undefined> {
    this.#pages ??= this.#options
      .table()
      .then((table) => new Map(table.map((page) => [page.path, page])))
    try {
      return (await this.#pages).get(path)
    } catch (error) {
      this.#pages = undefined
      throw error
    }
  }

  /** Never throws. */
  async handle(request: HttpRequest): Promise<HttpResponse> {
    const asset = this.#assets.answer(request)
    if (asset) return asset
    const { devices, cookies, rates } = this.#options
    const query = new URLSearchParams(request.query)
    const { language, cookie } = languageOf(request, query, cookies)
    const rated = rates && new Rated(rates, request, request.path)
    let device: Device | undefined
    const set: string[] = cookie === undefined ? [] : [cookie]
    // Also a page that says what went wrong needs somebody to say it to.
    const stranger: Pick<Visit, 'language' | 'path' | 'query'> = {
      language,
      path: request.path,
      query,
    }
    try {
      await rated?.enter()
      device = await devices.of(request)
      const visit = this.#visit(request, stranger, device, rated, set)
      const reply = await this.#reply(request, visit)
      if (visit.device.isNew && needsDevice(reply, visit.device !== device)) {
        set.push(devices.cookie(visit.device))
      }
      return this.#answer(reply, stranger, set)
    } catch (thrown) {
      const error = toXrpcError(thrown)
      if (error.status >= 500) {
        this.#options.onFailure({ nsid: request.path, requestId: request.id, error })
      }
      return this.#answer(problemView(error, stranger), stranger, set)
    }
  }

  #visit(
    request: HttpRequest,
    stranger: Pick<Visit, 'language' | 'path' | 'query'>,
    device: Device,
    rated: Rated | undefined,
    set: string[],
  ): Visit {
    const { cookies } = this.#options
    const tokenOf = (one: Device) => this.#token(one)
    return {
      ...stranger,
      request,
      device,
      get token() {
        return html`<input type="hidden" name="${TOKEN_FIELD}" value="${tokenOf(this.device)}">`
      },
      keep: (name, value, seconds) => void set.push(cookies.set(name, value, seconds)),
      kept: (name) => cookies.read(request, name),
      words: (words) => words[stranger.language],
      async limit(rules, call) {
        await rated?.take(rules, { ...call, request } as never)
      },
    }
  }

  async #reply(request: HttpRequest, visit: Visit): Promise<Reply> {
    const page = await this.#page(request.path)
    if (!page) throw notFound()
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        if (page.get) return page.get(visit)
        break
      case 'POST':
        if (page.post) {
          this.#requireOwnSite(request)
          const form = await readForm(request, page.bodyBytes ?? FORM_BYTES_MAX)
          this.#requireToken(visit.device, form.raw(TOKEN_FIELD))
          // The visit itself, so that a device set on it is seen here.
          return page.post(Object.assign(visit, { form }))
        }
        break
    }
    throw new XrpcError(405, 'MethodNotAllowed', 'Not for this page')
  }

  /** Browsers say where a form was sent from; those that do not are held by the token alone. */
  #requireOwnSite({ headers }: HttpRequest): void {
    const site = headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin' && site !== 'none') throw foreignPage()
    const { origin } = headers
    if (origin === undefined || origin === this.#origin) return
    // A host reached by another of its names: what the browser itself calls it.
    if (URL.canParse(origin) && new URL(origin).host === headers.host) return
    throw foreignPage()
  }

  #token({ secret }: Device): string {
    const text = new TextEncoder().encode(`form ${secret}`)
    return base64url(hmacSha256(this.#options.secret, text))
  }

  #requireToken(device: Device, given: string): void {
    const bytes = (text: string) => new TextEncoder().encode(text)
    if (!device.isNew && constantTimeEqual(bytes(given), bytes(this.#token(device)))) return
    throw new XrpcError(403, 'StalePage', 'The form is not of this device')
  }

  #answer(
    reply: Reply,
    visit: Pick<Visit, 'language' | 'path' | 'query'>,
    cookies: readonly string[],
  ): HttpResponse {
    if ('download' in reply) return { ...reply.download, cookies }
    if ('redirect' in reply) {
      const headers = { ...securityHeaders({}), location: reply.redirect }
      return { status: 303, headers, cookies, body: '' }
    }
    const scripts = (reply.scripts ?? []).flatMap((name) => this.#assets.path(name) ?? [])
    const document = layout(reply, visit, {
      host: this.#host,
      style: this.#assets.path('style.css'),
      icon: this.#assets.path('icon.svg'),
      scripts,
    })
    const headers = {
      'content-type': 'text/html; charset=utf-8',
      'content-language': visit.language,
      ...securityHeaders(reply),
      ...reply.headers,
    }
    return { status: reply.status ?? 200, headers, cookies, body: document.toString() }
  }
}

/** A device that has only looked needs no cookie yet, unless the page has a form for it. */
const needsDevice = (reply: Reply, isChanged: boolean): boolean =>
  isChanged || ('body' in reply && reply.body.toString().includes(TOKEN_FIELD))

const foreignPage = () => new XrpcError(403, 'ForeignPage', 'Sent from another site')

function problemView(error: XrpcError, { language }: Pick<Visit, 'language'>): View {
  const { title, text } = problemWords(error, language)
  const wait = error.headers?.['retry-after']
  return {
    title,
    status: error.status,
    body: html`<h1>${title}</h1><p class="lead">${text}</p><p><a class="button quiet" href="/account">${common[language].home}</a></p>`,
    ...(wait !== undefined && { headers: { 'retry-after': wait } }),
  }
}

/**
 * Nothing runs or shows but our own files, nobody frames us, nothing is kept. The referrer stays:
 * without it browsers would not say where a form comes from.
 */
function securityHeaders({
  scripts = [],
  formTargets = [],
}: Partial<View>): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self'",
    ...(scripts.length > 0 ? ["script-src 'self'", "connect-src 'self'"] : []),
    ["form-action 'self'", ...formTargets.filter((one) => /^[\w+.:/[\]-]+$/.test(one))].join(' '),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  }
}
