import type { Entry, Stream } from '#platform/storage'
import type { FrameBatch, HttpRequest } from '#protocol/xrpc'
import { eventsOf, seqBefore } from '../archive/index.ts'
import type { Filter } from './filter.ts'
import { readOptions, readUpdate, type SubscribeOptions } from './options.ts'

/** Opens /subscribe. Throws InvalidRequest before the stream begins. */
export function subscribe(stream: Stream, request: HttpRequest): AsyncIterable<FrameBatch> {
  const options = readOptions(request)
  return follow(stream, options, new Reader(options, request))
}

/** A reader's filter, as its messages change it. */
class Reader {
  filter: Filter
  /** Settles with the first options, or when there will be none. */
  readonly hello: Promise<void>
  readonly #end = new AbortController()
  #greet: () => void = () => {}

  constructor({ filter, requireHello }: SubscribeOptions, { body, signal }: HttpRequest) {
    this.filter = filter
    this.hello = requireHello
      ? new Promise((resolve) => {
          this.#greet = resolve
        })
      : Promise.resolve()
    signal.addEventListener('abort', () => this.#stop(), { once: true, signal: this.signal })
    if (signal.aborted) this.#stop()
    if (body && !(body instanceof Uint8Array)) void this.#listen(body)
  }

  /** Aborts when the reader is gone, or said what makes no sense. */
  get signal(): AbortSignal {
    return this.#end.signal
  }

  async #listen(messages: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const message of messages) {
        const filter = readUpdate(message)
        if (filter) this.filter = filter
        if (filter) this.#greet()
      }
    } catch {
      this.#stop()
    }
  }

  #stop(): void {
    this.#end.abort()
    this.#greet()
  }
}

async function* follow(
  stream: Stream,
  { cursorUs }: SubscribeOptions,
  reader: Reader,
): AsyncIterable<FrameBatch> {
  await reader.hello
  const { signal } = reader
  const { last } = stream.bounds()
  const after = cursorUs === undefined ? last : await seqBefore(stream, cursorUs)
  for await (const batch of stream.read({ after, live: true, signal })) {
    const frames = framesOf(batch, reader.filter)
    if (frames.length > 0) yield frames
  }
}

const whole = new WeakMap<readonly Entry[], FrameBatch>()

/** Readers without a filter share one batch, built once. */
function framesOf(batch: readonly Entry[], filter: Filter): FrameBatch {
  if (!filter.isOpen) return pick(batch, filter)
  const known = whole.get(batch)
  if (known) return known
  const frames = eventsOf(batch).map(({ json }) => json)
  whole.set(batch, frames)
  return frames
}

function pick(batch: readonly Entry[], filter: Filter): FrameBatch {
  const frames: string[] = []
  for (const event of eventsOf(batch)) if (filter.wants(event)) frames.push(event.json)
  return frames
}
