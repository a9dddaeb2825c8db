import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { blobsConformance } from './blobs.conformance.ts'
import { openDiskBlobs } from './blobs-disk.ts'
import type { Blobs } from './contracts.ts'
import { type Fault, type FileOperation, faultyFiles } from './files-faulty.ts'
import { memoryFiles } from './files-memory.ts'

blobsConformance('disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'falaj-blobs-'))
  return {
    open: () => openDiskBlobs(join(directory, 'deep', 'blobs'), { reserveBytes: 0 }),
    drop: () => rm(directory, { recursive: true }),
  }
})

blobsConformance('a disk in memory', async () => {
  const files = memoryFiles()
  return {
    open: () => openDiskBlobs('/blobs', { files, reserveBytes: 0 }),
    drop: async () => {},
  }
})

const code = (name: string) => ({ code: name })
const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill)

async function put(blobs: Blobs, key: string, content: Uint8Array): Promise<void> {
  const staged = await blobs.stage(content)
  await staged.commit(key)
}

async function read(blobs: Blobs, key: string): Promise<Buffer | undefined> {
  const found = await blobs.get(key)
  if (!found) return undefined
  const parts: Uint8Array[] = []
  for await (const chunk of found.body) parts.push(chunk)
  return Buffer.concat(parts)
}

async function rig(faults: Partial<Record<FileOperation, (Fault | undefined)[]>> = {}) {
  const disk = memoryFiles()
  const files = faultyFiles(disk, (operation) => faults[operation]?.shift())
  const blobs = await openDiskBlobs('/blobs', { files, reserveBytes: 1000 })
  return { disk, blobs, faults }
}

const left = (paths: string[]) => paths.filter((path) => /staging\/./.test(path))

describe('blobs and faults', () => {
  test('a synced blob survives a power cut, whatever the disk kept of the rest', async () => {
    for (let round = 0; round < 50; round++) {
      const { disk, blobs } = await rig()
      await put(blobs, 'ab/did_x/synced', bytes(5000, 7))
      await put(blobs, 'ab/did_y/other', bytes(5000, 8))
      await blobs.sync(['ab/did_x/synced'])
      await put(blobs, 'ab/did_x/late', bytes(5000, 9))
      disk.powerCut(() => ((round * 7919) % 97) / 97)
      const again = await openDiskBlobs('/blobs', { files: disk })
      assert.ok((await read(again, 'ab/did_x/synced'))!.equals(bytes(5000, 7)))
      assert.deepEqual(left(disk.paths), [])
    }
  })

  test('without sync nothing is promised, and nothing breaks', async () => {
    const { disk, blobs } = await rig()
    await put(blobs, 'ab/x', bytes(5000))
    disk.powerCut()
    const again = await openDiskBlobs('/blobs', { files: disk })
    assert.equal(await again.has('ab/x'), false)
    await put(again, 'ab/x', bytes(10))
  })

  test('a full disk refuses the stage and keeps no part of it', async () => {
    const { disk, blobs } = await rig()
    disk.freeSpace = 20_000
    await assert.rejects(blobs.stage(bytes(600_000)), code('NoSpace'))
    assert.deepEqual(left(disk.paths), [])
    assert.equal(disk.freeSpace, 20_000)
    disk.freeSpace = 1e9
    await put(blobs, 'k', bytes(600_000))
  })

  test('below the reserve a stage is refused before a byte is taken; reads go on', async () => {
    const { disk, blobs } = await rig()
    await put(blobs, 'k', bytes(10))
    disk.freeSpace = 999
    let pulled = 0
    async function* source() {
      pulled++
      yield bytes(1)
    }
    await assert.rejects(blobs.stage(source()), code('NoSpace'))
    assert.equal(pulled, 0)
    assert.equal((await read(blobs, 'k'))!.length, 10)
  })

  for (const fault of ['ENOSPC', 'EDQUOT', { short: 3 }] as const) {
    test(`a write that ends with ${JSON.stringify(fault)} is NoSpace`, async () => {
      const { disk, blobs, faults } = await rig()
      faults.write = [undefined, fault]
      async function* source() {
        yield bytes(600_000)
        yield bytes(600_000)
      }
      await assert.rejects(blobs.stage(source()), code('NoSpace'))
      assert.deepEqual(left(disk.paths), [])
    })
  }

  test('an fsync that fails is Fatal, of the bytes or of the name', async () => {
    const { blobs, faults } = await rig()
    await put(blobs, 'k', bytes(10))
    faults.datasync = ['EIO']
    await assert.rejects(blobs.sync(['k']), code('Fatal'))
    faults.syncDirectory = ['EIO']
    await assert.rejects(blobs.sync(['k']), code('Fatal'))
    await blobs.sync(['k'])
  })

  test('a blob that was cut short behind our back is told while it is read', async () => {
    const { disk, blobs } = await rig()
    await put(blobs, 'k', bytes(3_000_000))
    const { body } = (await blobs.get('k'))!
    disk.damage('/blobs/k', (content) => content.subarray(0, 1_500_000))
    await assert.rejects(async () => {
      for await (const chunk of body) assert.ok(chunk)
    }, code('Corrupt'))
    assert.deepEqual(await body[Symbol.asyncIterator]().next(), { done: true, value: undefined })
  })

  test('a blob deleted after get is still read whole', async () => {
    const { blobs } = await rig()
    await put(blobs, 'k', bytes(3_000_000))
    const { body } = (await blobs.get('k'))!
    await blobs.delete(['k'])
    const parts: Uint8Array[] = []
    for await (const chunk of body) parts.push(chunk)
    assert.equal(Buffer.concat(parts).length, 3_000_000)
    assert.equal(await blobs.has('k'), false)
  })

  test('a body that nobody wants is given up without being begun, and its file is closed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'falaj-blobs-'))
    const blobs = await openDiskBlobs(folder, { reserveBytes: 0 })
    await put(blobs, 'k', bytes(100))
    const open = async () => (await readdir('/proc/self/fd')).length
    const before = process.platform === 'linux' ? await open() : 0
    for (let turn = 0; turn < 100; turn++) {
      const { body } = (await blobs.get('k'))!
      await body[Symbol.asyncIterator]().return!()
    }
    if (process.platform === 'linux') assert.ok((await open()) < before + 50)
    await rm(folder, { recursive: true })
  })

  test('when a lot is in memory already, uploads and reads go on in small pieces', async () => {
    const { blobs } = await rig()
    let go = () => {}
    const gate = new Promise<void>((resolve) => (go = resolve))
    const slow = Array.from({ length: 130 }, (_, name) =>
      blobs.stage(
        (async function* () {
          yield bytes(520_000 - 10_000 * (name % 2), name)
          await gate
          yield bytes(1_000_000, name)
        })(),
      ),
    )
    await put(blobs, 'k', bytes(2_500_000, 7))
    go()
    for (const staged of await Promise.all(slow)) await staged.discard()
    const bodies = await Promise.all(
      Array.from({ length: 70 }, async () => (await blobs.get('k'))!.body[Symbol.asyncIterator]()),
    )
    const firsts = await Promise.all(bodies.map((body) => body.next()))
    const sizes = firsts.map(({ value }) => value!.length)
    assert.deepEqual([Math.max(...sizes), Math.min(...sizes)], [1 << 20, 1 << 16])
    for (const body of bodies) await body.return!()
    assert.ok((await read(blobs, 'k'))!.equals(bytes(2_500_000, 7)))
  })

  test('a commit whose rename failed can be tried again', async () => {
    const { blobs, faults } = await rig()
    const staged = await blobs.stage(bytes(10))
    faults.rename = ['ENOSPC']
    await assert.rejects(staged.commit('k'), code('NoSpace'))
    await staged.commit('k')
    assert.equal(await blobs.has('k'), true)
  })

  test('a folder that vanished is made again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'falaj-blobs-'))
    const blobs = await openDiskBlobs(directory, { reserveBytes: 0 })
    await put(blobs, 'a/b/1', bytes(1))
    await rm(join(directory, 'a'), { recursive: true })
    await put(blobs, 'a/b/2', bytes(1))
    assert.equal(await blobs.has('a/b/2'), true)
    await rm(directory, { recursive: true })
  })
})
