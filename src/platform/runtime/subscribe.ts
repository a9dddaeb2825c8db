/** Reading somebody's WebSocket stream, a batch of frames at a time, no faster than we work. */
import type { LookupFunction } from 'node:net'
import type { ClientOptions, WebSocket as Socket } from 'ws'
import {
  type AddressGuard,
  type AddressRules,
  addressGuard,
  checkLiteral,
  guardedLookup,
} from './addresses.ts'
import { OutgoingError } from './outgoing-error.ts'
import type { Frame, FrameBatch, Subscribe, SubscribeOptions } from './shapes.ts'

export interface NetworkSubscribeOptions extends AddressRules {
  handshakeTimeoutMs?: number
  /** Most bytes of a frame unless the caller says otherwise. */
  maxFrameBytes?: number
  /** The other side is asked for a sign of life this often, and given up after two silences. */
  pingMs?: number
  /** Reading stops while this much waits for the consumer. */
  bufferBytes?: number
  userAgent?: string
}

const FRAME_BYTES = 5 * 1024 * 1024 + 64 * 1024 // the largest frame the protocol allows, and its envelope
const BUFFER_BYTES = 1024 * 1024

/** A Subscribe over the network, with the guards of the outgoing fetch. */
export function networkSubscribe(options: NetworkSubscribeOptions = {}): Subscribe {
  const allowed = addressGuard(options)
  return (url, call) => read(url, call, options, allowed)
}

async function* read(
  url: string,
  call: SubscribeOptions,
  options: NetworkSubscribeOptions,
  allowed: AddressGuard,
): AsyncGenerator<FrameBatch> {
  if (call.signal.aborted) return
  const target = socketUrl(url)
  checkLiteral(target.hostname, allowed)
  const { WebSocket } = await import('ws')
  const settings: ClientOptions & { lookup: LookupFunction } = {
    perMessageDeflate: false,
    maxPayload: call.maxFrameBytes ?? options.maxFrameBytes ?? FRAME_BYTES,
    handshakeTimeout: options.handshakeTimeoutMs ?? 10_000,
    lookup: guardedLookup(allowed),
    headers: { 'user-agent': options.userAgent ?? 'falaj', ...call.headers },
  }
  const inbox = new Inbox(new WebSocket(target, settings), target.host, options)
  const stop = () => inbox.stop()
  call.signal.addEventListener('abort', stop, { once: true })
  try {
    for (;;) {
      const batch = await inbox.take()
      if (batch === undefined || call.signal.aborted) return
      yield batch
    }
  } finally {
    call.signal.removeEventListener('abort', stop)
    inbox.stop()
  }
}

function socketUrl(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new OutgoingError('UnsupportedUrl', '', 'not a URL', { cause })
  }
  if (url.protocol === 'http:') url.protocol = 'ws:'
  if (url.protocol === 'https:') url.protocol = 'wss:'
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
    throw new OutgoingError('UnsupportedUrl', url.host, `cannot subscribe to ${url.protocol} URLs`)
  if (url.username || url.password)
    throw new OutgoingError('UnsupportedUrl', url.host, 'URL carries credentials')
  url.hash = ''
  return url
}

/** Frames received and not yet taken; pauses the socket when that is too much. */
class Inbox {
  private frames: Frame[] = []
  private bytes = 0
  private ended = false
  private error: Error | undefined
  private wake: (() => void) | undefined
  private alive = true
  private pinger: NodeJS.Timeout | undefined
  private readonly socket: Socket
  private readonly host: string
  private readonly bufferBytes: number
  private readonly pingMs: number

  constructor(socket: Socket, host: string, options: NetworkSubscribeOptions) {
    this.socket = socket
    this.host = host
    this.bufferBytes = options.bufferBytes ?? BUFFER_BYTES
    this.pingMs = options.pingMs ?? 30_000
    socket.on('open', () => this.ping())
    socket.on('pong', () => (this.alive = true))
    socket.on('message', (data: Buffer, isBinary: boolean) => this.receive(data, isBinary))
    socket.on('unexpected-response', (_request, response) => {
      const status = response.statusCode ?? 0
      response.destroy()
      this.fail(
        new OutgoingError('Refused', host, `${host} refused the stream with ${status}`, { status }),
      )
    })
    socket.on('error', (cause) => this.fail(this.explain(cause)))
    socket.on('close', () => this.end())
  }

  /** Everything that waits, or undefined at the end. One caller at a time. */
  async take(): Promise<FrameBatch | undefined> {
    while (this.frames.length === 0) {
      if (this.error) throw this.error
      if (this.ended) return undefined
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
    const batch = this.frames
    this.frames = []
    this.bytes = 0
    if (this.socket.isPaused) this.socket.resume()
    return batch
  }

  stop(): void {
    this.end()
    this.socket.terminate()
  }

  private receive(data: Buffer, isBinary: boolean): void {
    this.alive = true
    this.frames.push(isBinary ? data : data.toString())
    this.bytes += data.length
    if (this.bytes >= this.bufferBytes) this.socket.pause()
    this.notify()
  }

  /** A paused socket shows no sign of life because we do not look: that is not its silence. */
  private ping(): void {
    this.pinger = setTimeout(() => {
      if (!this.alive && !this.socket.isPaused) {
        this.fail(new OutgoingError('Timeout', this.host, `${this.host} went silent`))
        return this.socket.terminate()
      }
      this.alive = this.socket.isPaused
      this.socket.ping()
      this.ping()
    }, this.pingMs)
  }

  private fail(error: Error): void {
    this.error ??= this.ended ? undefined : error
    this.end()
  }

  private end(): void {
    this.ended = true
    clearTimeout(this.pinger)
    this.notify()
  }

  private notify(): void {
    const wake = this.wake
    this.wake = undefined
    wake?.()
  }

  private explain(cause: Error): Error {
    if (cause instanceof OutgoingError) return cause
    const code = (cause as { code?: string }).code ?? ''
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      return new OutgoingError('TooLarge', this.host, `${this.host} sent a frame over the limit`)
    if (cause.message.includes('handshake has timed out'))
      return new OutgoingError('Timeout', this.host, `${this.host} did not open the stream in time`)
    return new OutgoingError(
      'Unreachable',
      this.host,
      `stream of ${this.host} failed: ${code || cause.message}`,
      { cause },
    )
  }
}
