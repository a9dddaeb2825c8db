import type { Blobs, Sql } from '#platform/storage'
import type { KeptPicture } from './memory.ts'

export interface ShelfParts {
  sql: Sql
  blobs: Blobs
  now(): number
  bytesMax: number
}

interface Row {
  type: string
  bytes: number
  checked_ms: number
  used_ms: number
}

const HOUR_MS = 3_600_000
/** Removed in one go when the shelf is full, so that this is not done for each picture. */
const CLEARED_SHARE = 0.1
const CLEARED_AT_ONCE = 200

/**
 * Finished pictures on the disk or in a bucket, up to a number of bytes; the ones unused for longest go
 * first. A cache: what is lost is made again, so nothing is synced, and a name whose bytes are gone is
 * as good as unknown.
 */
export class Shelf {
  readonly #parts: ShelfParts
  #bytes: number
  #clearing: Promise<void> | undefined

  private constructor(parts: ShelfParts, bytes: number) {
    this.#parts = parts
    this.#bytes = bytes
  }

  static async open(parts: ShelfParts): Promise<Shelf> {
    const row = await parts.sql.get<{ bytes: number }>(
      'SELECT coalesce(sum(bytes), 0) AS bytes FROM picture',
    )
    return new Shelf(parts, row?.bytes ?? 0)
  }

  get bytes(): number {
    return this.#bytes
  }

  async get(name: string): Promise<KeptPicture | undefined> {
    const { sql, blobs, now } = this.#parts
    const row = await sql.get<Row>(
      'SELECT type, bytes, checked_ms, used_ms FROM picture WHERE name = ?',
      [name],
    )
    if (row === undefined) return undefined
    const stored = await blobs.get(name)
    const bytes = stored && (await whole(stored.body, stored.size))
    if (bytes?.length !== row.bytes) {
      await this.#remove([{ name, bytes: row.bytes }])
      return undefined
    }
    if (now() - row.used_ms > HOUR_MS)
      await sql.run('UPDATE picture SET used_ms = ? WHERE name = ?', [now(), name])
    return { type: row.type, bytes, checkedMs: row.checked_ms }
  }

  async set(name: string, { type, bytes, checkedMs }: KeptPicture): Promise<void> {
    const { sql, blobs, now, bytesMax } = this.#parts
    if (bytes.length > bytesMax) return
    const staged = await blobs.stage(bytes)
    await staged.commit(name)
    const { changes } = await sql.run(
      `INSERT INTO picture (name, type, bytes, checked_ms, used_ms) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING`,
      [name, type, bytes.length, checkedMs, now()],
    )
    if (changes > 0) this.#bytes += bytes.length
    if (this.#bytes > bytesMax)
      this.#clearing ??= this.#clear().finally(() => {
        this.#clearing = undefined
      })
    await this.#clearing
  }

  /** The original of this picture was at its host at `checkedMs`. */
  async checked(name: string, checkedMs: number): Promise<void> {
    const values = [checkedMs, name]
    await this.#parts.sql.run('UPDATE picture SET checked_ms = ? WHERE name = ?', values)
  }

  async delete(name: string): Promise<void> {
    const select = 'SELECT bytes FROM picture WHERE name = ?'
    const row = await this.#parts.sql.get<{ bytes: number }>(select, [name])
    if (row !== undefined) await this.#remove([{ name, bytes: row.bytes }])
  }

  async #clear(): Promise<void> {
    const { sql, bytesMax } = this.#parts
    while (this.#bytes > bytesMax * (1 - CLEARED_SHARE)) {
      const oldest = await sql.all<{ name: string; bytes: number }>(
        'SELECT name, bytes FROM picture ORDER BY used_ms, name LIMIT ?',
        [CLEARED_AT_ONCE],
      )
      const goal = this.#bytes - bytesMax * (1 - CLEARED_SHARE)
      let sum = 0
      const gone = oldest.filter(({ bytes }) => {
        if (sum >= goal) return false
        sum += bytes
        return true
      })
      if (gone.length === 0) return
      await this.#remove(gone)
    }
  }

  async #remove(gone: readonly { name: string; bytes: number }[]): Promise<void> {
    const { sql, blobs } = this.#parts
    for (const { name, bytes } of gone) {
      const { changes } = await sql.run('DELETE FROM picture WHERE name = ?', [name])
      if (changes > 0) this.#bytes -= bytes
    }
    await blobs.delete(gone.map(({ name }) => name))
  }
}

async function whole(body: AsyncIterable<Uint8Array>, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  let at = 0
  for await (const chunk of body) {
    if (at + chunk.length <= size) bytes.set(chunk, at)
    at += chunk.length
  }
  return at === size ? bytes : bytes.subarray(0, 0)
}
