import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { StorageError } from './contracts.ts'
import { faultyFiles } from './files-faulty.ts'
import { memoryFiles } from './files-memory.ts'
import { after, code, entry, rig, segments, shown } from './streams-faults.test-support.ts'
import { openLocalStreams } from './streams-local.ts'

describe('a full disk', () => {
  test('fails the append, keeps what was durable and goes on above the burned seqs', async () => {
    const { disk, stream, failed, fatal } = await rig({ segmentBytes: 4096 })
    await stream.append([entry('one')]).durable
    disk.freeSpace = 100
    const lost = stream.append([entry('x'.repeat(9000)), entry('y')])
    await assert.rejects(lost.durable, code('NoSpace'))
    assert.deepEqual(failed, [{ code: 'NoSpace', firstSeq: 2 }])
    assert.deepEqual(await shown(stream), [[1, 'one']])
    disk.freeSpace = 1e9
    const next = stream.append([entry('four')])
    assert.equal(next.first, 4)
    await next.durable
    assert.deepEqual(await shown(stream), [
      [1, 'one'],
      [4, 'four'],
    ])
    const again = await after(disk)
    assert.deepEqual(await shown(again.stream), [
      [1, 'one'],
      [4, 'four'],
    ])
    assert.equal(again.stream.append([entry('five')]).first, 5)
    assert.deepEqual(fatal, [])
  })

  test('fails everything that was queued behind it, in order', async () => {
    const { disk, stream } = await rig({ segmentBytes: 4096 })
    await stream.append([entry('one')]).durable
    disk.freeSpace = 0
    const order: number[] = []
    const appends = [9000, 10, 10].map((size) => stream.append([entry('x'.repeat(size))]))
    await new Promise((resolve) => setImmediate(resolve))
    // The first group is under way, this one comes later.
    appends.push(stream.append([entry('late')]))
    await Promise.all(
      appends.map(({ first, durable }) =>
        assert.rejects(durable, code('NoSpace')).then(() => order.push(first)),
      ),
    )
    assert.deepEqual(order, [2, 3, 4, 5])
    disk.freeSpace = 1e9
    const { first, durable } = stream.append([entry('six')])
    await durable
    assert.equal(first, 6)
    assert.deepEqual(
      (await shown(stream)).map(([seq]) => seq),
      [1, 6],
    )
  })

  test('fails what was queued behind it even when there is room again by then', async () => {
    const { stream, faults } = await rig({ segmentBytes: 4096 })
    await stream.append([entry('one')]).durable
    faults.write = ['ENOSPC']
    const appends = [stream.append([entry('two')])]
    await new Promise((resolve) => setImmediate(resolve))
    appends.push(stream.append([entry('three, built upon two')]))
    for (const { durable } of appends) await assert.rejects(durable, code('NoSpace'))
    await stream.append([entry('four')]).durable
    assert.deepEqual(await shown(stream), [
      [1, 'one'],
      [4, 'four'],
    ])
  })

  test('and then a power cut: nothing of the failed write comes back', async () => {
    const { disk, stream } = await rig({ segmentBytes: 1 << 20 })
    await stream.append([entry('one')]).durable
    const whole = stream.append([entry('whole')])
    const cut = stream.append([entry('x'.repeat(1 << 20))])
    disk.freeSpace = 5000
    await assert.rejects(whole.durable, code('NoSpace'))
    await assert.rejects(cut.durable, code('NoSpace'))
    disk.powerCut(() => 1)
    assert.deepEqual(await shown((await after(disk)).stream), [[1, 'one']])
  })

  test('tells the owner before any later append is taken', async () => {
    const disk = memoryFiles()
    const files = faultyFiles(disk, () => undefined)
    const streams = await openLocalStreams('/streams', { files, reserveBytes: 0 })
    const events: string[] = []
    const stream = await streams.open('s', {
      segmentBytes: 4096,
      onFailed: (error, firstSeq) => events.push(`failed ${error.code} ${firstSeq}`),
    })
    await stream.append([entry('one')]).durable
    disk.freeSpace = 0
    const writer = async (name: string) => {
      const { first, durable } = stream.append([entry('x'.repeat(5000))])
      await durable.catch(() => events.push(`${name} ${first}`))
    }
    await Promise.all([writer('a'), writer('b')])
    assert.deepEqual(events, ['failed NoSpace 2', 'a 2', 'b 3'])
  })

  test('also when the space ends in the middle of a write', async () => {
    const { stream, faults, disk } = await rig()
    await stream.append([entry('one')]).durable
    faults.write = [{ short: 50 }]
    await assert.rejects(stream.append([entry('x'.repeat(500))]).durable, code('NoSpace'))
    await stream.append([entry('three')]).durable
    const expected: [number, string][] = [
      [1, 'one'],
      [3, 'three'],
    ]
    assert.deepEqual(await shown(stream), expected)
    assert.equal(segments(disk).length, 2)
    const again = await after(disk)
    assert.deepEqual(await shown(again.stream), expected)
  })

  test('nothing of the failed write is left in the file', async () => {
    const { stream, faults, disk } = await rig()
    await stream.append([entry('one')]).durable
    faults.write = [{ short: 100_000 }]
    await assert.rejects(stream.append([entry('SECRET'.repeat(50_000))]).durable, code('NoSpace'))
    const [path] = segments(disk)
    disk.damage(path!, (bytes) => {
      assert.equal(bytes.indexOf('SECRET'), -1)
      return bytes
    })
  })

  test('a whole append that arrived, in a group that did not, is undone as well', async () => {
    const { stream, faults, disk } = await rig()
    await stream.append([entry('one')]).durable
    faults.write = [{ short: 400 }]
    const two = stream.append([entry('two')])
    const three = stream.append([entry('3'.repeat(1000))])
    await assert.rejects(two.durable, code('NoSpace'))
    await assert.rejects(three.durable, code('NoSpace'))
    const again = await after(disk)
    assert.deepEqual(await shown(again.stream), [[1, 'one']])
  })

  for (const operation of ['open', 'write', 'datasync', 'rename'] as const) {
    test(`while a segment is begun (${operation}) fails the append and nothing else`, async () => {
      const { stream, faults, disk, fatal } = await rig({ segmentBytes: 2048 })
      await stream.append([entry('1'.repeat(1500))]).durable
      faults[operation] = ['ENOSPC']
      await assert.rejects(stream.append([entry('2'.repeat(1500))]).durable, code('NoSpace'))
      await stream.append([entry('3'.repeat(1500))]).durable
      const seqs = (await shown(stream)).map(([seq]) => seq)
      assert.deepEqual(seqs, [1, 3])
      assert.deepEqual(fatal, [])
      const again = await after(disk)
      assert.deepEqual(
        (await shown(again.stream)).map(([seq]) => seq),
        [1, 3],
      )
    })
  }

  test('when a finished segment has no room for its index, it is read without', async () => {
    const { stream, faults, disk, fatal } = await rig({ segmentBytes: 2048 })
    for (let turn = 0; turn < 4; turn++) await stream.append([entry('a'.repeat(400))]).durable
    // The new segment's file, the entries, then the old one's index.
    faults.write = [undefined, undefined, 'ENOSPC', 'ENOSPC', 'ENOSPC']
    await stream.append([entry('b'.repeat(400))]).durable
    faults.write = []
    await stream.append([entry('c')]).durable
    assert.equal((await shown(stream)).length, 6)
    const again = await after(disk)
    assert.equal((await shown(again.stream)).length, 6)
    assert.deepEqual(fatal, [])
  })

  test('below the reserve appends are refused at once and take nothing; reads go on', async () => {
    const { disk, stream } = await rig({ reserveBytes: 1e6 })
    await stream.append([entry('one')]).durable
    disk.freeSpace = 1e6 - 1
    // Space is looked at now and then, not at each append.
    let refused: unknown
    let last = 1
    for (let turn = 0; turn < 500 && !refused; turn++) {
      try {
        const appended = stream.append([entry('more')])
        last = appended.last
        await appended.durable
      } catch (error) {
        refused = error
      }
    }
    assert.equal((refused as StorageError).code, 'NoSpace')
    assert.equal((await shown(stream)).length, last)
    disk.freeSpace = 1e9
    let next: number | undefined
    for (let turn = 0; turn < 50 && next === undefined; turn++) {
      try {
        const appended = stream.append([entry('again')])
        next = appended.first
        await appended.durable
      } catch {
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    assert.equal(next, last + 1, 'no seq was burned by refusals')
  })

  test('whenever it fills and empties, what was acknowledged is there and nothing else', async () => {
    const step = fc.record({
      sizes: fc.array(fc.nat(3000), { minLength: 1, maxLength: 4 }),
      free: fc.option(fc.nat(9000), { nil: undefined }),
    })
    const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { disk, stream, fatal } = await rig({ segmentBytes: 4096 })
      const kept: [number, string][] = []
      for (const { sizes, free } of steps) {
        if (free !== undefined) disk.freeSpace = free
        await Promise.all(
          sizes.map(async (size) => {
            const payload = 'z'.repeat(size)
            try {
              const { first, durable } = stream.append([entry(payload)])
              await durable
              kept.push([first, payload])
            } catch (error) {
              assert.equal((error as StorageError).code, 'NoSpace')
            }
          }),
        )
      }
      assert.deepEqual(fatal, [])
      assert.deepEqual(await shown(stream), kept)
      disk.freeSpace = 1e9
      const again = await after(disk)
      assert.deepEqual(await shown(again.stream), kept)
      const { first, durable } = again.stream.append([entry('next')])
      await durable
      assert.ok(first > (kept.at(-1)?.[0] ?? 0))
    })
    await fc.assert(property, { numRuns: 150 })
  })
})
