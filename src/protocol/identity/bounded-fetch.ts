/** Outgoing requests of this room: one place that bounds their size and time. */
import type { HostTurns } from './host-turns.ts'
import { UpstreamError } from './upstream-error.ts'

/** `fetch` as handed in. Its own limits (addresses, redirects) come on top of ours. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** Timers as handed in, for deadlines. */
export interface DeadlineTimers {
  setTimeout(run: () => void, ms: number): unknown
  clearTimeout(handle: never): void
}

/** The way out. Without timers, deadlines are left to the fetch (which is told them). */
export interface Net {
  fetch: Fetch
  timers?: DeadlineTimers
  /** Who waits for whom; without it everybody asks at once. */
  turns?: HostTurns
}

export interface Limits {
  maxBytes: number
  timeoutMs: number
}

export interface Answer {
  status: number
  body: Uint8Array
}

/**
 * One exchange, body included, within the limits. Any status is an answer. Throws UpstreamError
 * when there is none: unreachable, too slow, too big, a redirect that was not to be followed.
 */
export async function boundedFetch(
  net: Net,
  url: string,
  limits: Limits,
  init: RequestInit = {},
): Promise<Answer> {
  const { host } = new URL(url)
  const deadline = startDeadline(net.timers, limits.timeoutMs)
  const bounds = { timeoutMs: limits.timeoutMs, maxResponseBytes: limits.maxBytes }
  try {
    const exchange = async () => {
      deadline.signal.throwIfAborted() // the time may have passed while it waited its turn
      const response = await net.fetch(url, { ...bounds, ...init, signal: deadline.signal })
      return { status: response.status, body: await readBody(response, limits.maxBytes) }
    }
    // Also a fetch that ignores its signal gives its turn back in time.
    const bounded = () => Promise.race([exchange(), deadline.passed])
    const answer = net.turns ? net.turns.run(host, bounded) : bounded()
    return await Promise.race([answer, deadline.passed])
  } catch (cause) {
    throw upstreamError(host, cause, deadline.signal.aborted)
  } finally {
    deadline.clear()
  }
}

/** The answer's body as JSON. Throws UpstreamError naming who sent it. */
export function jsonBody(url: string, answer: Answer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(answer.body))
  } catch (cause) {
    const { host } = new URL(url)
    throw new UpstreamError('UpstreamFailure', host, `${host} did not send JSON`, { cause })
  }
}

/** The error of an answer whose status says neither yes nor no. */
export function unexpectedStatus(url: string, { status }: Answer): UpstreamError {
  const { host } = new URL(url)
  return new UpstreamError('UpstreamFailure', host, `${host} answered ${status}`)
}

interface Deadline {
  signal: AbortSignal
  /** Rejects when time is up: also a fetch that ignores its signal must not hold us. */
  passed: Promise<never>
  clear(): void
}

function startDeadline(timers: DeadlineTimers | undefined, timeoutMs: number): Deadline {
  const abort = new AbortController()
  const passed = new Promise<never>((_resolve, reject) => {
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true })
  })
  passed.catch(() => {}) // the race may be over before the deadline is
  const late = () => abort.abort(new Error(`no answer within ${timeoutMs} ms`))
  const timer = timers?.setTimeout(late, timeoutMs)
  return { signal: abort.signal, passed, clear: () => timers?.clearTimeout(timer as never) }
}

async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.length
    if (size > maxBytes) {
      await reader.cancel()
      throw new Error(`the answer is over ${maxBytes} bytes`)
    }
    chunks.push(value)
  }
  return joined(chunks, size)
}

function joined(chunks: Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}

function upstreamError(host: string, cause: unknown, late: boolean): UpstreamError {
  if (cause instanceof UpstreamError) return cause
  const timeout = late || (cause as { code?: unknown } | null)?.code === 'Timeout'
  const reason = cause instanceof Error ? cause.message : 'no answer'
  const code = timeout ? 'UpstreamTimeout' : 'UpstreamFailure'
  return new UpstreamError(code, host, `${host}: ${reason}`, { cause })
}
