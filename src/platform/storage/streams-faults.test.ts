import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Entry, NewEntry, StorageError, Stream, StreamOptions, Streams } from './contracts.ts'
import type { Files } from './files.ts'
import { type Fault, type FileOperation, faultyFiles } from './files-faulty.ts'
import { type MemoryFiles, memoryFiles } from './files-memory.ts'
import { openLocalStreams } from './streams-local.ts'

const code = (name: string) => ({ code: name })

function entry(payload: string, key = 'k'): NewEntry {
  return { key, kind: 0, make: () => Buffer.from(payload) }
}

async function collect(batches: AsyncIterable<readonly Entry[]>): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const batch of batches) entries.push(...batch)
  return entries
}

async function shown(stream: Stream, after = 0): Promise<[number, string][]> {
  const entries = await collect(stream.read({ after }))
  return entries.map(({ seq, payload }) => [seq, Buffer.from(payload).toString()])
}

interface Rig {
  disk: MemoryFiles
  streams: Streams
  stream: Stream
  fatal: StorageError[]
  failed: { code: string; firstSeq: number }[]
  /** Faults to come, by operation; the first of a list is used up by the next such call. */
  faults: Partial<Record<FileOperation, (Fault | undefined)[]>>
}

async function rig(
  options: StreamOptions & {
    disk?: MemoryFiles
    reserveBytes?: number
    decide?: (operation: FileOperation, path: string, bytes: number) => Fault | undefined
  } = {},
): Promise<Rig> {
  const { disk = memoryFiles(), reserveBytes = 0, decide, ...streamOptions } = options
  const faults: Rig['faults'] = {}
  const files: Files = faultyFiles(
    disk,
    (operation, path, bytes) => faults[operation]?.shift() ?? decide?.(operation, path, bytes),
  )
  const fatal: StorageError[] = []
  const failed: Rig['failed'] = []
  const streams = await openLocalStreams('/streams', {
    files,
    reserveBytes,
    now: () => 1,
    onFatal: (error) => fatal.push(error),
  })
  const stream = await streams.open('s', {
    ...streamOptions,
    onFailed: (error, firstSeq) => failed.push({ code: error.code, firstSeq }),
  })
  return { disk, streams, stream, fatal, failed, faults }
}

/** Opens what a rig left, after its process is gone. */
async function after(disk: MemoryFiles, options: StreamOptions = {}): Promise<Rig> {
  disk.kill()
  return rig({ disk, ...options })
}

const segments = (disk: MemoryFiles) => disk.paths.filter((path) => path.endsWith('.segment'))

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

describe('a power cut', () => {
  /** Numbers from 0 to 1 that follow from a seed, so that a failing run can be run again. */
  function dice(seed: number): () => number {
    let state = seed >>> 0
    return () => {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    }
  }

  /** Appends from several callers until the power goes; returns what was acknowledged and what was asked for. */
  async function runUntilCut(disk: MemoryFiles, seed: number, options: StreamOptions) {
    const random = dice(seed)
    const { stream } = await rig({ disk, ...options })
    const asked = new Map<number, string[]>()
    const acknowledged = new Set<number>()
    let turnsLeft = 20 + Math.floor(random() * 200)
    const caller = async () => {
      while (turnsLeft-- > 0) {
        const group = Array.from(
          { length: 1 + Math.floor(random() * 3) },
          () => `${turnsLeft}:${'p'.repeat(random() * 2000)}`,
        )
        const { first, durable } = stream.append(group.map((payload) => entry(payload)))
        asked.set(first, group)
        await durable
        acknowledged.add(first)
      }
    }
    const callers = Array.from({ length: 1 + Math.floor(random() * 5) }, caller)
    const settled = Promise.allSettled(callers)
    const turns = Math.floor(random() * 150)
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
    disk.powerCut(random() < 0.3 ? undefined : random)
    turnsLeft = 0
    await settled
    return { asked, acknowledged }
  }

  test('loses nothing acknowledged and halves no append, over and over', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(2048, 16_384, 1 << 20),
      async (seeds, segmentBytes) => {
        const disk = memoryFiles()
        const kept = new Map<number, string[]>()
        for (const seed of seeds) {
          const { asked, acknowledged } = await runUntilCut(disk, seed, { segmentBytes })
          const { stream, streams } = await after(disk, { segmentBytes })
          const found = new Map(await shown(stream))
          for (const [first, group] of asked) {
            const present = group.filter((payload, index) => found.get(first + index) === payload)
            if (acknowledged.has(first)) assert.equal(present.length, group.length)
            assert.ok(present.length === 0 || present.length === group.length, 'all or none')
            if (present.length > 0) kept.set(first, group)
          }
          const expected = [...kept]
            .sort(([one], [other]) => one - other)
            .flatMap(([first, group]) => group.map((payload, index) => [first + index, payload]))
          assert.deepEqual([...found], expected)
          await streams.close()
        }
      },
    )
    await fc.assert(property, { numRuns: 150 })
  })

  test('after a kill, what was shown once is not lost to a later power cut', async () => {
    const { disk, stream, faults } = await rig()
    await stream.append([entry('one')]).durable
    // The process dies between its write and its fsync.
    faults.datasync = [undefined]
    stream.append([entry('two')])
    while (!disk.paths.length) await new Promise((resolve) => setImmediate(resolve))
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    const { stream: reopened } = await after(disk)
    const seen = await shown(reopened)
    disk.powerCut()
    const { stream: final } = await rig({ disk })
    assert.deepEqual(await shown(final), seen)
  })

  test('a seq shown to a reader is never given to another entry', async () => {
    const property = fc.asyncProperty(fc.nat(), async (seed) => {
      const random = dice(seed)
      const disk = memoryFiles()
      const shownEver = new Map<number, string>()
      for (let life = 0; life < 3; life++) {
        const { stream } = await rig({ disk, segmentBytes: 4096 })
        const reading = (async () => {
          for await (const batch of stream.read({ after: 0, live: true })) {
            for (const { seq, payload } of batch) {
              const text = Buffer.from(payload).toString()
              assert.equal(shownEver.get(seq) ?? text, text)
              shownEver.set(seq, text)
            }
          }
        })().catch((error) => assert.equal(error.code, 'Corrupt'))
        const appended = Array.from({ length: 30 }, (_, turn) =>
          stream.append([entry(`${life}/${turn}/${'x'.repeat(random() * 500)}`)]),
        )
        const turns = Math.floor(random() * 12)
        for (let turn = 0; turn < turns; turn++) {
          await new Promise((resolve) => setImmediate(resolve))
        }
        disk.powerCut(random)
        await Promise.allSettled(appended.map(({ durable }) => durable))
        await stream.close()
        await reading
      }
      const { stream } = await after(disk)
      const found = new Map(await shown(stream))
      for (const [seq, text] of shownEver) assert.equal(found.get(seq), text)
    })
    await fc.assert(property, { numRuns: 100 })
  })

  test('in the middle of erasing: every entry is intact or erased, and a second run finishes', async () => {
    const property = fc.asyncProperty(fc.nat(), fc.nat(60), async (seed, turns) => {
      const disk = memoryFiles()
      const first = await rig({ disk, segmentBytes: 4096 })
      for (let turn = 0; turn < 20; turn++) {
        await first.stream.append([
          entry(`keep ${turn}`, 'a'),
          entry(`SECRET ${turn} ${'s'.repeat(700)}`, 'b'),
        ]).durable
      }
      const blanking = first.stream.blank(({ key }) => key === 'b').catch(() => 'cut')
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      disk.powerCut(dice(seed))
      await blanking
      const { stream } = await rig({ disk, segmentBytes: 4096 })
      const check = async (all: boolean) => {
        const found = await collect(stream.read({ after: 0 }))
        assert.equal(found.length, 40)
        for (const [index, { seq, key, payload, blanked }] of found.entries()) {
          assert.equal(seq, index + 1)
          const text = Buffer.from(payload).toString()
          if (key === 'a') assert.equal(text, `keep ${Math.floor(index / 2)}`)
          else if (all || blanked) assert.deepEqual([blanked, text], [true, ''])
          else assert.ok(text.startsWith('SECRET '))
        }
      }
      await check(false)
      await stream.blank(({ key }) => key === 'b')
      await check(true)
      for (const path of segments(disk)) {
        disk.damage(path, (bytes) => {
          assert.equal(bytes.indexOf('SECRET'), -1)
          return bytes
        })
      }
    })
    await fc.assert(property, { numRuns: 100 })
  })

  test('in the middle of trimming: what stays is whole', async () => {
    const property = fc.asyncProperty(fc.nat(), fc.nat(40), async (seed, turns) => {
      const disk = memoryFiles()
      const { stream } = await rig({ disk, segmentBytes: 2048 })
      for (let turn = 1; turn <= 30; turn++) {
        await stream.append([entry(`${turn} ${'t'.repeat(500)}`)]).durable
      }
      const trimming = stream.trim({ beforeSeq: 25 }).catch(() => 'cut')
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      disk.powerCut(dice(seed))
      await trimming
      const again = await rig({ disk, segmentBytes: 2048 })
      const { first, last } = again.stream.bounds()
      assert.ok(first <= 25)
      assert.equal(last, 30)
      const found = await shown(again.stream)
      assert.deepEqual(
        found.map(([seq, text]) => [seq, text.split(' ')[0]]),
        Array.from({ length: 31 - first }, (_, index) => [first + index, `${first + index}`]),
      )
    })
    await fc.assert(property, { numRuns: 60 })
  })
})

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
