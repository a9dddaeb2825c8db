import type { Loop } from '#platform/runtime'
import type { Sql, Stream } from '#platform/storage'
import { decodeCbor } from '#protocol/data'
import { encodeFrame } from '#protocol/xrpc'

const BATCH = 500

/**
 * Brings what was said into the stream that subscribers read, in its order and each once: the
 * stream's newest entry names the label it holds, so a stop in between is made up for. The payload
 * of an entry is its frame.
 */
export class LabelPublisher {
  readonly loop: Loop = { name: 'labels', run: (signal) => this.#run(signal) }
  readonly #sql: Sql
  readonly #stream: Stream
  #wake: (() => void) | undefined
  #isAwake = false

  constructor({ sql, stream }: { sql: Sql; stream: Stream }) {
    this.#sql = sql
    this.#stream = stream
  }

  /** There may be labels to publish. */
  wake(): void {
    this.#isAwake = true
    this.#wake?.()
  }

  async #run(signal: AbortSignal): Promise<void> {
    let lastId = await this.#publishedId()
    const stop = () => this.wake()
    signal.addEventListener('abort', stop, { once: true })
    while (!signal.aborted) {
      this.#isAwake = false
      const rows = await this.#sql.all<{ id: number; bytes: Uint8Array }>(
        'select id, bytes from label where id > ? order by id limit ?',
        [lastId, BATCH],
      )
      if (rows.length === 0) await this.#rest()
      else {
        await this.#stream.append(rows.map(entryOf)).durable
        lastId = rows.at(-1)!.id
      }
    }
    signal.removeEventListener('abort', stop)
  }

  async #rest(): Promise<void> {
    if (this.#isAwake) return
    await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#wake = undefined
  }

  /** Throws when the stream knows more than the database: one of them is not the other's. */
  async #publishedId(): Promise<number> {
    const { durable } = this.#stream.bounds()
    let id = 0
    for await (const batch of this.#stream.tail(durable - 1))
      for (const entry of batch) id = Number(entry.key)
    const newest = await this.#sql.get<{ id: number | null }>('select max(id) as id from label')
    if (id > (newest?.id ?? 0))
      throw new Error(`label ${id} was published, and is not in the database`)
    return id
  }
}

function entryOf({ id, bytes }: { id: number; bytes: Uint8Array }) {
  const labels = [decodeCbor(bytes)]
  return {
    key: String(id),
    kind: 0,
    make: (seq: number) => encodeFrame('#labels', { seq, labels }),
  }
}
