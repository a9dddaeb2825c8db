/**
 * The transport between services: an origin that lives in this process is called as a function, any
 * other over the network. Callers cannot tell, which is what lets one process become many.
 */

import { isAddress } from './is-address.ts'
import { nextRequestId } from './listen.ts'
import { OutgoingError } from './outgoing-error.ts'
import type {
  Fetch,
  FetchInit,
  FrameBatch,
  HttpRequest,
  HttpResponse,
  Service,
  Subscribe,
  SubscribeOptions,
} from './shapes.ts'

export interface Network {
  fetch: Fetch
  subscribe: Subscribe
}

export interface LocalTransport extends Network {
  /** Serves an origin (`http://localhost:2583`) in process. Returns how to stop that. */
  add(origin: string, service: Pick<Service, 'handle' | 'subscribe'>): () => void
}

const NULL_BODY = new Set([101, 103, 204, 205, 304])
const LOCAL_IP = '127.0.0.1'

/** Starts a transport. Without a network, unknown origins are unreachable: a closed world. */
export function localTransport(network?: Network): LocalTransport {
  const services = new Map<string, Pick<Service, 'handle' | 'subscribe'>>()
  const unreachable = (host: string) =>
    new OutgoingError('Unreachable', host, `${host} is not part of this network`)
  return {
    add(origin, service) {
      const key = new URL(origin).origin
      services.set(key, service)
      return () => {
        if (services.get(key) === service) services.delete(key)
      }
    },
    async fetch(input, init = {}) {
      const url = new URL(isAddress(input) ? input : input.url)
      const service = services.get(url.origin)
      if (service) return await callLocal(service, url, input, init)
      if (network) return await network.fetch(input, init)
      throw unreachable(url.host)
    },
    subscribe(text, options) {
      const url = new URL(text.replace(/^ws/, 'http'))
      const service = services.get(url.origin)
      if (service) return subscribeLocal(service, url, options)
      if (network) return network.subscribe(text, options)
      throw unreachable(url.host)
    },
  }
}

async function callLocal(
  service: Pick<Service, 'handle'>,
  url: URL,
  input: string | URL | Request,
  init: FetchInit,
): Promise<Response> {
  const request = await localRequest(url, input, init)
  init.signal?.throwIfAborted()
  const answer = service.handle(request)
  if (!(answer instanceof Promise)) return toResponse(answer)
  return toResponse(await abortable(answer, init))
}

/** Settles with the answer, or rejects when the caller's signal or deadline comes first. */
async function abortable<T>(answer: Promise<T>, init: FetchInit): Promise<T> {
  const { signal, timeoutMs } = init
  if (!signal && timeoutMs === undefined) return await answer
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal!.reason)
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(
            () => reject(new OutgoingError('Timeout', '', `no answer within ${timeoutMs} ms`)),
            timeoutMs,
          )
    signal?.addEventListener('abort', onAbort, { once: true })
    answer.then(resolve, reject).finally(() => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    })
  })
}

async function localRequest(
  url: URL,
  input: string | URL | Request,
  init: FetchInit,
): Promise<HttpRequest> {
  const plain = isAddress(input) && isPlainBody(init.body)
  // Forms, blobs and Request objects are rare; the platform's own Request reads them all.
  const full = plain ? undefined : new Request(input, { ...init, duplex: 'half' } as RequestInit)
  const headers = plainHeaders(full?.headers ?? init.headers)
  headers.host ??= url.host
  const body = full && init.body ? await full.bytes() : (full?.body ?? init.body)
  if (typeof body === 'string') headers['content-type'] ??= 'text/plain;charset=UTF-8'
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  if (bytes instanceof Uint8Array) headers['content-length'] ??= String(bytes.length)
  let signal = init.signal ?? full?.signal
  return {
    method: full?.method ?? init.method?.toUpperCase() ?? 'GET',
    path: url.pathname,
    query: url.search.slice(1),
    headers,
    body: (bytes ?? undefined) as HttpRequest['body'],
    ip: LOCAL_IP,
    id: nextRequestId(),
    get signal() {
      return (signal ??= new AbortController().signal)
    },
  }
}

function isPlainBody(body: unknown): boolean {
  if (body === undefined || body === null || typeof body === 'string') return true
  // A stream or a generator is handed on as it is, and read no faster than its reader asks.
  return body instanceof Uint8Array || Symbol.asyncIterator in (body as object)
}

function plainHeaders(from: HeadersInit | undefined): Record<string, string> {
  const headers: Record<string, string> = {}
  if (from === undefined) return headers
  if (from instanceof Headers || Array.isArray(from))
    for (const [name, value] of from) headers[name.toLowerCase()] = value
  else for (const name in from) headers[name.toLowerCase()] = String(from[name])
  return headers
}

function toResponse(answer: HttpResponse): Response {
  const { status, body } = answer
  const headers = new Headers(answer.headers)
  for (const cookie of answer.cookies ?? []) headers.append('set-cookie', cookie)
  if (body === undefined || NULL_BODY.has(status)) return new Response(null, { status, headers })
  if (typeof body === 'string' || body instanceof Uint8Array)
    return new Response(body as BodyInit, { status, headers })
  return new Response(streamOf(body), { status, headers })
}

function streamOf(body: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

function subscribeLocal(
  service: Pick<Service, 'subscribe'>,
  url: URL,
  options: SubscribeOptions,
): AsyncIterable<FrameBatch> {
  const headers = plainHeaders(options.headers)
  headers.host ??= url.host
  const answer = service.subscribe?.({
    method: 'GET',
    path: url.pathname,
    query: url.search.slice(1),
    headers,
    body: undefined,
    ip: LOCAL_IP,
    id: nextRequestId(),
    signal: options.signal,
  })
  if (answer !== undefined && !('status' in answer)) return answer
  const status = answer?.status ?? 404
  return refused(url.host, status)
}

// biome-ignore lint/correctness/useYield: a stream that could not be opened
async function* refused(host: string, status: number): AsyncGenerator<FrameBatch> {
  throw new OutgoingError('Refused', host, `${host} refused the stream with ${status}`, { status })
}
