import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import type { Files } from './files.ts'
import { memoryFiles } from './files-memory.ts'
import { OpenFiles } from './open-files.ts'

let opened: string[]
let closed: string[]
let files: Files

/** A disk in memory that notes what is opened and closed. */
beforeEach(async () => {
  opened = []
  closed = []
  const disk = memoryFiles()
  await disk.makeDirectory('/d')
  for (const name of ['a', 'b', 'c']) await (await disk.open(`/d/${name}`, 'w+')).close()
  files = Object.create(disk) as Files
  files.open = async (path, flags) => {
    const file = await disk.open(path, flags)
    opened.push(path)
    return {
      ...file,
      read: (into, position) => file.read(into, position),
      size: () => file.size(),
      close: async () => {
        closed.push(path)
        await file.close()
      },
    } as typeof file
  }
})

describe('open read handles', () => {
  test('are shared by all who read at the same time and after', async () => {
    const open = new OpenFiles(files, 2)
    await Promise.all([1, 2, 3].map(() => open.use('/d/a', (file) => file.size())))
    await open.use('/d/a', (file) => file.size())
    assert.deepEqual(opened, ['/d/a'])
  })

  test('beyond the bound the one unused for longest is closed', async () => {
    const open = new OpenFiles(files, 2)
    for (const name of ['a', 'b', 'a', 'c']) await open.use(`/d/${name}`, (file) => file.size())
    assert.deepEqual(closed, ['/d/b'])
  })

  test('one in use is never closed', async () => {
    const open = new OpenFiles(files, 1)
    await open.use('/d/a', async (file) => {
      await open.use('/d/b', (other) => other.size())
      await open.use('/d/c', (other) => other.size())
      assert.ok(!closed.includes('/d/a'))
      assert.equal(await file.size(), 0)
    })
  })

  test('a forgotten one is closed by its last reader', async () => {
    const open = new OpenFiles(files, 5)
    await open.use('/d/a', async () => {
      await open.forget('/d/a')
      assert.deepEqual(closed, [])
      await open.use('/d/a', async () => {})
      assert.equal(opened.length, 2, 'who comes later opens anew')
    })
    assert.deepEqual(closed, ['/d/a'])
    await open.forget('/d/none')
  })

  test('one that cannot be opened is tried again the next time', async () => {
    const open = new OpenFiles(files, 5)
    await assert.rejects(
      open.use('/d/none', (file) => file.size()),
      { code: 'ENOENT' },
    )
    await (await files.open('/d/none', 'w+')).close()
    assert.equal(await open.use('/d/none', (file) => file.size()), 0)
  })

  test('work that throws gives its handle back', async () => {
    const open = new OpenFiles(files, 5)
    const failing = async () => {
      throw new Error('no')
    }
    await assert.rejects(open.use('/d/a', failing), /no/)
    await open.closeAll()
    assert.deepEqual(closed, ['/d/a'])
  })
})
