import type { HttpRequest } from '#protocol/xrpc'

const HEADER_CHARS_MAX = 16_384

/**
 * Cookies of this host alone. Over https their names begin with `__Host-`, which browsers let
 * nobody else set: no neighbour under the same domain, and no path of it.
 */
export class Cookies {
  readonly #prefix: string
  readonly #secure: string

  constructor(publicUrl: string) {
    const isSecure = publicUrl.startsWith('https:')
    this.#prefix = isSecure ? '__Host-falaj-' : 'falaj-'
    this.#secure = isSecure ? '; Secure' : ''
  }

  read({ headers }: Pick<HttpRequest, 'headers'>, name: string): string | undefined {
    const wanted = `${this.#prefix}${name}=`
    const all = headers.cookie
    if (!all || all.length > HEADER_CHARS_MAX) return undefined
    const found = all.split(';').find((one) => one.trimStart().startsWith(wanted))
    return found?.trim().slice(wanted.length)
  }

  /** The header that sets a cookie: for this site's own requests and for links to it. */
  set(name: string, value: string, maxAgeS: number): string {
    return `${this.#prefix}${name}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Lax${this.#secure}`
  }
}
