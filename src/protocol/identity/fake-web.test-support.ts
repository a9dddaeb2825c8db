/** A small web in memory for this room's tests: answers by URL, and what was asked. */
import type { Fetch } from './bounded-fetch.ts'

export type FakeAnswer =
  | { status?: number; body?: string | object | Uint8Array; headers?: Record<string, string> }
  | Error
  | 'hang'

export interface FakeWeb {
  fetch: Fetch
  /** Changes or adds an answer. */
  set(url: string, answer: FakeAnswer): void
  /** Method and URL of every request, in order. */
  asked: string[]
  inits: (RequestInit | undefined)[]
}

/** Unknown URLs are unreachable, as hosts that do not exist are. */
export function fakeWeb(pages: Record<string, FakeAnswer> = {}): FakeWeb {
  const answers = new Map(Object.entries(pages))
  const asked: string[] = []
  const inits: (RequestInit | undefined)[] = []
  return {
    asked,
    inits,
    set: (url, answer) => void answers.set(url, answer),
    async fetch(url, init) {
      asked.push(init?.method === undefined ? url : `${init.method} ${url}`)
      inits.push(init)
      const answer = answers.get(url) ?? new Error('unreachable')
      if (answer instanceof Error) throw answer
      if (answer === 'hang') return await new Promise<Response>(() => {})
      const { status = 200, body = '', headers } = answer
      const isRaw = typeof body === 'string' || body instanceof Uint8Array
      return new Response((isRaw ? body : JSON.stringify(body)) as BodyInit, { status, headers })
    },
  }
}

/** Timers that fire when told. */
export function handTimers() {
  const waiting = new Map<number, () => void>()
  let count = 0
  return {
    setTimeout(run: () => void) {
      waiting.set(++count, run)
      return count
    },
    clearTimeout(handle: unknown) {
      waiting.delete(handle as number)
    },
    fire() {
      for (const run of [...waiting.values()]) run()
    },
    get pending() {
      return waiting.size
    },
  }
}

/** A pseudo-random byte source: the same seed, the same keys. */
export function seeded(seed: number): (byteCount: number) => Uint8Array {
  let state = seed * 2_654_435_761 + 1
  return (byteCount) =>
    Uint8Array.from({ length: byteCount }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
      return state >>> 24
    })
}
