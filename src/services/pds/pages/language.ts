import type { HttpRequest } from '#protocol/xrpc'
import { type Language, languagesFor } from '../mail/index.ts'
import type { Cookies } from './cookies.ts'

const COOKIE = 'language'
const COOKIE_S = 365 * 86_400

/**
 * The language of a page: as asked for (`?lang=`), as chosen before, else as the browser prefers.
 * With a cookie to set when it was asked for.
 */
export function languageOf(
  request: HttpRequest,
  query: URLSearchParams,
  cookies: Cookies,
): { language: Language; cookie: string | undefined } {
  const asked = known(query.get('lang'))
  if (asked) return { language: asked, cookie: cookies.set(COOKIE, asked, COOKIE_S) }
  const chosen = known(cookies.read(request, COOKIE))
  const language = chosen ?? languagesFor(request.headers['accept-language'])[0]
  return { language, cookie: undefined }
}

const known = (text: string | null | undefined): Language | undefined =>
  text === 'ar' || text === 'en' ? text : undefined
