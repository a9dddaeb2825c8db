/** Calls to a service by its lexicon names. Every failure is a CallError that pages can explain. */

/** The names below 400 that are not a service's own: the call never got an answer. */
export type LocalFailure = 'Offline' | 'Unreachable' | 'Timeout' | 'Aborted'

/** A call that failed: by the network (`status` 0) or by an answer with a lexicon error. */
export class CallError extends Error {
  override name = 'CallError'
  readonly status: number
  readonly error: string
  readonly host: string
  /** When asking again makes sense, from Retry-After or a rate limit's reset. */
  readonly retryAtMs: number | undefined

  constructor(fields: {
    status: number
    error: string
    message: string
    host: string
    retryAtMs?: number
  }) {
    super(fields.message)
    this.status = fields.status
    this.error = fields.error
    this.host = fields.host
    this.retryAtMs = fields.retryAtMs
  }
}

export type Params = Record<
  string,
  string | number | boolean | readonly string[] | undefined | null
>

export interface CallOptions {
  params?: Params
  /** JSON, or bytes with `contentType`. */
  body?: unknown
  contentType?: string
  headers?: Record<string, string>
  signal?: AbortSignal
  timeoutMs?: number
}

const defaultTimeoutMs = 20_000

/** Asks `service` (an origin) for an XRPC query and returns its JSON. */
export async function query<T>(service: string, nsid: string, options: CallOptions = {}) {
  return (await (await request('GET', service, nsid, options)).json()) as T
}

/** Calls an XRPC procedure; JSON in and out, or bytes in when `contentType` is given. */
export async function procedure<T>(service: string, nsid: string, options: CallOptions = {}) {
  const response = await request('POST', service, nsid, options)
  const text = await response.text()
  return (text === '' ? {} : JSON.parse(text)) as T
}

/** The bare response, for downloads that stream. Throws CallError unless it is a 2xx. */
export async function request(
  method: 'GET' | 'POST',
  service: string,
  nsid: string,
  options: CallOptions,
): Promise<Response> {
  const url = `${service}/xrpc/${nsid}${search(options.params)}`
  const timeout = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs)
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
  let response: Response
  try {
    response = await fetch(url, { method, signal, ...payload(options), credentials: 'omit' })
  } catch (cause) {
    throw unanswered(service, timeout, options.signal, cause)
  }
  if (response.ok) return response
  throw await refused(service, response)
}

function payload({ body, contentType, headers }: CallOptions): RequestInit {
  if (body === undefined) return { headers }
  if (contentType) {
    return { headers: { ...headers, 'content-type': contentType }, body: body as BodyInit }
  }
  return {
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}

function search(params: Params | undefined): string {
  const found = new URLSearchParams()
  for (const [name, value] of Object.entries(params ?? {})) {
    if (value === undefined || value === null) continue
    if (Array.isArray(value)) for (const item of value) found.append(name, item)
    else found.append(name, String(value))
  }
  const text = found.toString()
  return text === '' ? '' : `?${text}`
}

function unanswered(
  service: string,
  timeout: AbortSignal,
  aborted: AbortSignal | undefined,
  cause: unknown,
): CallError {
  const host = hostOf(service)
  const message = cause instanceof Error ? cause.message : String(cause)
  const fail = (error: LocalFailure) => new CallError({ status: 0, error, message, host })
  if (aborted?.aborted) return fail('Aborted')
  if (timeout.aborted) return fail('Timeout')
  return fail(navigator.onLine === false ? 'Offline' : 'Unreachable')
}

async function refused(service: string, response: Response): Promise<CallError> {
  const json = (await response.json().catch(() => ({}))) as { error?: string; message?: string }
  return new CallError({
    status: response.status,
    error: json.error ?? `Http${response.status}`,
    message: json.message ?? response.statusText,
    host: hostOf(service),
    retryAtMs: retryAt(response.headers),
  })
}

function retryAt(headers: Headers): number | undefined {
  const after = Number(headers.get('retry-after'))
  if (after > 0) return Date.now() + after * 1000
  const reset = Number(headers.get('ratelimit-reset'))
  return reset > 0 ? reset * 1000 : undefined
}

/** `localhost:2583` of `http://localhost:2583`: what people see of an address. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host
  } catch {
    return url
  }
}
