import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { indexFiles } from './index-files.ts'

test('the index that was chosen is the one of the next start, and the others go', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'falaj-indexes-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const options = { migrations: [{ name: '0001-a.sql', sql: 'create table a (b integer)' }] }
  const first = indexFiles(folder, options)
  assert.equal(first.current, 'appview.sqlite')
  const [old, made] = [await first.open(first.current), await first.open('appview-7.sqlite')]
  await made.run('insert into a values (1)')
  const { bytes, freeBytes } = await first.room(first.current)
  assert.ok(bytes > 0 && freeBytes > bytes)
  await first.choose('appview-7.sqlite')
  await made.close()
  await old.close()
  writeFileSync(join(folder, 'host.key'), '')
  await first.keepOnly(['appview-7.sqlite'])
  assert.ok(existsSync(join(folder, 'host.key')))
  assert.ok(!existsSync(join(folder, 'appview.sqlite')))
  const second = indexFiles(folder, options)
  assert.equal(second.current, 'appview-7.sqlite')
  const again = await second.open(second.current)
  assert.deepEqual(await again.all('select b from a'), [{ b: 1 }])
  await again.close()
  writeFileSync(join(folder, 'appview.current'), '../elsewhere\n')
  assert.throws(() => indexFiles(folder, options), /does not name an index/)
})
