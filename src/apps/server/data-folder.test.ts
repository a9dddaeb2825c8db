import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dataFolder } from './data-folder.ts'
import { hostKey } from './host-key.ts'

const root = mkdtempSync(join(tmpdir(), 'falaj-data-'))
after(() => rmSync(root, { recursive: true }))

test('each service has a folder of its own, for its owner only', () => {
  const folder = dataFolder(join(root, 'a'), false)
  const path = folder.open('pds')
  assert.equal(path, join(root, 'a', 'pds'))
  assert.equal(statSync(path).mode & 0o077, 0)
  folder.close()
  assert.ok(existsSync(path))
})

test('two processes cannot have the same folder; one after the other can', () => {
  const first = dataFolder(join(root, 'b'), false)
  const second = dataFolder(join(root, 'b'), false)
  first.open('plc')
  assert.throws(() => second.open('plc'), /is in use by another process/)
  first.close()
  second.open('plc')
  second.close()
})

test('a temporary folder is gone at the end', () => {
  const folder = dataFolder(join(root, 'unused'), true)
  const path = folder.open('plc')
  assert.ok(existsSync(path))
  folder.close()
  assert.ok(!existsSync(path))
  assert.ok(!existsSync(join(root, 'unused')))
})

test('the key of a host is made once, readable by its owner, and then kept', () => {
  const path = join(root, 'host.key')
  const key = hostKey(path)
  assert.equal(key.length, 32)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(hostKey(path), key)
})

test('a key that is damaged is not replaced', () => {
  const path = join(root, 'damaged.key')
  writeFileSync(path, 'not a key')
  assert.throws(() => hostKey(path), /does not hold a key/)
  assert.equal(readFileSync(path, 'utf8'), 'not a key')
})
