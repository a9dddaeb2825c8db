/** A request body as it arrives, with a limit on its size and on how slowly it may come. */
import type { IncomingMessage } from 'node:http'

export interface BodyLimits {
  maxBytes: number
  /** Silence after which the body is given up, in milliseconds. */
  stallMs: number
  /** Below this many bytes per second, counted over the time we waited, it is given up too. */
  minBytesPerSecond: number
}

/** The body broke a limit or its connection; `status` is what the client may be told. */
export class BodyError extends Error {
  readonly status: number
  readonly code: 'PayloadTooLarge' | 'RequestTimeout' | 'Aborted'
  constructor(status: number, code: BodyError['code'], message: string) {
    super(message)
    this.name = 'BodyError'
    this.status = status
    this.code = code
  }
}

/** More than this is not read ahead of who asks for it. */
const READ_AHEAD_BYTES = 256 * 1024

/**
 * Yields what has arrived, a chunk at a time; reading is back-pressure. Read it once. A chunk's bytes are the reader's:
 * whoever has done with them for good may say so (`chunk[Symbol.dispose]`), which frees them before the collector does.
 */
export class RequestBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  private bytes = 0
  private waitedMs = 0
  private readonly message: IncomingMessage
  private readonly limits: BodyLimits
  private readonly arrived: Buffer[] = []
  private arrivedBytes = 0
  private isFlowing = false
  /** Nobody reads any more: what still comes is dropped. */
  private isDropping = false
  private wake: (() => void) | undefined

  constructor(message: IncomingMessage, limits: BodyLimits) {
    this.message = message
    this.limits = limits
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** All that is buffered of a message that has come completely. */
  rest(): Uint8Array {
    return (this.message.read() as Buffer | null) ?? new Uint8Array(0)
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (!this.isFlowing) this.flow()
    for (;;) {
      const chunk = this.arrived.shift()
      if (chunk !== undefined) return { done: false, value: this.counted(chunk) }
      const { message } = this
      if (message.readableEnded || this.isDropping) return { done: true, value: undefined }
      if (message.destroyed || message.errored)
        throw new BodyError(400, 'Aborted', 'the request body broke off')
      await this.more()
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.drop() // so that the connection can be used again
    return { done: true, value: undefined }
  }

  private flow(): void {
    this.isFlowing = true
    const wake = () => this.wake?.()
    this.message.on('end', wake).on('close', wake).on('error', wake)
    this.message.on('data', (chunk: Buffer) => {
      if (this.isDropping) return
      this.arrived.push(chunk)
      this.arrivedBytes += chunk.length
      if (this.arrivedBytes >= READ_AHEAD_BYTES) this.message.pause()
      this.wake?.()
    })
  }

  private drop(): void {
    this.isDropping = true
    this.arrived.length = 0
    this.message.resume()
  }

  private counted(chunk: Buffer): Uint8Array {
    this.arrivedBytes -= chunk.length
    if (this.arrivedBytes < READ_AHEAD_BYTES && this.message.isPaused()) this.message.resume()
    this.bytes += chunk.length
    if (this.bytes <= this.limits.maxBytes) return disposable(chunk)
    this.drop()
    throw new BodyError(413, 'PayloadTooLarge', `body is over ${this.limits.maxBytes} bytes`)
  }

  private more(): Promise<void> {
    const started = performance.now()
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer)
        this.wake = undefined
        this.waitedMs += performance.now() - started
        if (!this.tooSlow()) return resolve()
        this.drop()
        reject(slow())
      }
      // Silence is decided here alone: a timer may come a moment early by the clock that is asked above.
      const timer = setTimeout(() => {
        this.wake = undefined
        this.drop()
        reject(slow())
      }, this.limits.stallMs)
      this.wake = done
    })
  }

  private tooSlow(): boolean {
    const { stallMs, minBytesPerSecond } = this.limits
    return this.waitedMs > stallMs && this.bytes < (this.waitedMs / 1000) * minBytesPerSecond
  }
}

function slow(): BodyError {
  return new BodyError(408, 'RequestTimeout', 'the request body came too slowly')
}

/**
 * The parser gives each large chunk memory of its own, and the collector is late to see how much that is: freeing it by
 * hand saves most of its work during uploads.
 */
function disposable(chunk: Buffer): Uint8Array {
  return Object.assign(chunk, { [Symbol.dispose]: free })
}

function free(this: Buffer): void {
  const { buffer } = this
  if (buffer.byteLength > 0 && buffer.byteLength === this.byteLength)
    (buffer as ArrayBuffer).transfer(0)
}
