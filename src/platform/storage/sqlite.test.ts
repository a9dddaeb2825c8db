import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { loadMigrations } from './migrations.ts'
import { sqlConformance } from './sql.conformance.ts'
import { openSqlite } from './sqlite.ts'

sqlConformance(
  'SQLite in memory',
  async () => ({
    open: (migrations) => openSqlite(':memory:', { migrations }),
    drop: async () => {},
  }),
  { durable: false },
)

for (const synchronous of ['NORMAL', 'FULL'] as const) {
  sqlConformance(
    `a SQLite file, synchronous=${synchronous}`,
    async () => {
      const directory = await mkdtemp(join(tmpdir(), 'falaj-sql-'))
      return {
        open: (migrations) =>
          openSqlite(join(directory, 'deep', 'db.sqlite'), { migrations, synchronous }),
        drop: () => rm(directory, { recursive: true }),
      }
    },
    { durable: true },
  )
}

const tables = [{ name: '0001-t', sql: 'CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)' }]
const insert = 'INSERT INTO t (body) VALUES (?)'

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'falaj-sql-'))
  try {
    await work(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

describe('a SQLite database', () => {
  test('folds its write-ahead file in while it is written to, and begins it anew', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'db.sqlite')
      const sql = await openSqlite(path, { migrations: tables })
      let size = 0
      let shrunk = 0
      let rows = 0
      for (let turn = 0; turn < 5000 && shrunk < 3; turn++) {
        await sql.runMany(
          insert,
          Array.from({ length: 20 }, () => [new Uint8Array(8192).fill(turn)]),
        )
        rows += 20
        await new Promise((resolve) => setImmediate(resolve))
        const before = size
        size = statSync(`${path}-wal`).size
        if (size < before) shrunk++
      }
      assert.equal(shrunk, 3)
      await sql.close()
      const again = await openSqlite(path, { migrations: tables })
      assert.deepEqual(await again.get('SELECT count(*) AS n FROM t'), { n: rows })
      assert.deepEqual(await again.get('PRAGMA integrity_check'), { integrity_check: 'ok' })
      await again.close()
    })
  })

  test('with synchronous=FULL has every acknowledged commit after a kill', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'db.sqlite')
      const script = `
        import { writeSync } from 'node:fs'
        import { openSqlite } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)}
        const sql = await openSqlite(${JSON.stringify(path)}, { migrations: ${JSON.stringify(tables)}, synchronous: 'FULL' })
        for (;;) {
          await sql.transaction(async (tx) => {
            for (let row = 0; row < 3; row++) await tx.run(${JSON.stringify(insert)}, [new Uint8Array(100)])
          })
          writeSync(1, '3\\n')
          await new Promise((resolve) => setImmediate(resolve))
        }`
      let acknowledged = 0
      for (let round = 0; round < 3; round++) {
        const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        let lines = 0
        for await (const line of createInterface(child.stdout)) {
          acknowledged += Number(line)
          if (++lines === 40 + round * 30) child.kill('SIGKILL')
        }
        const sql = await openSqlite(path, { migrations: tables })
        const { n } = (await sql.get<{ n: number }>('SELECT count(*) AS n FROM t'))!
        assert.ok(n >= acknowledged && n % 3 === 0, `${n} rows, ${acknowledged} acknowledged`)
        acknowledged = n
        await sql.close()
      }
    })
  })

  test('refuses a file that is no database', async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, 'db.sqlite')
      await writeFile(path, 'this is no database, it is a letter to a friend'.repeat(100))
      await assert.rejects(openSqlite(path, { migrations: tables }), { code: 'Corrupt' })
    })
  })
})

describe('migrations on disk', () => {
  test('are read in order of their names', async () => {
    await inDirectory(async (directory) => {
      await writeFile(join(directory, '0002-b.sql'), 'CREATE TABLE b (id INTEGER);')
      await writeFile(join(directory, '0001-a-first.sql'), 'CREATE TABLE a (id INTEGER);')
      const expected = [
        { name: '0001-a-first', sql: 'CREATE TABLE a (id INTEGER);' },
        { name: '0002-b', sql: 'CREATE TABLE b (id INTEGER);' },
      ]
      assert.deepEqual(loadMigrations(pathToFileURL(directory)), expected)
      assert.deepEqual(loadMigrations(pathToFileURL(`${directory}/`)), expected)
    })
  })

  test('a file with another name is refused', async () => {
    await inDirectory(async (directory) => {
      await mkdir(join(directory, 'm'))
      await writeFile(join(directory, 'm', 'notes.sql'), '')
      assert.throws(() => loadMigrations(pathToFileURL(join(directory, 'm'))), {
        code: 'Migration',
      })
    })
  })
})

test('full-text tables number rows beyond what a number holds, and may be written all the same', async () => {
  const sql = await openSqlite(':memory:', {
    migrations: [
      {
        name: '0001-words',
        sql: `create virtual table words using fts5(text, content = '', contentless_delete = 1);
              create table plain (id integer primary key)`,
      },
    ],
  })
  const insert = 'insert into words (rowid, text) values (?, ?)'
  await sql.runMany(
    insert,
    Array.from({ length: 2_000 }, (_, i) => [i * 1_000, `word w${i}`]),
  )
  assert.deepEqual(await sql.run('delete from words where rowid < ?', [1_000_000]), {
    changes: 1_000,
  })
  assert.deepEqual(await sql.run('delete from plain'), { changes: 0 })
  // Several in one turn: they share a transaction.
  for (const read of [1, 2, 3].map(() =>
    sql.all(`select rowid from words where words match 'w1999'`),
  )) {
    assert.deepEqual(await read, [{ rowid: 1_999_000 }])
  }
  await sql.close()
})
