import { StorageError } from './contracts.ts'
import { encodeS3, type S3Keys, sha256Hex, signS3 } from './s3-signature.ts'

export interface S3Options extends S3Keys {
  bucket: string
  /** Where the service is; AWS of the region when left out. */
  endpoint?: string | undefined
  /** The bucket in the path, not in the host name: what most services beside AWS want. */
  pathStyle?: boolean
  /** A try is given up after so long without its answer's headers (default 20 s). */
  timeoutMs?: number
  /** Tries of one request (default 5). */
  triesMax?: number
  /** Requests at once (default 32). */
  requestsMax?: number
  fetch?: typeof fetch
  now?: () => number
  random?: () => number
}

export interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Of the object; empty for the bucket. */
  key: string
  query?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
  body?: Uint8Array | undefined
  /** Statuses beside 2xx that are an answer, not a failure. */
  expected?: readonly number[]
}

/** Pauses between tries: doubled from here, each cut by chance to between half and all of it. */
const FIRST_PAUSE_MS = 100
const PAUSE_MAX_MS = 5_000
const NOTHING = sha256Hex('')

/** Signed requests to one bucket, tried again where that is sound: all that is asked here may be asked twice. */
export class S3Client {
  readonly #options: Required<Omit<S3Options, 'endpoint' | 'pathStyle'>>
  readonly #base: URL
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(options: S3Options) {
    this.#options = {
      timeoutMs: 20_000,
      triesMax: 5,
      requestsMax: 32,
      fetch: globalThis.fetch,
      now: Date.now,
      random: Math.random,
      ...options,
    }
    const { endpoint, bucket, region, pathStyle } = options
    this.#base = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`)
    if (!this.#base.pathname.endsWith('/')) this.#base.pathname += '/'
    if (pathStyle) this.#base.pathname += `${bucket}/`
    else this.#base.hostname = `${bucket}.${this.#base.hostname}`
  }

  /** The answer's headers have come and its status is good; the caller reads the body. Errors: Fatal. */
  async send(request: S3Request): Promise<Response> {
    await this.#enter()
    try {
      for (let attempt = 1; ; attempt++) {
        const outcome = await this.#try(request)
        if (outcome instanceof Response) return outcome
        if (!outcome.again || attempt >= this.#options.triesMax) throw refused(request, outcome)
        await this.#pause(attempt)
      }
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  async #enter(): Promise<void> {
    while (this.#running >= this.#options.requestsMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#running++
  }

  async #try(request: S3Request): Promise<Response | Failure> {
    const { method, body, expected = [] } = request
    const url = this.#url(request)
    const headers = signS3(
      {
        method,
        url,
        headers: request.headers ?? {},
        bodyHash: body ? sha256Hex(body) : NOTHING,
        timeMs: this.#options.now(),
      },
      this.#options,
    )
    const slow = new AbortController()
    const timer = setTimeout(
      () => slow.abort(new Error('no answer in time')),
      this.#options.timeoutMs,
    )
    try {
      const init = { method, headers, signal: slow.signal, redirect: 'error' as const }
      const response = await this.#options.fetch(url, {
        ...init,
        ...(body && { body: body as Uint8Array<ArrayBuffer> }),
      })
      if (response.ok || expected.includes(response.status)) return response
      const { status } = response
      const text = await response.text()
      const code = /<Code>([\w.-]{1,80})<\/Code>/.exec(text)?.[1] ?? ''
      return { again: status >= 500 || status === 429 || status === 408, why: `${status} ${code}` }
    } catch (cause) {
      return { again: true, why: 'the connection failed', cause }
    } finally {
      clearTimeout(timer)
    }
  }

  #url({ key, query = {} }: S3Request): URL {
    const url = new URL(this.#base)
    url.pathname += key.split('/').map(encodeS3).join('/')
    const pairs = Object.entries(query).map(
      ([name, value]) => `${encodeS3(name)}=${encodeS3(value)}`,
    )
    url.search = pairs.join('&')
    return url
  }

  #pause(attempt: number): Promise<void> {
    const most = Math.min(PAUSE_MAX_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1))
    const ms = most / 2 + (most / 2) * this.#options.random()
    return new Promise((resolve) => setTimeout(resolve, ms))
  }
}

interface Failure {
  again: boolean
  why: string
  cause?: unknown
}

/** Says what was asked and what came of it, and nothing that could hold a key. */
function refused({ method, key }: S3Request, { why, cause }: Failure): StorageError {
  const code = why.startsWith('507') ? 'NoSpace' : 'Unavailable'
  return new StorageError(code, `S3 ${method} ${key || 'bucket'}: ${why}`, { cause })
}
