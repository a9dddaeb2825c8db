/** Somebody at a browser, without one: keeps cookies, fills in the forms that pages show. */
import assert from 'node:assert/strict'
import type { HttpResponse } from '#protocol/xrpc'
import type { Person, TestHost } from '../testing/host.test-support.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const REDIRECTS_MAX = 8

export interface Seen {
  status: number
  headers: Record<string, string>
  text: string
  /** Path and query of the page that is shown. */
  at: string
  cookies: readonly string[]
}

export class Browser {
  readonly host: TestHost
  readonly cookies = new Map<string, string>()
  readonly headers: Record<string, string> = { 'user-agent': FIREFOX }
  ip = '127.0.0.1'
  /** What is shown. */
  seen: Seen | undefined

  constructor(host: TestHost, headers: Record<string, string> = {}) {
    this.host = host
    Object.assign(this.headers, headers)
  }

  /** Opens a page, following redirects of this host. */
  open(target: string): Promise<Seen> {
    return this.#go('GET', target)
  }

  /** Asks once, following nothing. */
  ask(method: string, target: string, form?: string, headers = {}): Promise<HttpResponse> {
    const cookie = [...this.cookies].map((one) => one.join('=')).join('; ')
    return this.host.visit(method, target, {
      ip: this.ip,
      ...(form !== undefined && { body: form }),
      headers: {
        host: new URL(this.host.url).host,
        ...(cookie && { cookie }),
        ...(form !== undefined && {
          'content-type': 'application/x-www-form-urlencoded',
          origin: this.host.url,
          'sec-fetch-site': 'same-origin',
        }),
        ...this.headers,
        ...headers,
      },
    })
  }

  async #go(method: string, target: string, form?: string): Promise<Seen> {
    let [how, at, body] = [method, target, form]
    for (let i = 0; i < REDIRECTS_MAX; i++) {
      const answer = await this.ask(how, at, body)
      this.#keep(answer)
      const to = answer.headers?.location
      if (answer.status !== 303 || !to?.startsWith('/')) {
        const text = typeof answer.body === 'string' ? answer.body : ''
        const { status, headers = {}, cookies = [] } = answer
        this.seen = { status, headers, text, at, cookies }
        return this.seen
      }
      ;[how, at, body] = ['GET', to, undefined]
    }
    throw new Error(`led in circles at ${at}`)
  }

  #keep({ cookies = [] }: HttpResponse): void {
    for (const cookie of cookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!
      this.cookies.set(name!, value!)
    }
  }

  /**
   * Fills in the form of the page that is shown whose text or address has `wanted` in it, with all
   * its hidden fields, and sends it.
   */
  send(
    wanted: string | undefined,
    fields: Record<string, string | readonly string[]>,
  ): Promise<Seen> {
    assert.ok(this.seen, 'no page is open')
    const forms = [...this.seen.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)]
    const form = forms.find(([whole]) => wanted === undefined || whole.includes(wanted))
    assert.ok(form, `no form with ${wanted} at ${this.seen.at}: ${plainText(this.seen.text)}`)
    const action = /action="([^"]*)"/.exec(form[1]!)?.[1]
    const body = new URLSearchParams()
    for (const [tag] of form[2]!.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)) {
      body.append(attribute(tag, 'name'), attribute(tag, 'value'))
    }
    for (const [name, values] of Object.entries(fields)) {
      body.delete(name)
      for (const value of [values].flat()) body.append(name, value)
    }
    return this.#go('POST', action ? unescaped(action) : this.seen.at, body.toString())
  }

  /** Signs in with a password and shows where that led. */
  async signIn({ handle, password }: Person, target = '/account/sign-in'): Promise<Seen> {
    await this.open(target)
    return this.send(undefined, { name: handle, password })
  }

  /** The token of the form that is shown. */
  token(): string {
    return attribute(/<input[^>]*name="page-token"[^>]*>/.exec(this.seen?.text ?? '')![0], 'value')
  }
}

const attribute = (tag: string, name: string) =>
  unescaped(new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '')

const unescaped = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

/** What a page says. */
export const plainText = (text: string) =>
  unescaped(text.replace(/<head>[\s\S]*?<\/head>/, '').replaceAll(/<[^>]*>/g, ' '))
    .replaceAll(/\s+/g, ' ')
    .trim()
