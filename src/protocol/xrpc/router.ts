import { type BaseSchema, safeParse } from '@atcute/lexicons/validations'
import {
  acceptsType,
  boundedBody,
  defaultBinaryBytes,
  defaultJsonBytes,
  hasBody,
  mediaType,
  missingBody,
  readJson,
  refuseBody,
  sizeHint,
} from './body.ts'
import { errorResponse, invalidRequest, toXrpcError, XrpcError } from './error.ts'
import { encodeErrorFrame } from './frames.ts'
import {
  corsHeaders,
  type FrameBatch,
  type HttpRequest,
  type HttpResponse,
  jsonHeaders,
  jsonType,
} from './http.ts'
import type { BinaryInput, CallMethod, Method, RawOutput, StreamMethod } from './method.ts'
import { compileParams, type ParamsParser } from './params.ts'
import { Rated, type RateLimits } from './rates.ts'

export interface RouterOptions {
  /** Check every JSON output against its schema; a misfit is a 500. For tests. */
  validateOutput?: boolean
  /** Told of every failure of ours (status 500 and above), with its cause. */
  onFailure?(failure: { nsid: string; requestId: string; error: XrpcError }): void
  /**
   * Told of every answer, for metrics. Methods that are not in the table are all named `other`:
   * a caller could otherwise make up as many names as it likes.
   */
  onAnswer?(nsid: string, status: number): void
  /** Answers the methods the table does not know (a PDS proxies them). */
  fallback?(request: HttpRequest, nsid: string): Promise<HttpResponse>
  /** Known methods whose requests go to the fallback when an `atproto-proxy` header says so. */
  interceptProxy?(nsid: string, header: string): boolean
  /** Answers /xrpc/_health; what it throws makes the answer a 503. */
  health?(): unknown
  /** Counts how often methods are called; without it no rate is limited. */
  rates?: RateLimits
}

export interface Router {
  /**
   * Answers a request under /xrpc/, at once where nothing has to be waited for. Never throws: every
   * failure is an XRPC error answer.
   */
  handle(request: HttpRequest): HttpResponse | Promise<HttpResponse>
  /** Opens a subscription; an HttpResponse when there is none to open. */
  subscribe(request: HttpRequest): AsyncIterable<FrameBatch> | HttpResponse
  /** Every method of the table, sorted. */
  readonly nsids: readonly string[]
}

type InputReader = (request: HttpRequest) => unknown

interface Route {
  readonly nsid: string
  readonly isQuery: boolean
  readonly method: CallMethod
  readonly parse: ParamsParser
  readonly readInput: InputReader
  readonly outputSchema: BaseSchema | undefined
}

interface StreamRoute {
  readonly method: StreamMethod
  readonly parse: ParamsParser
}

/**
 * A router over a table of methods: finds the method by NSID and does, in this order, what its
 * declaration says: verb, parameters, auth, input (type, size, schema), handle, output. CORS is
 * open on everything, as a public API that carries its sign-in in headers may be.
 * https://atproto.com/specs/xrpc
 */
export function createRouter(methods: readonly Method[], options: RouterOptions = {}): Router {
  const calls = new Map<string, Route>()
  const streams = new Map<string, StreamRoute>()
  for (const method of methods) {
    if (calls.has(method.nsid) || streams.has(method.nsid)) {
      throw new TypeError(`${method.nsid} is declared twice`)
    }
    if (isStream(method)) {
      streams.set(method.nsid, { method, parse: compileParams(method.schema.params) })
    } else calls.set(method.nsid, createRoute(method, options.validateOutput === true))
  }
  const dispatch = createDispatch(calls, streams, options)
  return {
    nsids: [...calls.keys(), ...streams.keys()].sort(),
    handle(request) {
      if (request.method === 'OPTIONS') return preflight(request)
      const nsid = nsidOf(request.path)
      const rated = options.rates && new Rated(options.rates, request, nsid)
      const answered = (response: HttpResponse) => {
        rated?.tell(response)
        if (request.headers.authorization !== undefined) keepPrivate(response)
        options.onAnswer?.(calls.has(nsid) ? nsid : 'other', response.status)
        return response
      }
      const fail = (thrown: unknown) => answered(failed(thrown, nsid, request, options))
      try {
        const response = rated
          ? rated.enter().then(() => dispatch(request, nsid, rated))
          : dispatch(request, nsid, rated)
        if (response instanceof Promise) return response.then(answered, fail)
        return answered(response)
      } catch (thrown) {
        return fail(thrown)
      }
    },
    subscribe(request) {
      const nsid = nsidOf(request.path)
      const route = streams.get(nsid)
      if (route !== undefined) return stream(route, request, options)
      return errorResponse(unknownMethod(nsid))
    },
  }
}

function isStream(method: Method): method is StreamMethod {
  return method.schema.type === 'xrpc_subscription'
}

function createDispatch(
  calls: Map<string, Route>,
  streams: Map<string, StreamRoute>,
  options: RouterOptions,
): (
  request: HttpRequest,
  nsid: string,
  rated: Rated | undefined,
) => Promise<HttpResponse> | HttpResponse {
  const { fallback, interceptProxy } = options
  return (request, nsid, rated) => {
    const route = calls.get(nsid)
    if (route !== undefined) {
      const header = request.headers['atproto-proxy']
      if (fallback && header !== undefined && interceptProxy?.(nsid, header)) {
        return fallback(request, nsid)
      }
      return answer(route, request, rated)
    }
    if (nsid === '_health' && options.health !== undefined) return health(options.health)
    if (!request.path.startsWith(prefix)) throw new XrpcError(404, 'NotFound', 'Not Found')
    if (!isNsidLike(nsid)) throw invalidRequest('Invalid XRPC path')
    if (streams.has(nsid)) {
      const message = `${nsid} is a subscription: open it as a WebSocket`
      throw new XrpcError(426, 'UpgradeRequired', message, { headers: { upgrade: 'websocket' } })
    }
    if (fallback !== undefined) return fallback(request, nsid)
    throw unknownMethod(nsid)
  }
}

/** Goes on at once for as long as nothing has to be waited for. */
function answer(
  route: Route,
  request: HttpRequest,
  rated: Rated | undefined,
): HttpResponse | Promise<HttpResponse> {
  const isHead = checkVerb(route, request.method)
  const params = route.parse(request.query)
  const { method } = route
  const caller = method.auth(request, route.nsid)
  const { rates } = method.limits
  if (caller instanceof Promise || (rated && rates)) {
    return answerLater(route, { request, params, caller, isHead, rated })
  }
  const input = route.readInput(request)
  const output =
    input instanceof Promise
      ? input.then((read) => method.handle({ params, input: read, caller, request }))
      : method.handle({ params, input, caller, request })
  if (output instanceof Promise) return output.then((made) => finish(route, made, isHead))
  return finish(route, output, isHead)
}

interface Waiting {
  request: HttpRequest
  params: Record<string, unknown>
  caller: unknown
  isHead: boolean
  rated: Rated | undefined
}

async function answerLater(
  route: Route,
  { request, params, caller: whoever, isHead, rated }: Waiting,
): Promise<HttpResponse> {
  const { method } = route
  const caller = await whoever
  const input = await route.readInput(request)
  const call = { params, input, caller, request }
  const { rates } = method.limits
  if (rated && rates) await rated.take(rates, call)
  return finish(route, await method.handle(call), isHead)
}

function finish(route: Route, output: unknown, isHead: boolean): HttpResponse {
  const response = toResponse(route, output)
  return isHead ? withoutBody(response) : response
}

/** Throws unless the verb fits; true for HEAD, which is answered as GET without a body. */
function checkVerb(route: Route, verb: string): boolean {
  if (route.isQuery) {
    if (verb === 'GET') return false
    if (verb === 'HEAD') return true
    throw invalidRequest(`Incorrect HTTP method (${verb}) expected GET`)
  }
  if (verb === 'POST') return false
  throw invalidRequest(`Incorrect HTTP method (${verb}) expected POST`)
}

function createRoute(method: CallMethod, validateOutput: boolean): Route {
  const { schema } = method
  const { output } = schema
  return {
    nsid: method.nsid,
    isQuery: schema.type === 'xrpc_query',
    method,
    parse: compileParams(schema.params),
    readInput: inputReader(method),
    outputSchema: validateOutput && output?.type === 'lex' ? output.schema : undefined,
  }
}

function inputReader(method: CallMethod): InputReader {
  const { schema, limits } = method
  const input = schema.type === 'xrpc_procedure' ? schema.input : null
  if (input === null) return (request) => (hasBody(request) ? refuseBody(request) : undefined)
  if (input.type === 'blob') {
    const maxBytes = limits.bodyBytes ?? defaultBinaryBytes
    return (request) => binaryInput(request, input.encoding, maxBytes)
  }
  const maxBytes = limits.bodyBytes ?? defaultJsonBytes
  return (request) => jsonInput(request, input.schema, maxBytes)
}

async function jsonInput(
  request: HttpRequest,
  schema: BaseSchema,
  maxBytes: number,
): Promise<unknown> {
  if (request.body === undefined) throw missingBody()
  const size = sizeHint(request)
  if (size === 0) throw missingBody()
  checkType(request, jsonTypes)
  if (size !== undefined && size > maxBytes) {
    throw new XrpcError(413, 'PayloadTooLarge', `The body is larger than ${maxBytes} bytes`)
  }
  const result = safeParse(schema, await readJson(request, maxBytes))
  if (!result.ok) throw invalidRequest(`Invalid input: ${result.message}`)
  return result.value
}

const jsonTypes = ['application/json']

function binaryInput(
  request: HttpRequest,
  accepted: readonly string[] | undefined,
  maxBytes: number,
): BinaryInput {
  if (request.body === undefined) throw missingBody()
  const encoding = checkType(request, accepted)
  return { encoding, sizeHint: sizeHint(request), body: boundedBody(request, maxBytes) }
}

function checkType(request: HttpRequest, accepted: readonly string[] | undefined): string {
  const type = mediaType(request.headers['content-type'])
  if (type === undefined) {
    throw invalidRequest('Request encoding (Content-Type) required but not provided')
  }
  if (!acceptsType(accepted, type)) {
    throw invalidRequest(`Wrong request encoding (Content-Type): ${type}`)
  }
  return type
}

function toResponse(route: Route, output: unknown): HttpResponse {
  if (output === undefined) return { status: 200, headers: { ...corsHeaders } }
  if (isRaw(output)) {
    const { encoding, body } = output
    if (encoding === jsonType && route.outputSchema) checkOutput(route.outputSchema, parsed(body))
    const headers = { ...corsHeaders, 'content-type': encoding, ...output.headers }
    return { status: output.status ?? 200, headers, body }
  }
  if (route.outputSchema !== undefined) checkOutput(route.outputSchema, output)
  return { status: 200, headers: { ...jsonHeaders }, body: JSON.stringify(output) }
}

function isRaw(output: unknown): output is RawOutput {
  return (
    typeof output === 'object' &&
    output !== null &&
    typeof (output as RawOutput).encoding === 'string' &&
    (output as RawOutput).body !== undefined
  )
}

function parsed(body: RawOutput['body']): unknown {
  return JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body as Uint8Array))
}

function checkOutput(schema: BaseSchema, output: unknown): void {
  const result = safeParse(schema, JSON.parse(JSON.stringify(output)))
  if (!result.ok) throw new TypeError(`the output does not fit its lexicon: ${result.message}`)
}

function withoutBody(response: HttpResponse): HttpResponse {
  const { body } = response
  if (typeof body === 'object' && Symbol.asyncIterator in body) {
    body[Symbol.asyncIterator]()
      .return?.()
      .catch(() => {})
  }
  return { status: response.status, headers: response.headers }
}

async function health(check: () => unknown): Promise<HttpResponse> {
  try {
    const body = JSON.stringify(await check())
    return { status: 200, headers: { ...jsonHeaders }, body }
  } catch (thrown) {
    throw new XrpcError(503, 'NotEnoughResources', 'Not healthy', { cause: thrown })
  }
}

function failed(
  thrown: unknown,
  nsid: string,
  request: HttpRequest,
  options: RouterOptions,
): HttpResponse {
  const error = toXrpcError(thrown)
  if (error.status >= 500) options.onFailure?.({ nsid, requestId: request.id, error })
  return errorResponse(error)
}

async function* stream(
  route: StreamRoute,
  request: HttpRequest,
  options: RouterOptions,
): AsyncGenerator<FrameBatch> {
  const { method } = route
  try {
    const params = route.parse(request.query)
    const caller = await method.auth(request, method.nsid)
    yield* method.handle({ params, input: undefined, caller, request })
  } catch (thrown) {
    if (request.signal.aborted) return
    const error = toXrpcError(thrown)
    if (error.status >= 500) {
      options.onFailure?.({ nsid: method.nsid, requestId: request.id, error })
    }
    yield [encodeErrorFrame(error.error, error.message)]
  }
}

/** What was asked for by somebody is for them alone, unless its method says otherwise. */
function keepPrivate(response: HttpResponse): void {
  response.headers = { 'cache-control': 'private', vary: 'authorization', ...response.headers }
}

const prefix = '/xrpc/'

/** The part after /xrpc/, without a trailing slash; empty when the path is something else. */
function nsidOf(path: string): string {
  if (!path.startsWith(prefix)) return ''
  return path.slice(prefix.length, path.endsWith('/') ? -1 : undefined)
}

function isNsidLike(text: string): boolean {
  return text.length <= 317 && /^[a-zA-Z0-9]+(?:[.-][a-zA-Z0-9]+)+$/.test(text)
}

function unknownMethod(nsid: string): XrpcError {
  return new XrpcError(501, 'MethodNotImplemented', `Method Not Implemented: ${nsid}`)
}

const safeHeaderList = /^[a-zA-Z0-9 ,-]{1,1000}$/

/** Answers a CORS preflight. `authorization` is never covered by `*`, so the wish is echoed. */
export function preflight(request: HttpRequest): HttpResponse {
  const wished = request.headers['access-control-request-headers'] ?? ''
  return {
    status: 204,
    headers: {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': safeHeaderList.test(wished) ? wished : '*, authorization',
      'access-control-max-age': '86400',
    },
  }
}
