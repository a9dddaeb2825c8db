import { UpstreamError } from '#protocol/identity'
import { ProtocolError } from '#protocol/syntax'
import { type HttpResponse, jsonHeaders } from './http.ts'

/** What goes beside an error: response headers (`retry-after`, `www-authenticate`) and its cause. */
export interface XrpcErrorOptions {
  headers?: Record<string, string>
  cause?: unknown
}

/**
 * The only error that reaches a wire. `status` is the HTTP status, `error` the name a lexicon
 * declares (or a general one such as `InvalidRequest`), `message` a sentence for people; the
 * message of a 500 stays inside. `cause` is for logs only. https://atproto.com/specs/xrpc
 */
export class XrpcError extends Error {
  override readonly name = 'XrpcError'
  readonly status: number
  readonly error: string
  readonly headers: Record<string, string> | undefined

  constructor(status: number, error: string, message = error, options?: XrpcErrorOptions) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.status = status
    this.error = error
    this.headers = options?.headers
  }
}

/** The error of a request that is wrong in its form: 400 InvalidRequest. */
export function invalidRequest(message: string, cause?: unknown): XrpcError {
  return new XrpcError(400, 'InvalidRequest', message, { cause })
}

/** The error of a call that needs a (better) sign-in: 401, named AuthenticationRequired unless told. */
export function authRequired(message: string, error = 'AuthenticationRequired'): XrpcError {
  return new XrpcError(401, error, message)
}

/**
 * Maps whatever was thrown to what may be shown: an XrpcError as is, a ProtocolError as the
 * caller's fault (400 with its code), an UpstreamError as an upstream's (502 or 504, naming its
 * host), anything else as ours (500, the cause kept for the log).
 */
export function toXrpcError(thrown: unknown): XrpcError {
  if (thrown instanceof XrpcError) return thrown
  if (thrown instanceof ProtocolError) {
    return new XrpcError(400, thrown.code, thrown.message, { cause: thrown })
  }
  if (thrown instanceof UpstreamError) {
    const status = thrown.code === 'UpstreamTimeout' ? 504 : 502
    return new XrpcError(status, thrown.code, thrown.message, { cause: thrown })
  }
  return new XrpcError(500, 'InternalServerError', 'Internal Server Error', { cause: thrown })
}

const namesByStatus: Readonly<Record<number, string>> = {
  400: 'InvalidRequest',
  401: 'AuthenticationRequired',
  403: 'Forbidden',
  404: 'NotFound',
  406: 'NotAcceptable',
  413: 'PayloadTooLarge',
  415: 'UnsupportedMediaType',
  429: 'RateLimitExceeded',
  500: 'InternalServerError',
  501: 'MethodNotImplemented',
  502: 'UpstreamFailure',
  503: 'NotEnoughResources',
  504: 'UpstreamTimeout',
}

/** The general error name of an HTTP status, for answers that carry no name of their own. */
export function errorName(status: number): string {
  return namesByStatus[status] ?? (status >= 500 ? 'UpstreamFailure' : 'InvalidRequest')
}

/** An error as an HTTP answer. The message of a 500 is replaced: details of ours stay inside. */
export function errorResponse(error: XrpcError): HttpResponse {
  const message = error.status === 500 ? 'Internal Server Error' : error.message
  return {
    status: error.status,
    headers: { ...error.headers, ...jsonHeaders },
    body: JSON.stringify({ error: error.error, message }),
  }
}
