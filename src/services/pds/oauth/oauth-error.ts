import type { HttpResponse } from '#protocol/xrpc'

/** Names of errors by RFC 6749, 7009, 9126 and 9449. */
export type OAuthErrorName =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_client_metadata'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'access_denied'
  | 'login_required'
  | 'consent_required'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'slow_down'

/** What an endpoint of OAuth refuses, in the form that RFC 6749 gives it. The message is shown. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly error: OAuthErrorName
  readonly status: number

  constructor(error: OAuthErrorName, message: string, status = statuses[error] ?? 400) {
    super(message)
    this.error = error
    this.status = status
  }
}

const statuses: Partial<Record<OAuthErrorName, number>> = {
  invalid_client: 401,
  temporarily_unavailable: 503,
  server_error: 500,
  slow_down: 429,
}

/** Headers of every answer for apps: any page may ask, nobody keeps it. */
export const appHeaders: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  pragma: 'no-cache',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': '*',
  'x-content-type-options': 'nosniff',
}

/** An answer for apps. */
export const appAnswer = (status: number, body: object): HttpResponse => ({
  status,
  headers: { ...appHeaders },
  body: JSON.stringify(body),
})

export const errorAnswer = ({ status, error, message }: OAuthError): HttpResponse =>
  appAnswer(status, { error, error_description: message })
