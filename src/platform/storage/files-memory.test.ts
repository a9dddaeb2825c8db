import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Files, nodeFiles } from './files.ts'
import { faultyFiles } from './files-faulty.ts'
import { memoryFiles } from './files-memory.ts'

const text = (value: string) => Buffer.from(value)

async function write(files: Files, path: string, content: string, sync = false): Promise<void> {
  const file = await files.open(path, 'w+')
  await file.write(text(content), 0)
  if (sync) await file.datasync()
  await file.close()
}

async function read(files: Files, path: string): Promise<string> {
  const file = await files.open(path, 'r')
  const bytes = Buffer.alloc(await file.size())
  await file.read(bytes, 0)
  await file.close()
  return bytes.toString()
}

for (const [name, makeHome] of [
  [
    'the machine',
    async () => ({ files: nodeFiles, root: await mkdtemp(join(tmpdir(), 'falaj-')) }),
  ],
  ['memory', async () => ({ files: memoryFiles() as Files, root: '/root' })],
] as const) {
  describe(`files of ${name}`, () => {
    test('are written, read, renamed, listed, measured and removed', async () => {
      const { files, root } = await makeHome()
      await files.makeDirectory(join(root, 'a', 'b'))
      await files.makeDirectory(join(root, 'a', 'b'))
      await write(files, join(root, 'a', 'one'), 'hello')
      await write(files, join(root, 'a', 'one'), 'bye')
      assert.equal(await read(files, join(root, 'a', 'one')), 'bye')
      await files.rename(join(root, 'a', 'one'), join(root, 'a', 'b', 'two'))
      await write(files, join(root, 'a', 'zero'), '')
      assert.deepEqual(await files.list(join(root, 'a')), ['b/', 'zero'])
      assert.deepEqual(await files.list(join(root, 'nowhere')), [])
      assert.equal(await files.fileSize(join(root, 'a', 'b', 'two')), 3)
      assert.equal(await files.fileSize(join(root, 'a', 'b')), undefined)
      assert.equal(await files.fileSize(join(root, 'a', 'none')), undefined)
      assert.equal(await files.fileSize(join(root, 'a', 'zero', 'x')), undefined)
      await files.syncDirectory(join(root, 'a'))
      await files.remove(join(root, 'a', 'b', 'two'))
      await assert.rejects(files.remove(join(root, 'a', 'b', 'two')), { code: 'ENOENT' })
      await assert.rejects(files.open(join(root, 'a', 'b', 'two'), 'r'), { code: 'ENOENT' })
      await assert.rejects(files.open(join(root, 'no', 'x'), 'w+'), { code: 'ENOENT' })
      assert.ok((await files.freeBytes(root)) > 0)
      if (files === nodeFiles) await rm(root, { recursive: true })
    })

    test('take writes beyond their end, and truncation', async () => {
      const { files, root } = await makeHome()
      await files.makeDirectory(root)
      const file = await files.open(join(root, 'x'), 'w+')
      await file.write(text('end'), 5)
      assert.equal(await read(files, join(root, 'x')), '\0\0\0\0\0end')
      await file.truncate(6)
      await file.truncate(8)
      assert.equal(await read(files, join(root, 'x')), '\0\0\0\0\0e\0\0')
      const short = Buffer.alloc(10)
      assert.equal(await file.read(short, 4), 4)
      assert.equal(await file.read(short, 100), 0)
      await file.datasync()
      await file.close()
      if (files === nodeFiles) await rm(root, { recursive: true })
    })

    test('are locked by one owner at a time', async () => {
      const { files, root } = await makeHome()
      const unlock = await files.lock(join(root, 'lock'))
      await assert.rejects(files.lock(join(root, 'lock')), { code: 'Locked' })
      unlock()
      const again = await files.lock(join(root, 'lock'))
      again()
      if (files === nodeFiles) await rm(root, { recursive: true })
    })
  })
}

describe('a power cut in memory', () => {
  async function disk() {
    const files = memoryFiles()
    await files.makeDirectory('/d')
    return files
  }

  test('takes bytes and names that were not synced', async () => {
    const files = await disk()
    await write(files, '/d/named', 'synced', true)
    await files.syncDirectory('/d')
    await write(files, '/d/unnamed', 'synced', true)
    const file = await files.open('/d/named', 'r+')
    await file.write(text('CHANGED and longer'), 0)
    files.powerCut()
    assert.deepEqual(await files.list('/d'), ['named'])
    assert.equal(await read(files, '/d/named'), 'synced')
    await assert.rejects(file.write(text('x'), 0), { code: 'EBADF' })
  })

  test('takes back renames and removals that were not synced', async () => {
    const files = await disk()
    await write(files, '/d/a', 'a', true)
    await write(files, '/d/b', 'b', true)
    await files.syncDirectory('/d')
    await files.rename('/d/a', '/d/c')
    await files.remove('/d/b')
    assert.deepEqual(await files.list('/d'), ['c'])
    files.powerCut()
    assert.deepEqual(await files.list('/d'), ['a', 'b'])
  })

  test('may leave some of it', async () => {
    const files = await disk()
    await write(files, '/d/a', 'a'.repeat(2048), true)
    await files.syncDirectory('/d')
    const file = await files.open('/d/a', 'r+')
    await file.write(text('b'.repeat(2048)), 0)
    const tosses = [0.9, 0.1, 0.9, 0.1, 0.9]
    files.powerCut(() => tosses.shift()!)
    const found = await read(files, '/d/a')
    const sectors = [0, 1, 2, 3].map((sector) => found[sector * 512])
    assert.deepEqual(sectors, ['a', 'b', 'a', 'b'])
  })

  test('during a sync: what was written meanwhile is not in it', async () => {
    const files = await disk()
    await write(files, '/d/a', 'one', true)
    await files.syncDirectory('/d')
    const file = await files.open('/d/a', 'r+')
    await file.write(text('two'), 0)
    const syncing = file.datasync()
    await Promise.all([syncing, file.write(text('six'), 0)])
    files.powerCut()
    assert.equal(await read(files, '/d/a'), 'two')
  })

  test('kills what is under way', async () => {
    const files = await disk()
    const writing = write(files, '/d/a', 'a', true)
    files.powerCut()
    await assert.rejects(writing, { code: 'EIO' })
  })

  test('a kill leaves what was written', async () => {
    const files = await disk()
    await write(files, '/d/a', 'a')
    const unlock = await files.lock('/d/lock')
    files.kill()
    assert.equal(await read(files, '/d/a'), 'a')
    await files.lock('/d/lock')
    unlock()
    await assert.rejects(files.lock('/d/lock'), { code: 'Locked' })
  })
})

describe('faults', () => {
  test('a full disk in memory takes what it has room for', async () => {
    const files = memoryFiles({ freeBytes: 10 })
    await files.makeDirectory('/d')
    const file = await files.open('/d/a', 'w+')
    assert.equal(await file.write(text('0123456789abc'), 0), 10)
    await assert.rejects(file.write(text('x'), 10), { code: 'ENOSPC' })
    assert.equal(await file.write(text('X'), 0), 1, 'room it has already is no room it needs')
    assert.equal(await files.freeBytes(), 0)
    await file.truncate(4)
    assert.equal(await files.freeBytes(), 6)
    await files.remove('/d/a')
    assert.equal(await files.freeBytes(), 10)
  })

  test('each call can be made to fail, to fall short or to lie', async () => {
    const asked: string[] = []
    let fault: Parameters<typeof faultyFiles>[1] = () => undefined
    const disk = memoryFiles()
    await disk.makeDirectory('/d')
    const files = faultyFiles(disk, (operation, path, bytes) => {
      asked.push(`${operation} ${path} ${bytes}`)
      return fault(operation, path, bytes)
    })
    const file = await files.open('/d/a', 'w+')
    fault = () => ({ short: 2 })
    assert.equal(await file.write(text('12345'), 0), 2)
    fault = () => ({ lateTurns: 3 })
    assert.equal(await file.write(text('abc'), 0), 3)
    fault = () => ({ free: 7 })
    assert.equal(await files.freeBytes('/d'), 7)
    fault = () => 'EIO'
    for (const failing of [
      () => file.read(Buffer.alloc(1), 0),
      () => file.write(text('x'), 0),
      () => file.datasync(),
      () => file.truncate(0),
      () => files.open('/d/a', 'r'),
      () => files.rename('/d/a', '/d/b'),
      () => files.remove('/d/a'),
      () => files.syncDirectory('/d'),
      () => files.freeBytes('/d'),
    ]) {
      await assert.rejects(failing, { code: 'EIO' })
    }
    fault = () => undefined
    assert.equal(await read(files, '/d/a'), 'abc')
    assert.ok(asked.includes('write /d/a 5'))
    assert.deepEqual(await files.list('/d'), ['a'])
    assert.equal(await files.fileSize('/d/a'), 3)
  })
})
