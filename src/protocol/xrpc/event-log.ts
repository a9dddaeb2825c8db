/** A stored event log as a subscription: cursor rules, replay, live tail. */
import { XrpcError } from './error.ts'
import { encodeFrame } from './frames.ts'
import type { FrameBatch } from './http.ts'

/** What is needed of a durable log; the storage floor's streams fit. */
export interface EventLog<E> {
  bounds(): { first: number; last: number }
  read(options: {
    after: number
    live: true
    signal: AbortSignal
  }): AsyncIterable<readonly E[] & Partial<Disposable>>
}

const outdated = encodeFrame('#info', {
  name: 'OutdatedCursor',
  message: 'Requested cursor exceeded limit. Possibly missing events',
})

/**
 * Follows a log from a cursor; without one, from now on. Throws FutureCursor for a cursor ahead of
 * the log; says `#info` OutdatedCursor when the log no longer reaches back so far, except to cursor
 * 0, which asks for all there is. `framesOf` makes the frames of a batch: the log hands the same
 * batch to every live reader, so let it remember.
 * https://atproto.com/specs/event-stream#sequence-numbers
 */
export async function* followLog<E>(
  log: EventLog<E>,
  { cursor, signal }: { cursor: number | undefined; signal: AbortSignal },
  framesOf: (batch: readonly E[]) => FrameBatch,
): AsyncGenerator<FrameBatch, void> {
  const { first, last } = log.bounds()
  if (cursor !== undefined && cursor > last) {
    throw new XrpcError(400, 'FutureCursor', 'Cursor in the future.')
  }
  if (cursor && first > 1 && cursor < first - 1) yield [outdated]
  for await (const batch of log.read({ after: cursor ?? last, live: true, signal })) {
    const frames = framesOf(batch)
    if (frames.length > 0) yield untilTaken(frames, batch)
    else batch[Symbol.dispose]?.()
  }
}

/** Frames that lie in a batch which is its reader's alone pass on that it is done with. */
function untilTaken(frames: FrameBatch, batch: Partial<Disposable>): FrameBatch {
  if (!batch[Symbol.dispose]) return frames
  return Object.defineProperty(frames, Symbol.dispose, {
    value: () => batch[Symbol.dispose]?.(),
    configurable: true,
  })
}

/** Makes the frames of a batch once, however many readers it is handed to. */
export function framesOnce<E>(
  frameOf: (entry: E) => Uint8Array | undefined,
): (batch: readonly E[]) => FrameBatch {
  const made = new WeakMap<readonly E[], FrameBatch>()
  return (batch) => {
    const known = made.get(batch)
    if (known) return known
    const frames: Uint8Array[] = []
    for (const entry of batch) {
      const frame = frameOf(entry)
      if (frame) frames.push(frame)
    }
    made.set(batch, frames)
    return frames
  }
}
