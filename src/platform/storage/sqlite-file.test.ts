import assert from 'node:assert/strict'
import { copyFileSync, existsSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { SqliteFile } from './contracts.ts'
import { openSqliteFile, openSqliteReader } from './sqlite-file.ts'

const migrations = [
  {
    name: '0001-records',
    sql: 'CREATE TABLE records (path TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID',
  },
]
const insert = 'INSERT INTO records (path, value) VALUES (?, ?)'
const code = (name: string) => ({ code: name })
const bytes = (length: number, fill = 7) => new Uint8Array(length).fill(fill)

let directory: string
let path: string
let file: SqliteFile

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'falaj-file-'))
  path = join(directory, 'ab', 'did_x', 'account.sqlite')
  file = openSqliteFile(path, { migrations })
})
afterEach(async () => {
  file.close()
  await rm(directory, { recursive: true })
})

const count = (from: Pick<SqliteFile, 'get'>) =>
  from.get<{ n: number }>('SELECT count(*) AS n FROM records')!.n

function fill(rows: number, size = 100): void {
  file.transaction(() => {
    const from = count(file)
    for (let row = from; row < from + rows; row++) {
      file.run(insert, [String(row).padStart(8, '0'), bytes(size)])
    }
  })
}

describe('a SQLite file', () => {
  test('reads what it wrote, also after opening again', () => {
    assert.deepEqual(file.run(insert, ['a', bytes(3)]), { changes: 1 })
    assert.deepEqual(file.get('SELECT * FROM records'), { path: 'a', value: bytes(3) })
    file.close()
    file = openSqliteFile(path, { migrations })
    assert.deepEqual(file.all('SELECT path FROM records'), [{ path: 'a' }])
  })

  test('several statements go in one exec', () => {
    file.exec("INSERT INTO records VALUES ('a', x'00'); INSERT INTO records VALUES ('b', x'01')")
    assert.equal(count(file), 2)
  })

  test('rows come one at a time, and leaving early frees the statement', () => {
    fill(100)
    const seen: string[] = []
    for (const { path: name } of file.iterate<{ path: string }>('SELECT path FROM records')) {
      seen.push(name)
      if (seen.length === 10) break
    }
    assert.equal(seen.length, 10)
    file.run('DELETE FROM records')
    assert.deepEqual([...file.iterate('SELECT path FROM records')], [])
  })

  test('the same query may be iterated twice at a time, with others in between', () => {
    fill(5)
    const query = 'SELECT path FROM records ORDER BY path'
    const pairs: string[] = []
    for (const one of file.iterate<{ path: string }>(query)) {
      for (const two of file.iterate<{ path: string }>(query)) pairs.push(one.path + two.path)
      assert.equal(file.all(query).length, 5)
    }
    assert.equal(new Set(pairs).size, 25)
  })

  test('a transaction commits or rolls back as a whole, nested ones join', () => {
    file.transaction(() => {
      file.run(insert, ['a', bytes(1)])
      file.transaction(() => file.run(insert, ['b', bytes(1)]))
    })
    assert.throws(
      () =>
        file.transaction(() => {
          file.run(insert, ['c', bytes(1)])
          throw new Error('back')
        }),
      /back/,
    )
    assert.equal(count(file), 2)
    assert.equal(
      file.transaction(() => count(file)),
      2,
    )
  })

  test('a nested one that threw takes the whole with it, caught or not', () => {
    assert.throws(
      () =>
        file.transaction(() => {
          file.run(insert, ['a', bytes(1)])
          try {
            file.transaction(() => {
              file.run(insert, ['b', bytes(1)])
              throw new Error('half')
            })
          } catch {}
        }),
      /half/,
    )
    assert.equal(count(file), 0)
    fill(1)
  })

  test('asynchronous work in a synchronous transaction is refused and rolled back', () => {
    assert.throws(
      () => file.transaction(async () => file.run(insert, ['a', bytes(1)])),
      code('InvalidArgument'),
    )
    assert.equal(count(file), 0)
  })

  test('parameters are checked as everywhere', () => {
    assert.throws(() => file.run(insert, ['a']), code('InvalidArgument'))
    assert.throws(() => file.all('SELECT ?', [undefined as never]), code('InvalidArgument'))
    assert.throws(() => [...file.iterate('SELECT 1', [1])], code('InvalidArgument'))
    file.run(insert, ['a', bytes(1)])
    assert.throws(() => file.run(insert, ['a', bytes(1)]), code('Conflict'))
  })

  test('after close everything is refused', () => {
    file.close()
    file.close()
    assert.throws(() => file.get('SELECT 1'), code('Closed'))
    assert.throws(() => file.run('DELETE FROM records'), code('Closed'))
    assert.throws(() => [...file.iterate('SELECT 1')], code('Closed'))
    assert.throws(() => file.transaction(() => 1), code('Closed'))
  })

  test('a new one has the tables of its list, and nothing of one made before', () => {
    fill(3)
    const other = openSqliteFile(join(directory, 'other.sqlite'), { migrations })
    assert.equal(count(other), 0)
    other.run(insert, ['x', bytes(1)])
    other.close()
    const longer = [...migrations, { name: '0002-more', sql: 'CREATE TABLE more (a TEXT)' }]
    const third = openSqliteFile(join(directory, 'third.sqlite'), { migrations: longer })
    assert.deepEqual(third.all('SELECT a FROM more'), [])
    assert.equal(count(third), 0)
    third.close()
    assert.equal(count(file), 3)
  })

  test('a new one takes nothing from what a kill left under its name', () => {
    fill(3)
    const stale = join(directory, 'stale.sqlite')
    copyFileSync(`${path}-wal`, `${stale}-wal`)
    writeFileSync(`${stale}.new`, 'half of a beginning')
    const begun = openSqliteFile(stale, { migrations })
    assert.equal(count(begun), 0)
    assert.equal(existsSync(`${stale}.new`), false)
    begun.close()
  })

  test('migrations that changed are refused', () => {
    file.close()
    assert.throws(
      () => openSqliteFile(path, { migrations: [{ name: '0001-records', sql: 'SELECT 1' }] }),
      code('Migration'),
    )
  })
})

describe('reads of one turn of the loop', () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  let other: SqliteFile
  beforeEach(() => {
    other = openSqliteFile(path, { migrations })
  })
  afterEach(() => other.close())

  test('stand on one moment of the file, and the next turn sees what came since', async () => {
    fill(3)
    assert.deepEqual([count(other), count(other)], [3, 3])
    fill(2)
    assert.equal(count(other), 3)
    await turn()
    assert.equal(count(other), 5)
  })

  test('see what the same connection writes between them, and others see it at once', () => {
    for (let rows = 1; rows < 5; rows++) {
      assert.deepEqual([count(file), count(file)], [rows - 1, rows - 1])
      file.run(insert, [`row ${rows}`, bytes(1)])
      assert.deepEqual([count(file), count(file)], [rows, rows])
      assert.equal(countAfresh(), rows)
    }
    const gone = file.all('DELETE FROM records WHERE path > ? RETURNING path', ['row 2'])
    assert.equal(gone.length, 2)
    assert.equal(countAfresh(), 2)
  })

  function countAfresh(): number {
    const reader = openSqliteReader(path, { deadlineMs: 60_000 })
    const rows = count(reader)
    reader.close()
    return rows
  }

  test('do not stand in the way of a transaction, nor it in theirs', async () => {
    assert.deepEqual([count(file), count(file)], [0, 0])
    fill(2)
    assert.deepEqual([count(file), count(file)], [2, 2])
    assert.throws(() =>
      file.transaction(() => {
        file.run(insert, ['undone', bytes(1)])
        assert.deepEqual([count(file), count(file)], [3, 3])
        throw new Error('back')
      }),
    )
    assert.deepEqual([count(file), count(file)], [2, 2])
    await file.sync()
    assert.equal(count(file), 2)
  })

  test('may go on beside rows that are taken one at a time over many turns', async () => {
    fill(50)
    let seen = 0
    for (const _ of file.iterate('SELECT path FROM records')) {
      assert.deepEqual([count(file), count(file)], [50, 50])
      if (++seen % 10 === 0) await turn()
    }
    assert.equal(seen, 50)
  })

  test('do not keep a file from being closed', async () => {
    assert.deepEqual([count(other), count(other)], [0, 0])
    other.close()
    await turn()
    assert.throws(() => count(other), code('Closed'))
  })
})

describe('syncing a SQLite file', () => {
  test('what was committed before it is in the files as they lie on disk', async () => {
    fill(50)
    await file.sync()
    // A copy of the files is what a power cut leaves of synced bytes.
    const copy = join(directory, 'copy.sqlite')
    copyFileSync(path, copy)
    copyFileSync(`${path}-wal`, `${copy}-wal`)
    const restored = openSqliteFile(copy, { migrations })
    assert.equal(count(restored), 50)
    restored.close()
  })

  test('a power cut leaves whole transactions, and all that were synced', async () => {
    fill(30)
    await file.sync()
    const synced = file.walBytes()
    for (let turn = 0; turn < 10; turn++) fill(30)
    const copy = join(directory, 'copy.sqlite')
    for (let cut = synced; cut <= file.walBytes(); cut += 1777) {
      // Behind what was synced the disk may have kept anything; here it kept the beginning.
      for (const end of ['', '-wal']) copyFileSync(path + end, copy + end)
      truncateSync(`${copy}-wal`, cut)
      const restored = openSqliteFile(copy, { migrations })
      const rows = count(restored)
      assert.ok(rows >= 30 && rows % 30 === 0, `${rows} rows`)
      assert.deepEqual(restored.get('PRAGMA integrity_check'), { integrity_check: 'ok' })
      restored.close()
    }
  })

  test('a large write-ahead file is folded in and begins anew', async () => {
    fill(2000, 2000)
    const before = file.walBytes()
    assert.ok(before > 2e6)
    await file.sync()
    fill(1)
    assert.ok(file.walBytes() < before / 2, `${file.walBytes()} of ${before} bytes are left`)
    assert.ok(statSync(path).size > 3e6)
    assert.equal(count(file), 2001)
    assert.deepEqual(file.get('PRAGMA integrity_check'), { integrity_check: 'ok' })
  })

  test('writes go on during it', async () => {
    for (let round = 0; round < 5; round++) {
      fill(1000, 1500)
      const syncing = file.sync()
      for (let turn = 0; turn < 20; turn++) {
        fill(10)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await syncing
    }
    assert.equal(count(file), 5 * 1200)
    assert.deepEqual(file.get('PRAGMA integrity_check'), { integrity_check: 'ok' })
  })

  test('an untouched file has nothing to sync, a closed one neither', async () => {
    await file.sync()
    fill(1)
    file.close()
    await file.sync()
    assert.equal(existsSync(`${path}-wal`), false)
  })

  test('many files at once', async () => {
    const files = Array.from({ length: 20 }, (_, index) =>
      openSqliteFile(join(directory, `${index}`, 'a.sqlite'), { migrations }),
    )
    for (const other of files) {
      other.transaction(() => {
        for (let row = 0; row < 1500; row++) other.run(insert, [`${row}`, bytes(2000)])
      })
    }
    await Promise.all(files.map((other) => other.sync()))
    for (const other of files) {
      assert.equal(count(other), 1500)
      other.close()
    }
  })
})

describe('a reader beside a SQLite file', () => {
  test('stands on the moment it was opened', () => {
    fill(10)
    const reader = openSqliteReader(path, { deadlineMs: 60_000 })
    fill(10)
    assert.equal(count(reader), 10)
    assert.equal([...reader.iterate('SELECT path FROM records')].length, 10)
    assert.equal(count(file), 20)
    reader.close()
    const later = openSqliteReader(path, { deadlineMs: 60_000 })
    assert.equal(count(later), 20)
    later.close()
  })

  test('cannot write', () => {
    const reader = openSqliteReader(path, { deadlineMs: 60_000 })
    assert.throws(() => reader.all('DELETE FROM records'))
    reader.close()
  })

  test('is cut off at its deadline, in the middle of rows or between queries', async () => {
    fill(100)
    const reader = openSqliteReader(path, { deadlineMs: 20 })
    const rows = reader.iterate('SELECT path FROM records')
    assert.equal(rows.next().done, false)
    await new Promise((resolve) => setTimeout(resolve, 40))
    assert.throws(() => rows.next(), code('Deadline'))
    assert.throws(() => reader.get('SELECT 1'), code('Deadline'))
    reader.close()
    assert.throws(() => reader.all('SELECT 1'), code('Deadline'))
  })

  test('no longer holds the write-ahead file after its deadline', async () => {
    fill(10)
    openSqliteReader(path, { deadlineMs: 5 })
    fill(3000, 2000)
    const held = file.walBytes()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await file.sync()
    fill(1)
    assert.ok(file.walBytes() < held / 2)
  })

  test('a file that is not there is not made', () => {
    assert.throws(() => openSqliteReader(join(directory, 'none.sqlite'), { deadlineMs: 10 }))
    assert.equal(existsSync(join(directory, 'none.sqlite')), false)
  })
})
