/**
 * The sending side of WebSocket streams: one pump per subscriber, that asks for the next batch only
 * when its socket took the last one. Nothing is queued here; a reader that stalls is cut.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import { drained } from './drained.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Frame, FrameBatch } from './shapes.ts'
import { wireBatch } from './wire-frames.ts'

export interface SubscriberLimits {
  maxSubscribers: number
  /** A subscriber that takes nothing for this long while data waits is cut. */
  stallMs: number
  pingMs: number
  /** Most bytes of one message from a subscriber. */
  maxMessageBytes: number
}

const INBOX_MAX = 64
const GOING_AWAY = 1001
const INTERNAL_ERROR = 1011
const TOO_SLOW = 1008
/** What a cut subscriber gets to read the last frame. */
const LINGER_MS = 2_000

interface Accepted {
  batches: AsyncIterable<FrameBatch>
  inbox: SubscriberInbox
  abort: AbortController
  tooSlowFrame?: Frame
}

/** Messages from the subscriber, kept only when somebody reads them, and never many. */
export class SubscriberInbox implements AsyncIterable<Uint8Array> {
  private queue: Uint8Array[] | undefined
  private ended = false
  private wake: (() => void) | undefined

  push(message: Uint8Array): boolean {
    if (this.queue === undefined) return true
    if (this.queue.length >= INBOX_MAX) return false
    this.queue.push(message)
    this.wake?.()
    return true
  }

  end(): void {
    this.ended = true
    this.wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.queue ??= []
    for (;;) {
      const message = this.queue.shift()
      if (message) yield message
      else if (this.ended) return
      else await new Promise<void>((resolve) => (this.wake = resolve))
    }
  }
}

/** All subscribers of one listener. */
export class Subscribers {
  private readonly open = new Map<WebSocket, { alive: boolean; abort: AbortController }>()
  private server: Promise<WebSocketServer> | undefined
  private pinger: NodeJS.Timeout | undefined
  private readonly limits: SubscriberLimits
  private readonly log: Log
  private readonly frames
  private readonly bytes
  private readonly cut

  constructor(limits: SubscriberLimits, log: Log, metrics: Metrics) {
    this.limits = limits
    this.log = log
    this.frames = metrics.counter('stream_frames_sent', 'Frames written to subscribers')
    this.bytes = metrics.counter('stream_bytes_sent', 'Bytes written to subscribers')
    this.cut = metrics.counter('stream_subscribers_cut', 'Subscribers cut', ['reason'])
    metrics.gauge('stream_subscribers', 'Open subscribers', [], () => this.open.size)
  }

  get full(): boolean {
    return this.open.size >= this.limits.maxSubscribers
  }

  async accept(message: IncomingMessage, socket: Duplex, head: Buffer, to: Accepted) {
    const server = await (this.server ??= startServer(this.limits.maxMessageBytes))
    server.handleUpgrade(message, socket, head, (client) => {
      void this.serve(client, socket, to)
    })
    socket.once('close', () => to.abort.abort(new Error('subscriber went away')))
  }

  /** Says goodbye to everybody; sockets that do not answer are destroyed by the listener. */
  close(): void {
    clearTimeout(this.pinger)
    this.pinger = undefined
    for (const [client, state] of this.open) {
      state.abort.abort(new Error('listener closes'))
      client.close(GOING_AWAY)
    }
  }

  terminate(): void {
    for (const client of this.open.keys()) client.terminate()
  }

  private async serve(client: WebSocket, socket: Duplex, to: Accepted): Promise<void> {
    const state = { alive: true, abort: to.abort }
    this.open.set(client, state)
    this.schedulePing()
    client.on('pong', () => (state.alive = true))
    client.on('error', () => client.terminate())
    client.on('message', (data: Buffer) => {
      state.alive = true
      if (!to.inbox.push(data)) client.close(TOO_SLOW, 'too many messages')
    })
    client.on('close', () => {
      this.open.delete(client)
      to.inbox.end()
      to.abort.abort(new Error('subscriber went away'))
    })
    await this.pump(client, socket, to)
  }

  private async pump(client: WebSocket, socket: Duplex, to: Accepted): Promise<void> {
    try {
      for await (const batch of to.batches) {
        if (client.readyState !== client.OPEN) break
        const wire = wireBatch(batch)
        this.frames.add(batch.length)
        this.bytes.add(wire.length)
        if (!socket.write(wire, taken(batch)) && !(await drained(socket, this.limits.stallMs)))
          return this.cutSlow(client, socket, to)
      }
      if (client.readyState === client.OPEN) client.close(1000)
    } catch (error) {
      if (to.abort.signal.aborted) return
      this.cut.with('error').add()
      this.log.error('a stream failed', { error })
      client.close(INTERNAL_ERROR)
    }
  }

  private cutSlow(client: WebSocket, socket: Duplex, to: Accepted): void {
    if (socket.destroyed) return
    this.cut.with('slow').add()
    this.log.info('a subscriber read too slowly and was cut', {})
    if (to.tooSlowFrame !== undefined) socket.write(wireBatch([to.tooSlowFrame]))
    client.close(TOO_SLOW, 'too slow')
    to.abort.abort(new Error('subscriber was too slow'))
    setTimeout(() => client.terminate(), LINGER_MS).unref()
  }

  private schedulePing(): void {
    this.pinger ??= setTimeout(() => {
      this.pinger = undefined
      for (const [client, state] of this.open) {
        if (!state.alive) {
          this.cut.with('silent').add()
          client.terminate()
        } else if (client.readyState === client.OPEN) {
          state.alive = false
          client.ping()
        }
      }
      if (this.open.size > 0) this.schedulePing()
    }, this.limits.pingMs).unref()
  }
}

/** Tells a batch that asks for it when the socket has taken it; what a broken socket held is the collector's. */
function taken(batch: FrameBatch): ((error?: Error | null) => void) | undefined {
  if (!batch[Symbol.dispose]) return undefined
  return (error) => {
    if (!error) batch[Symbol.dispose]?.()
  }
}

async function startServer(maxPayload: number): Promise<WebSocketServer> {
  const { WebSocketServer } = await import('ws')
  return new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    clientTracking: false,
    maxPayload,
  })
}
