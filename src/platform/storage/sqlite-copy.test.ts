import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openSqlite } from './sqlite.ts'
import { copySqlite } from './sqlite-copy.ts'
import { openSqliteFile } from './sqlite-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'falaj-copy-'))
after(() => rmSync(folder, { recursive: true }))

const migrations = [
  {
    name: '0001-t',
    sql: `CREATE TABLE people (name TEXT PRIMARY KEY, body BLOB, mail TEXT UNIQUE);
      CREATE TABLE letters (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT)`,
  },
]
const all = 'SELECT * FROM people ORDER BY name'

test('a copy is the database as it was when it was asked for, whatever is written meanwhile', async () => {
  const path = join(folder, 'a.sqlite')
  const to = join(folder, 'a-copy.sqlite')
  const changes: Uint8Array[] = []
  const sql = await openSqlite(path, { migrations, onChanges: (one) => changes.push(one) })
  await sql.runMany(
    'INSERT INTO people (name, body) VALUES (?, ?)',
    Array.from({ length: 500 }, (_, n) => [`p${n}`, new Uint8Array(4_000)]),
  )
  const before = await sql.all(all)
  changes.length = 0
  const copied = copySqlite(path, to)
  await sql.run('DELETE FROM people WHERE name < ?', ['p2'])
  await copied
  const copy = openSqliteFile(to, { migrations })
  assert.deepEqual(copy.all(all), before)
  for (const one of changes) copy.applyChanges(one)
  assert.deepEqual(copy.all(all), await sql.all(all), 'and the changes since bring it up to date')
  copy.close()
  await sql.close()
})

test('each commit tells once what it changed; what is rolled back or only read tells nothing', async () => {
  const path = join(folder, 'b.sqlite')
  const to = join(folder, 'b-copy.sqlite')
  const changes: Uint8Array[] = []
  const sql = await openSqlite(path, { migrations, onChanges: (one) => changes.push(one) })
  await copySqlite(path, to)
  await sql.transaction(async (inside) => {
    await inside.run('INSERT INTO people (name, mail) VALUES (?, ?)', ['ann', 'a@x'])
    await sql.run('INSERT INTO letters (body) VALUES (?)', ['hello'])
    assert.equal(changes.length, 0, 'nothing before the commit')
  })
  assert.equal(changes.length, 1)
  await sql.all(all)
  await sql.run('DELETE FROM people WHERE name = ?', ['nobody'])
  await assert.rejects(
    sql.transaction(async () => {
      await sql.run('DELETE FROM people')
      throw new Error('no')
    }),
  )
  assert.equal(changes.length, 1)
  await sql.run('UPDATE people SET mail = ? WHERE name = ?', ['b@x', 'ann'])
  const copy = openSqliteFile(to, { migrations })
  for (const one of changes) copy.applyChanges(one)
  assert.deepEqual(copy.all(all), await sql.all(all))
  assert.throws(() => copy.applyChanges(changes[1]!), { code: 'Conflict' })
  assert.throws(() => copy.applyChanges(changes[0]!), { code: 'Conflict' })
  assert.deepEqual(copy.all(all), await sql.all(all), 'what does not fit changes nothing')
  copy.close()
  await sql.close()
})
