import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { StorageError, StreamOptions } from './contracts.ts'
import { type MemoryFiles, memoryFiles } from './files-memory.ts'
import { after, code, collect, entry, rig, segments, shown } from './streams-faults.test-support.ts'

type Mutation =
  | { at: number; put: Uint8Array }
  | { cut: number }
  | { at: number; insert: Uint8Array }
  | { at: number; zeros: number }
  | { at: number; from: number; length: number }

function mutate(bytes: Buffer, change: Mutation): Buffer {
  if ('cut' in change) return bytes.subarray(0, change.cut)
  const at = Math.min(change.at, bytes.length)
  const [before, rest] = [bytes.subarray(0, at), bytes.subarray(at)]
  if ('insert' in change) return Buffer.concat([before, change.insert, rest])
  let piece: Uint8Array
  if ('put' in change) piece = change.put
  else if ('zeros' in change) piece = new Uint8Array(change.zeros)
  else piece = Buffer.from(bytes.subarray(change.from, change.from + change.length))
  rest.set(piece.subarray(0, rest.length))
  return bytes
}

describe('damage', () => {
  const groups = 12

  /** One entry per group, so that every group proves the ones before it. */
  async function written(options: StreamOptions = {}) {
    const { disk, stream, streams } = await rig(options)
    for (let turn = 1; turn <= groups; turn++) {
      await stream.append([entry(`${turn} ${'d'.repeat(300)}`)]).durable
    }
    return { disk, stream, streams }
  }

  const all = Array.from({ length: groups }, (_, index) => index + 1)

  async function reopened(disk: MemoryFiles, options: StreamOptions = {}) {
    const { stream } = await after(disk, options)
    return (await shown(stream)).map(([seq, text]) => {
      assert.equal(text.split(' ')[0], `${seq}`)
      return seq
    })
  }

  test('a flipped bit in a sealed segment is told by segment and offset, and only to who reads it', async () => {
    const { disk } = await written({ segmentBytes: 1024 })
    const paths = segments(disk)
    assert.ok(paths.length > 3)
    const victim = paths[1]!
    disk.damage(victim, (bytes) => {
      bytes[150]! ^= 4
      return bytes
    })
    const { stream } = await after(disk, { segmentBytes: 1024 })
    await assert.rejects(collect(stream.read({ after: 0 })), (error: StorageError) => {
      assert.equal(error.code, 'Corrupt')
      assert.match(error.message, /stream s, segment \d{16}\.segment, offset \d+/)
      assert.ok(victim.includes(/segment (\d{16})/.exec(error.message)![1]!))
      return true
    })
    assert.equal((await shown(stream, 8)).length, groups - 8)
    await stream.append([entry('goes on')]).durable
  })

  test('a missing segment in the middle is told when opening', async () => {
    const { disk } = await written({ segmentBytes: 1024 })
    await disk.remove(segments(disk)[1]!)
    await assert.rejects(after(disk), code('Corrupt'))
  })

  test('a damaged header is told when opening', async () => {
    const { disk } = await written({ segmentBytes: 1024 })
    disk.damage(segments(disk)[1]!, (bytes) => {
      bytes[20]! ^= 1
      return bytes
    })
    await assert.rejects(after(disk), code('Corrupt'))
  })

  test('a damaged or missing index costs nothing but a scan', async () => {
    const { disk } = await written({ segmentBytes: 1024 })
    for (const path of segments(disk).slice(0, -1)) {
      disk.damage(path, (bytes) => {
        bytes[bytes.length - 20]! ^= 1
        return bytes
      })
    }
    assert.deepEqual(await reopened(disk), all)
  })

  test('a sealed segment cut short is told, not passed over', async () => {
    const { disk } = await written({ segmentBytes: 1024 })
    disk.damage(segments(disk)[1]!, (bytes) => bytes.subarray(0, 200))
    const { stream } = await after(disk)
    await assert.rejects(collect(stream.read({ after: 0 })), code('Corrupt'))
  })

  test('in the last segment, before the last group, it is told when opening', async () => {
    const { disk } = await written()
    const [path] = segments(disk)
    let at = 0
    disk.damage(path!, (bytes) => {
      at = bytes.indexOf('3 ddd')
      bytes[at + 50]! ^= 1
      return bytes
    })
    await assert.rejects(after(disk), (error: StorageError) => {
      assert.equal(error.code, 'Corrupt')
      assert.ok(Number(/offset (\d+)/.exec(error.message)![1]) <= at)
      return true
    })
  })

  test('zeros where durable batches were are told as well', async () => {
    const { disk } = await written()
    disk.damage(segments(disk)[0]!, (bytes) => bytes.fill(0, 512, 1024))
    await assert.rejects(after(disk), code('Corrupt'))
  })

  test('in the last group it cannot be told from a torn write: cut off, after a kill', async () => {
    const { disk } = await written()
    disk.damage(segments(disk)[0]!, (bytes) => {
      bytes[bytes.indexOf(`${groups} ddd`) + 50]! ^= 1
      return bytes
    })
    assert.deepEqual(await reopened(disk), all.slice(0, -1))
  })

  test('in the last group it is told after a clean close', async () => {
    const { disk, streams } = await written()
    await streams.close()
    disk.damage(segments(disk)[0]!, (bytes) => {
      bytes[bytes.indexOf(`${groups} ddd`) + 50]! ^= 1
      return bytes
    })
    await assert.rejects(after(disk), code('Corrupt'))
  })

  test('what a torn write left behind the tear never comes back', async () => {
    const { disk, stream } = await rig()
    const payload = (name: string) => name.padEnd(300, '.')
    await stream.append([entry(payload('one'))]).durable
    // Two appends in one group, of which the disk kept only the second.
    const lost = ['lost two', 'lost three'].map((name) => stream.append([entry(payload(name))]))
    await Promise.all(lost.map(({ durable }) => durable))
    disk.damage(segments(disk)[0]!, (bytes) => {
      bytes[bytes.indexOf('lost two')]! ^= 1
      return bytes
    })
    const second = await after(disk)
    assert.equal(second.stream.bounds().last, 1)
    // Exactly as long as the lost one: the next batch in the file would be the lost third.
    await second.stream.append([entry(payload('two'))]).durable
    const third = await after(disk)
    assert.deepEqual(
      (await shown(third.stream)).map(([, text]) => text.replaceAll('.', '')),
      ['one', 'two'],
    )
  })

  test('an old batch that turns up behind the last one is not taken in again', async () => {
    const { disk } = await written()
    disk.damage(segments(disk)[0]!, (bytes) => {
      const length = bytes.readUInt32LE(64 + 4)
      // All of one size but for their numbers: the second one is as long as the first.
      const end = bytes.lastIndexOf('ddd') + 3
      const free = Math.ceil(end / 8) * 8
      bytes.copy(bytes, free, 64, 64 + length)
      return bytes
    })
    assert.deepEqual(await reopened(disk), all)
  })

  test('a payload that looks like a batch is never taken for one', async () => {
    const { disk, stream } = await rig()
    await stream.append([entry('one')]).durable
    let raw: Buffer = Buffer.alloc(0)
    disk.damage(segments(disk)[0]!, (bytes) => {
      raw = Buffer.from(bytes.subarray(64, 200))
      return bytes
    })
    const other = await rig()
    // The bytes of another stream's batch, as a peer could send them; then the group is torn.
    await other.stream.append([{ key: 'k', kind: 0, make: () => Buffer.concat([raw, raw, raw]) }])
      .durable
    await other.stream.append([{ key: 'k', kind: 0, make: () => Buffer.concat([raw, raw, raw]) }])
      .durable
    const [path] = segments(other.disk)
    other.disk.damage(path!, (bytes) => {
      bytes[bytes.lastIndexOf('one')]! ^= 1
      return bytes
    })
    const again = await after(other.disk)
    assert.deepEqual(again.stream.bounds(), { first: 1, last: 1, durable: 1 })
  })

  test('a tail torn anywhere loses no group but those behind the tear', async () => {
    const { disk } = await written()
    const [path] = segments(disk)
    let whole: Buffer = Buffer.alloc(0)
    const ends: number[] = []
    disk.damage(path!, (bytes) => {
      whole = bytes
      for (const seq of all) ends.push(bytes.indexOf(`${seq} ddd`) + `${seq} `.length + 300)
      return bytes
    })
    const last = ends.at(-1)! + 20
    for (let cut = 64; cut < last; cut += 37) {
      const torn = memoryFiles()
      await torn.makeDirectory('/streams/s')
      const file = await torn.open(path!, 'w+')
      await file.write(whole.subarray(0, cut), 0)
      const { stream, streams } = await after(torn)
      const complete = ends.filter((end) => end <= cut).length
      const found = (await shown(stream)).map(([seq]) => seq)
      // The last one may lack nothing but its padding.
      assert.ok(found.length === complete || found.length === complete - 1, `cut at ${cut}`)
      assert.deepEqual(found, all.slice(0, found.length))
      const { first, durable } = stream.append([entry('after')])
      await durable
      assert.equal(first, found.length + 1)
      await streams.close()
    }
  })

  test('arbitrary damage to the last segment: opened with a prefix, or refused as corrupt', async () => {
    const { disk } = await written()
    const [path] = segments(disk)
    let whole: Buffer = Buffer.alloc(0)
    disk.damage(path!, (bytes) => {
      whole = bytes
      return bytes
    })
    const used = whole.lastIndexOf('ddd') + 64
    const mutation: fc.Arbitrary<Mutation> = fc.oneof(
      fc.record({ at: fc.nat(used), put: fc.uint8Array({ minLength: 1, maxLength: 80 }) }),
      fc.record({ cut: fc.nat(whole.length) }),
      fc.record({ at: fc.nat(used), insert: fc.uint8Array({ minLength: 1, maxLength: 600 }) }),
      fc.record({ at: fc.nat(used), zeros: fc.nat(4096) }),
      fc.record({ at: fc.nat(used), from: fc.nat(used), length: fc.nat(1000) }),
    )
    const property = fc.asyncProperty(
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      async (mutations) => {
        const bytes = mutations.reduce(mutate, Buffer.from(whole))
        const victim = memoryFiles()
        await victim.makeDirectory('/streams/s')
        const file = await victim.open(path!, 'w+')
        await file.write(bytes, 0)
        try {
          const { stream } = await after(victim)
          const found = (await shown(stream)).map(([seq, text]) => {
            assert.match(text, new RegExp(`^${seq} d{300}$`))
            return seq
          })
          assert.deepEqual(found, all.slice(0, found.length))
          await stream.append([entry('after')]).durable
          assert.equal((await shown(stream)).length, found.length + 1)
        } catch (error) {
          if ((error as StorageError).code !== 'Corrupt') throw error
        }
      },
    )
    await fc.assert(property, { numRuns: 600 })
  })
})
