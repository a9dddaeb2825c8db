import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StorageError } from './contracts.ts'
import { type Fault, type FileOperation, faultyFiles } from './files-faulty.ts'
import { memoryFiles } from './files-memory.ts'
import { after, code, entry, rig, shown } from './streams-faults.test-support.ts'
import { openLocalStreams } from './streams-local.ts'

describe('a disk that fails', () => {
  for (const [operation, fault] of [
    ['datasync', 'EIO'],
    ['datasync', 'ENOSPC'],
    ['write', 'EIO'],
    ['write', 'EBADF'],
  ] as const) {
    test(`${fault} from ${operation} is the end of writing, and is told once`, async () => {
      const { stream, faults, fatal, failed } = await rig()
      await stream.append([entry('one')]).durable
      faults[operation] = [fault]
      const lost = stream.append([entry('two')])
      const behind = stream.append([entry('three')])
      await assert.rejects(lost.durable, code('Fatal'))
      await assert.rejects(behind.durable, code('Fatal'))
      assert.throws(() => stream.append([entry('four')]), code('Fatal'))
      assert.deepEqual(
        fatal.map((error) => error.code),
        ['Fatal'],
      )
      assert.deepEqual(failed, [{ code: 'Fatal', firstSeq: 2 }])
      assert.deepEqual(await shown(stream), [[1, 'one']])
      await stream.close()
    })
  }

  test('a truncation that fails after a full disk is the end of writing', async () => {
    const { stream, faults, fatal } = await rig()
    await stream.append([entry('one')]).durable
    faults.write = [{ short: 3 }]
    faults.truncate = ['EIO']
    await assert.rejects(stream.append([entry('two')]).durable, code('Fatal'))
    assert.equal(fatal.length, 1)
  })

  test('a disk that is read-only for a while refuses appends, and takes them again afterwards', async () => {
    const { stream, faults, fatal, disk } = await rig()
    await stream.append([entry('one')]).durable
    faults.write = [{ short: 3 }, 'EROFS']
    // What was begun cannot be undone either, twice.
    faults.truncate = ['EROFS', 'EROFS']
    await assert.rejects(stream.append([entry('lost')]).durable, code('NoSpace'))
    const takesIt = async () => {
      try {
        await stream.append([entry('two')]).durable
        return true
      } catch (error) {
        assert.equal((error as StorageError).code, 'NoSpace')
        await new Promise((resolve) => setImmediate(resolve))
        return false
      }
    }
    assert.equal(await takesIt(), false)
    while (!(await takesIt()));
    assert.deepEqual(fatal, [])
    const texts = (await shown(stream)).map(([, text]) => text)
    assert.deepEqual(texts, ['one', 'two'])
    disk.powerCut()
    assert.deepEqual(
      (await shown((await after(disk)).stream)).map(([, text]) => text),
      ['one', 'two'],
    )
  })

  test('a segment whose name could not be synced is the end of writing; it opens again', async () => {
    const { stream, faults, fatal, disk } = await rig({ segmentBytes: 2048 })
    await stream.append([entry('1'.repeat(1500))]).durable
    faults.syncDirectory = ['ENOSPC']
    await assert.rejects(stream.append([entry('2'.repeat(1500))]).durable, code('Fatal'))
    assert.equal(fatal.length, 1)
    const again = await after(disk)
    assert.deepEqual(
      (await shown(again.stream)).map(([seq]) => seq),
      [1],
    )
    await again.stream.append([entry('x')]).durable
    assert.equal((await shown((await after(disk)).stream)).length, 2)
  })

  test('an fsync that fails while opening refuses to open', async () => {
    const { disk, stream, streams } = await rig()
    await stream.append([entry('one')]).durable
    await streams.close()
    const files = faultyFiles(disk, (operation) => (operation === 'datasync' ? 'EIO' : undefined))
    const again = await openLocalStreams('/streams', { files, reserveBytes: 0 })
    await assert.rejects(again.open('s'), code('Fatal'))
  })

  test('a read that fails is told to the reader, with the segment', async () => {
    const { disk, stream } = await rig()
    await stream.append([entry('one')]).durable
    const again = await after(disk)
    again.faults.read = ['EIO']
    await assert.rejects(again.stream.read({ after: 0 }).next(), (error: StorageError) => {
      assert.equal(error.code, 'Corrupt')
      assert.match(error.message, /stream s, segment 0000000000000001\.segment/)
      return true
    })
    assert.deepEqual(await shown(again.stream), [[1, 'one']])
  })

  test('the default ending throws out of everything', async () => {
    const caught = new Promise<unknown>((resolve) => {
      const listeners = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.once('uncaughtException', (error) => {
        for (const listener of listeners) process.on('uncaughtException', listener)
        resolve(error)
      })
    })
    const faults: string[] = []
    const files = faultyFiles(memoryFiles(), (operation) =>
      operation === 'datasync' ? faults.shift() : undefined,
    )
    const streams = await openLocalStreams('/streams', { files, reserveBytes: 0 })
    const stream = await streams.open('s')
    await stream.append([entry('one')]).durable
    faults.push('EIO')
    await assert.rejects(stream.append([entry('two')]).durable, code('Fatal'))
    assert.equal(((await caught) as StorageError).code, 'Fatal')
  })
})

describe('a slow disk', () => {
  test('zeros written ahead never land on entries', async () => {
    // The file's first zeros belong to its making; those written ahead come as large writes of nothing.
    const decide = (operation: FileOperation, _: string, bytes: number): Fault | undefined =>
      operation === 'write' && bytes >= 256 * 1024 ? { lateTurns: 40 } : undefined
    const { stream, disk } = await rig({ decide })
    const expected: [number, string][] = []
    for (let turn = 1; turn <= 60; turn++) {
      const payload = `${turn}:${'x'.repeat(20_000)}`
      await stream.append([entry(payload)]).durable
      expected.push([turn, payload])
    }
    assert.deepEqual(await shown((await after(disk)).stream), expected)
  })
})
