/** Finding a moment in the archive. */
import type { Stream } from '#platform/storage'
import { eventsOf, type StoredEvent } from './stored-event.ts'

/**
 * The newest seq before the first event of `timeUs` or later: reading after it begins exactly there.
 * Times rise with seqs, also when the clock did not, so a search by halves finds it.
 */
export async function seqBefore(stream: Stream, timeUs: number): Promise<number> {
  const { first, last } = stream.bounds()
  let low = first - 1
  let high = last
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const found = await firstAfter(stream, middle)
    if (!found || found.event.timeUs >= timeUs) high = middle
    else low = found.seq
  }
  return low
}

async function firstAfter(
  stream: Stream,
  after: number,
): Promise<{ seq: number; event: StoredEvent } | undefined> {
  for await (const batch of stream.read({ after })) {
    const entry = batch.find(({ blanked }) => !blanked)
    if (entry) return { seq: entry.seq, event: eventsOf([entry])[0]! }
  }
  return undefined
}
