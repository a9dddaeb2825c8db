/** A directory of identities in memory, for the tests of this room: the real rules, no network. */
import { type FrameBatch, OutgoingError, type SubscribeOptions } from '#platform/runtime'
import {
  type AnyPlcOperation,
  applyPlcOperation,
  type PlcLogEntry,
  parsePlcOperation,
  plcData,
  plcDocument,
} from '#protocol/identity'
import { type Did, ProtocolError } from '#protocol/syntax'

/** How the directory behaves. `deaf`: what it accepts it keeps, but its answer is lost. */
export type PlcMood = 'well' | 'refuses' | 'down' | 'deaf'

export const plcOrigin = 'http://plc.test'

export class FakePlc {
  readonly #logs = new Map<Did, PlcLogEntry[]>()
  mood: PlcMood = 'well'
  /** Method and path of every request, in order. */
  readonly asked: string[] = []
  #clockMs = Date.UTC(2026, 0, 1)
  readonly #stream: string[] = []
  readonly #listeners = new Set<() => void>()
  /** Whether it has a stream. */
  streams = true

  /** The log of one identity, oldest first. */
  log(did: Did): readonly PlcLogEntry[] {
    return this.#logs.get(did) ?? []
  }

  /** Accepts an operation or throws ProtocolError. */
  submit(did: Did, operation: AnyPlcOperation): void {
    const log = this.#logs.get(did) ?? []
    // Strictly rising, as the real one's.
    this.#clockMs += 1000
    const inForce = log.filter((entry) => !entry.nullified)
    const { cid, nullified } = applyPlcOperation(did, inForce, operation, this.#clockMs)
    for (const entry of log) if (nullified.includes(entry.cid)) entry.nullified = true
    const createdAt = new Date(this.#clockMs).toISOString()
    this.#logs.set(did, [...log, { did, operation, cid, nullified: false, createdAt }])
    const seq = this.#stream.length + 1
    const entry = { type: 'sequenced_op', did, operation, cid, createdAt, seq }
    this.#stream.push(JSON.stringify(entry))
    for (const wake of [...this.#listeners]) wake()
  }

  /** Time goes on: what it accepts next is later by this. */
  advance(ms: number): void {
    this.#clockMs += ms
  }

  /** Its export stream. */
  async *subscribe(target: string, { signal }: SubscribeOptions): AsyncGenerator<FrameBatch> {
    const url = new URL(target)
    this.asked.push(`STREAM ${url.pathname}${url.search}`)
    if (!this.streams || this.mood === 'down')
      throw new OutgoingError('Refused', url.host, 'no stream', { status: 404 })
    let at = Number(url.searchParams.get('cursor') ?? this.#stream.length)
    if (at > this.#stream.length)
      throw new OutgoingError('Refused', url.host, 'FutureCursor', { status: 400 })
    while (!signal.aborted && this.streams) {
      const frames = this.#stream.slice(at)
      at = this.#stream.length
      if (frames.length > 0) yield frames
      else await this.#news(signal)
    }
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#listeners.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#listeners.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  /** Ends every stream. */
  hangUp(): void {
    this.streams = false
    for (const wake of [...this.#listeners]) wake()
  }

  async fetch(url: URL, init: RequestInit = {}): Promise<Response> {
    const { method = 'GET' } = init
    this.asked.push(`${method} ${url.pathname}`)
    if (this.mood === 'down') throw new TypeError('the directory is down')
    const [did, ...rest] = url.pathname.slice(1).split('/') as [Did, ...string[]]
    if (method === 'POST') return this.#post(did, String(init.body))
    const last = this.log(did).findLast((entry) => !entry.nullified)
    if (!last) return answer(404, { message: 'DID not registered' })
    switch (rest.join('/')) {
      case '':
        if (last.operation.type === 'plc_tombstone') return answer(410, { message: 'gone' })
        return answer(200, plcDocument(plcData(did, last.operation)!))
      case 'log/last':
        return answer(200, last.operation)
      case 'log/audit':
        return answer(200, this.log(did))
      default:
        return answer(404, { message: 'Not found' })
    }
  }

  #post(did: Did, body: string): Response {
    if (this.mood === 'refuses') return answer(400, { message: 'refused by the test' })
    try {
      this.submit(did, parsePlcOperation(JSON.parse(body)))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return answer(400, { message: error.message })
    }
    if (this.mood === 'deaf') throw new TypeError('the answer was lost')
    return answer(200, {})
  }
}

const answer = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
