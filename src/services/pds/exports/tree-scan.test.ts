import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { openSqliteFile, type SqliteFile } from '#platform/storage'
import { cidForCbor } from '#protocol/crypto'
import { type CidBytes, carBlock, concatBytes } from '#protocol/data'
import { Tree } from '#protocol/repo'
import { AccountFile, MIGRATIONS } from '../account-files/index.ts'
import { scannedTree } from './tree-scan.ts'

const REV = '3l3qo2vutsw2b'
let folder: string
let fileCount = 0
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'falaj-scan-'))
})
after(() => rm(folder, { recursive: true }))

/** A repository in a file of its own, with its tree stored as writers store it. */
class Stored {
  readonly sql: SqliteFile
  readonly #file: AccountFile
  readonly #records = new Map<string, { cid: CidBytes; value: Uint8Array }>()
  tree = Tree.empty()

  constructor() {
    const path = join(folder, `${fileCount++}.sqlite`)
    this.sql = openSqliteFile(path, { migrations: MIGRATIONS })
    this.#file = new AccountFile(this.sql, path, (error) => error)
    this.#file.writeNodes(this.tree.root(), REV, this.tree.blocks(), 'all')
  }

  /** Sets records of so many bytes; removes those of none. */
  write(sizes: readonly (readonly [rkey: number, byteCount: number])[]): void {
    const before = Tree.open(this.tree.root(), this.#file.nodes)
    const edits = new Map<string, CidBytes | null>()
    for (const [rkey, byteCount] of sizes) {
      const path = `com.example.note/${rkey}`
      const value = new Uint8Array(byteCount).fill(rkey)
      const cid = cidForCbor(value)
      edits.set(path, byteCount > 0 ? cid : null)
      if (byteCount > 0) this.#records.set(path, { cid, value })
      else this.#records.delete(path)
      if (byteCount > 0) this.#file.putRecord({ path, cid, value }, REV)
      else this.sql.run('DELETE FROM records WHERE path = ?', [path])
    }
    for (const [path, cid] of edits) {
      if (cid !== null || before.get(path) !== undefined) continue
      edits.delete(path)
    }
    const next = before.apply([...edits])
    const { added, removed } = next.changes(before)
    this.#file.writeNodes(next.root(), REV, added, removed)
    this.tree = Tree.open(next.root(), this.#file.nodes)
  }

  scanned(): Uint8Array {
    return concatBytes([...scannedTree(this.sql, this.tree.root())])
  }

  walked(): Uint8Array {
    const parts = Array.from(this.tree.walk(), ({ path, cid, bytes }) =>
      carBlock(cid, bytes ?? this.#records.get(path!)!.value),
    )
    return concatBytes(parts)
  }

  close(): void {
    this.#file.close()
  }
}

/** Below, at and above where a length takes another byte, and where blocks are read one by one. */
const byteCounts = fc.oneof(
  fc.constantFrom(0, 0, 1, 91, 92, 4060, 4061, 20_000),
  fc.integer({ min: 1, max: 400 }),
)
const writes = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), byteCounts), {
  minLength: 1,
  maxLength: 120,
})

test('a scan gives what a walk of the tree gives, whatever was written and removed before', () => {
  const history = fc.array(writes, { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(history, (rounds) => {
      const stored = new Stored()
      for (const round of rounds) {
        stored.write(round)
        assert.deepEqual(stored.scanned(), stored.walked())
      }
      stored.close()
    }),
    { numRuns: 25 },
  )
})

test('more records than one scan takes come in one order', () => {
  const stored = new Stored()
  stored.write(Array.from({ length: 2_500 }, (_, i) => [i * 7, 30 + (i % 150)] as const))
  assert.deepEqual(stored.scanned(), stored.walked())
  stored.close()
})

test('a tree without records is its one node', () => {
  const stored = new Stored()
  assert.deepEqual(stored.scanned(), stored.walked())
  stored.write([[1, 5]])
  stored.write([[1, 0]])
  assert.deepEqual(stored.scanned(), stored.walked())
  stored.close()
})

test('a block that is missing, changed or too many is noticed', () => {
  const damages = [
    `DELETE FROM records WHERE path = 'com.example.note/250'`,
    `DELETE FROM records WHERE path = (SELECT max(path) FROM records)`,
    `UPDATE records SET block = (SELECT block FROM records LIMIT 1) WHERE path = 'com.example.note/250'`,
    `DELETE FROM nodes WHERE cid = (SELECT max(cid) FROM nodes)`,
    `INSERT INTO records SELECT path || '-', rev, block FROM records LIMIT 1`,
    `UPDATE nodes SET path = path || '0' WHERE cid = (SELECT min(cid) FROM nodes)`,
  ]
  for (const damage of damages) {
    const stored = new Stored()
    stored.write(Array.from({ length: 300 }, (_, i) => [i, 50] as const))
    stored.sql.exec(damage)
    assert.throws(() => stored.scanned(), { code: 'Corrupt' }, damage)
    stored.close()
  }
})
