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

/** Yields what has arrived, a chunk at a time; reading is back-pressure. Read it once. */
export class RequestBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  private bytes = 0
  private waitedMs = 0
  private readonly message: IncomingMessage
  private readonly limits: BodyLimits

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
    for (;;) {
      const chunk = this.message.read() as Buffer | null
      if (chunk !== null) return { done: false, value: this.counted(chunk) }
      if (this.message.readableEnded || this.message.complete)
        return this.message.readableLength > 0 ? this.next() : { done: true, value: undefined }
      if (this.message.destroyed || this.message.errored)
        throw new BodyError(400, 'Aborted', 'the request body broke off')
      await this.more()
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.message.resume() // the rest is read and dropped, so that the connection can be used again
    return { done: true, value: undefined }
  }

  private counted(chunk: Buffer): Uint8Array {
    this.bytes += chunk.length
    if (this.bytes > this.limits.maxBytes)
      throw new BodyError(413, 'PayloadTooLarge', `body is over ${this.limits.maxBytes} bytes`)
    return chunk
  }

  private more(): Promise<void> {
    const { message, limits } = this
    const started = performance.now()
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer)
        message.off('readable', done).off('end', done).off('close', done).off('error', done)
        this.waitedMs += performance.now() - started
        if (this.tooSlow()) reject(slow())
        else resolve()
      }
      const timer = setTimeout(() => {
        done()
        reject(slow())
      }, limits.stallMs)
      message.on('readable', done).on('end', done).on('close', done).on('error', done)
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
