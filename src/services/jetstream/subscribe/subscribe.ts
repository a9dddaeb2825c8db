import type { Entry, Stream } from '#platform/storage'
import { type FrameBatch, type HttpRequest, invalidRequest } from '#protocol/xrpc'
import { readEvent } from '../archive/index.ts'
import { type Filter, readFilter } from './filter.ts'

/** Opens /subscribe. Throws InvalidRequest before the stream begins. */
export function subscribe(stream: Stream, request: HttpRequest): AsyncIterable<FrameBatch> {
  const query = new URLSearchParams(request.query)
  const filter = readFilter(query)
  return follow(stream, filter, readCursor(query.get('cursor')), request.signal)
}

/** A time in microseconds; one ahead of the clock means "from now on". */
function readCursor(text: string | null): number | undefined {
  if (text === null || text === '') return undefined
  const timeUs = Number(text)
  if (!Number.isSafeInteger(timeUs) || timeUs < 0) throw invalidRequest('invalid cursor')
  return timeUs
}

async function* follow(
  stream: Stream,
  filter: Filter,
  cursorUs: number | undefined,
  signal: AbortSignal,
): AsyncIterable<FrameBatch> {
  // A millisecond early: event times are given a little before the entries' own.
  const after =
    cursorUs === undefined
      ? stream.bounds().last
      : await stream.seqBefore(Math.floor(cursorUs / 1000) - 1_000)
  let replaying = cursorUs !== undefined
  for await (const batch of stream.read({ after, live: true, signal })) {
    const frames = replaying ? pick(batch, filter, cursorUs!) : framesOf(batch, filter)
    const last = batch.at(-1)!
    if (replaying && !last.blanked && readEvent(last).timeUs >= cursorUs!) replaying = false
    if (frames.length > 0) yield frames
  }
}

const whole = new WeakMap<readonly Entry[], FrameBatch>()

/** Readers without a filter share one batch, built once. */
function framesOf(batch: readonly Entry[], filter: Filter): FrameBatch {
  if (!filter.isOpen) return pick(batch, filter, 0)
  const known = whole.get(batch)
  if (known) return known
  const frames = pick(batch, filter, 0)
  whole.set(batch, frames)
  return frames
}

function pick(batch: readonly Entry[], filter: Filter, fromUs: number): FrameBatch {
  const frames: string[] = []
  for (const entry of batch) {
    if (entry.blanked) continue
    const event = readEvent(entry)
    if (event.timeUs >= fromUs && filter.wants(event)) frames.push(event.json)
  }
  return frames
}
