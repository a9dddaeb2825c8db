import { bytesKey, type CidBytes } from '#protocol/data'
import { linksOf } from '#protocol/repo'
import type { BlockReader, Instant } from '../kept/index.ts'

/** Notes every block that instants lead to. Trees that share a part are walked once through it. */
export class Marks {
  readonly #reader: BlockReader
  readonly #reached = new Set<string>()

  constructor(reader: BlockReader) {
    this.#reader = reader
  }

  has(cid: CidBytes): boolean {
    return this.#reached.has(bytesKey(cid))
  }

  /** False when a block that it leads to is missing; the rest is noted. Throws Damaged. */
  async add({ cid, data }: Pick<Instant, 'cid' | 'data'>): Promise<boolean> {
    this.#reached.add(bytesKey(cid))
    let isWhole = true
    const stack: { cid: CidBytes; layer?: number }[] = [{ cid: data }]
    for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
      const key = bytesKey(step.cid)
      if (this.#reached.has(key)) continue
      const bytes = this.#reader.peek(step.cid) ?? (await this.#reader.get(step.cid))
      if (bytes === undefined) {
        isWhole = false
        continue
      }
      this.#reached.add(key)
      for (const link of linksOf(bytes, step.cid, step.layer)) {
        if (link.kind === 'node') stack.push(link)
        else this.#reached.add(bytesKey(link.cid))
      }
    }
    return isWhole
  }
}
