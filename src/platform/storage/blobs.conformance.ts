import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test as nodeTest } from 'node:test'
import fc from 'fast-check'
import type { BlobRange, Blobs } from './contracts.ts'

export interface BlobsHome {
  open(): Promise<Blobs>
  drop(): Promise<void>
}

const code = (name: string) => ({ code: name })

/** Bytes that differ at every place, so that a misplaced chunk shows. */
function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) * 17) & 255
  return bytes
}

async function* chunks(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** What every form of Blobs promises. */
export function blobsConformance(
  form: string,
  makeHome: () => Promise<BlobsHome>,
  /** Titles of cases that a foreign server is known to get wrong. */
  except: readonly string[] = [],
): void {
  const test = (title: string, run: () => Promise<void>) =>
    nodeTest(title, { skip: except.includes(title) && 'this server is known for it' }, run)
  describe(`blobs on ${form}`, () => {
    let home: BlobsHome
    let blobs: Blobs

    beforeEach(async () => {
      home = await makeHome()
      blobs = await home.open()
    })
    afterEach(() => home.drop())

    async function put(key: string, bytes: Uint8Array): Promise<void> {
      const staged = await blobs.stage(bytes)
      await staged.commit(key)
    }

    async function read(key: string, range?: BlobRange): Promise<Uint8Array | undefined> {
      const found = await blobs.get(key, range)
      return found && new Uint8Array(Buffer.concat(await collect(found.body)))
    }

    test('bytes come back as they were given, from one piece or many', async () => {
      for (const size of [0, 1, 1000, 262_145, 524_288, 1_048_577, 2_500_000]) {
        const bytes = pattern(size)
        for (const chunk of [1 << 20, 60_001]) {
          const staged = await blobs.stage(chunks(bytes, chunk))
          assert.equal(staged.size, size)
          await staged.commit('ab/did_x/bafy')
          assert.equal((await blobs.get('ab/did_x/bafy'))!.size, size)
          assert.ok(Buffer.from(bytes).equals((await read('ab/did_x/bafy'))!))
        }
        await put('ab/did_x/whole', bytes)
        assert.ok(Buffer.from(bytes).equals((await read('ab/did_x/whole'))!))
      }
    })

    test('chunks handed out are at most 1 MiB', async () => {
      await put('k', pattern(2_500_000))
      const { body } = (await blobs.get('k'))!
      for (const chunk of await collect(body)) assert.ok(chunk.length <= 1 << 20)
    })

    test('very many very small pieces are no burden', async () => {
      const bytes = pattern(20_000)
      const staged = await blobs.stage(chunks(bytes, 1))
      await staged.commit('k')
      assert.ok(Buffer.from(bytes).equals((await read('k'))!))
    })

    test('nothing has a name before commit, and nothing after discard', async () => {
      const staged = await blobs.stage(pattern(10))
      assert.deepEqual(await collect(blobs.list('')), [])
      await staged.discard()
      await staged.discard()
      await assert.rejects(staged.commit('k'), code('InvalidArgument'))
      assert.equal(await blobs.has('k'), false)
    })

    test('commit happens once; discard afterwards does nothing', async () => {
      const staged = await blobs.stage(pattern(10))
      await staged.commit('a/b')
      await assert.rejects(staged.commit('a/c'), code('InvalidArgument'))
      await staged.discard()
      assert.equal(await blobs.has('a/b'), true)
    })

    test('a commit over a name replaces what was there', async () => {
      await put('k', pattern(10))
      await put('k', pattern(20))
      assert.equal((await blobs.get('k'))!.size, 20)
    })

    test('a body that was begun before a replacement stays whole', async () => {
      await put('k', pattern(600_000))
      const { body } = (await blobs.get('k'))!
      const parts: Uint8Array[] = []
      for await (const chunk of body) {
        if (parts.length === 0) await put('k', new Uint8Array(600_000))
        parts.push(chunk)
      }
      assert.ok(Buffer.concat(parts).equals(pattern(600_000)))
    })

    test('ranges are start to end, clipped to what is there', async () => {
      const bytes = pattern(500_000)
      await put('k', bytes)
      const cases: [BlobRange, number, number][] = [
        [{ start: 0, end: 1 }, 0, 1],
        [{ start: 10 }, 10, 500_000],
        [{ start: 262_000, end: 262_300 }, 262_000, 262_300],
        [{ start: 499_999, end: 600_000 }, 499_999, 500_000],
        [{ start: 500_000 }, 500_000, 500_000],
        [{ start: 700_000 }, 500_000, 500_000],
        [{ start: 20, end: 10 }, 20, 20],
        [{ start: -5, end: 3 }, 0, 3],
      ]
      for (const [range, start, end] of cases) {
        assert.ok(Buffer.from(bytes.subarray(start, end)).equals((await read('k', range))!))
        assert.equal((await blobs.get('k', range))!.size, 500_000)
      }
    })

    test('what is not there is undefined, and deleting it is no error', async () => {
      assert.equal(await blobs.get('no/such/thing'), undefined)
      assert.equal(await blobs.has('no/such/thing'), false)
      await blobs.delete(['no/such/thing', 'nor/this'])
    })

    test('a folder of blobs is no blob', async () => {
      await put('a/b/c', pattern(1))
      assert.equal(await blobs.has('a/b'), false)
      assert.equal(await blobs.get('a/b'), undefined)
      await blobs.delete(['a/b'])
      assert.equal(await blobs.has('a/b/c'), true)
    })

    test('many are deleted at once', async () => {
      for (const key of ['a/1', 'a/2', 'b/3']) await put(key, pattern(5))
      await blobs.delete(['a/1', 'b/3', 'a/9'])
      assert.deepEqual(await collect(blobs.list('')), ['a/2'])
    })

    test('list gives the keys with a prefix, in order', async () => {
      const keys = ['ab/x/2', 'ab/x/1', 'ab/y/1', 'abc', 'b/1', 'ab-c/1', 'ab/x/11']
      for (const key of keys) await put(key, pattern(1))
      assert.deepEqual(await collect(blobs.list('')), [...keys].sort())
      for (const prefix of ['ab', 'ab/', 'ab/x/', 'ab/x/1', 'ab/x', 'zz', 'ab/none/']) {
        assert.deepEqual(
          await collect(blobs.list(prefix)),
          keys.filter((key) => key.startsWith(prefix)).sort(),
          prefix,
        )
      }
    })

    test('keys that could lead elsewhere are refused everywhere', async () => {
      for (const key of [
        '',
        '/',
        '/etc/passwd',
        'a/',
        'a//b',
        '../a',
        'a/../b',
        'a/./b',
        '.',
        '..',
        '.hidden',
        'a/.staging',
        'a\\b',
        'a\0b',
        'a b',
        'ä',
        'a?b',
        'C:\\x',
        'x'.repeat(600),
        'x'.repeat(201),
      ]) {
        const staged = await blobs.stage(pattern(1))
        await assert.rejects(staged.commit(key), code('InvalidKey'), key)
        await staged.discard()
        await assert.rejects(blobs.get(key), code('InvalidKey'))
        await assert.rejects(blobs.has(key), code('InvalidKey'))
        await assert.rejects(blobs.delete([key]), code('InvalidKey'))
        await assert.rejects(blobs.sync([key]), code('InvalidKey'))
      }
      await assert.rejects(collect(blobs.list('../')), code('InvalidKey'))
      await assert.rejects(collect(blobs.list('a/../../')), code('InvalidKey'))
      assert.deepEqual(await collect(blobs.list('')), [])
    })

    test('keys of every allowed form work', async () => {
      for (const key of [
        'did:plc:abc/bafkrei123',
        'ab/did_web_example.com~3A8080/x=1',
        'a..b',
        'A-Z_~:=.9',
      ]) {
        await put(key, pattern(3))
        assert.equal((await read(key))!.length, 3)
      }
    })

    test('a source that throws leaves nothing behind', async () => {
      async function* broken() {
        yield pattern(300_000)
        throw new Error('the line went dead')
      }
      await assert.rejects(blobs.stage(broken()), /the line went dead/)
      assert.deepEqual(await collect(blobs.list('')), [])
    })

    test('more bytes than allowed are refused while they come in', async () => {
      let pulled = 0
      async function* endless() {
        for (;;) {
          pulled++
          yield pattern(1000)
        }
      }
      await assert.rejects(blobs.stage(endless(), { maxBytes: 50_000 }), code('TooLarge'))
      assert.equal(pulled, 51)
      const exact = await blobs.stage(pattern(50_000), { maxBytes: 50_000 })
      assert.equal(exact.size, 50_000)
      await exact.discard()
    })

    test('sync is for what is there', async () => {
      await put('a/b/1', pattern(10))
      await put('a/b/2', pattern(10))
      await blobs.sync(['a/b/1', 'a/b/2', 'a/b/1'])
      await blobs.sync([])
      await assert.rejects(blobs.sync(['a/b/3']), code('NotFound'))
    })

    test('a body given up early is closed', async () => {
      await put('k', pattern(1_000_000))
      for (let turn = 0; turn < 50; turn++) {
        for await (const chunk of (await blobs.get('k'))!.body) {
          assert.ok(chunk.length > 0)
          break
        }
      }
    })

    test('many at the same time do not mix', async () => {
      await Promise.all(
        Array.from({ length: 30 }, async (_, name) => {
          const bytes = new Uint8Array(50_000 + name).fill(name)
          const staged = await blobs.stage(chunks(bytes, 7000))
          await staged.commit(`many/${name}`)
          await blobs.sync([`many/${name}`])
          assert.ok(Buffer.from(bytes).equals((await read(`many/${name}`))!))
        }),
      )
      assert.equal((await collect(blobs.list('many/'))).length, 30)
    })

    test('what was committed is there after opening again, what was staged is not', async () => {
      await put('k', pattern(10))
      await blobs.stage(pattern(10))
      blobs = await home.open()
      assert.deepEqual(await collect(blobs.list('')), ['k'])
      assert.equal((await blobs.stage(pattern(10))).size, 10)
    })

    test('whatever is done in whatever order, it equals a map', async () => {
      const key = fc.constantFrom('a', 'b/c', 'b/d', 'e/f/g')
      const step = fc.oneof(
        fc.record({ put: key, size: fc.nat(3000) }),
        fc.record({ delete: fc.array(key, { maxLength: 3 }) }),
        fc.record({ read: key, start: fc.nat(3500), end: fc.nat(3500) }),
      )
      const property = fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        await blobs.delete(['a', 'b/c', 'b/d', 'e/f/g'])
        const model = new Map<string, Uint8Array>()
        for (const action of steps) {
          if ('put' in action) {
            const bytes = pattern(action.size)
            model.set(action.put, bytes)
            await put(action.put, bytes)
          } else if ('delete' in action) {
            for (const name of action.delete) model.delete(name)
            await blobs.delete(action.delete)
          } else {
            const expected = model.get(action.read)
            const found = await read(action.read, action)
            const part = expected?.subarray(action.start, Math.max(action.start, action.end))
            assert.deepEqual(found && [...found], part && [...part])
          }
        }
        assert.deepEqual(await collect(blobs.list('')), [...model.keys()].sort())
      })
      await fc.assert(property, { numRuns: 40 })
    })
  })
}
