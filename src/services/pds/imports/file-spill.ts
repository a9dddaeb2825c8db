import type { CidBytes } from '#protocol/data'
import { BlockMap } from '#protocol/repo'
import type { AccountFile } from '../account-files/index.ts'

/** Bytes kept in memory before they go to the file in one transaction. */
const BUFFER_BYTES = 4_000_000

/** Blocks of an import that came before their turn: in the staged file, past a small buffer. */
export class FileSpill {
  readonly #file: AccountFile
  #buffer = new BlockMap()
  #isStored = false

  constructor(file: AccountFile) {
    this.#file = file
  }

  put(cid: CidBytes, bytes: Uint8Array): void {
    this.#buffer.add(cid, bytes)
    if (this.#buffer.byteCount < BUFFER_BYTES) return
    this.#file.spill(this.#buffer.entries())
    this.#buffer = new BlockMap()
    this.#isStored = true
  }

  /** A block put earlier, or a record that was already given out. */
  get(cid: CidBytes): Uint8Array | undefined {
    const buffered = this.#buffer.get(cid)
    if (buffered) return buffered
    return (this.#isStored ? this.#file.spilled(cid) : undefined) ?? this.#file.stagedRecord(cid)
  }
}
