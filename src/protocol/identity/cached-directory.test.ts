import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Did, Handle } from '#protocol/syntax'
import { type CachedDirectory, cachedDirectory } from './cached-directory.ts'
import type { Directory } from './directory.ts'
import type { DidDocument } from './document.ts'
import { LookupCache } from './lookup-cache.ts'
import { UpstreamError } from './upstream-error.ts'

const alice = 'did:plc:alice' as Did
const bob = 'did:plc:bob' as Did
const ttlMs = 1_000
const staleMs = 10_000
const negativeTtlMs = 100
const failureTtlMs = 20

let nowMs: number
let asked: string[]
/** What the directory behind answers, by what is asked. */
let answers: Map<string, unknown>
let cached: CachedDirectory

function documentOf(id: Did, name: string): DidDocument {
  return { id, alsoKnownAs: [`at://${name}.test`], verificationMethod: [], service: [] }
}

/** Lets a refresh that goes on behind an answer come to its end. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

beforeEach(() => {
  nowMs = 1_000_000
  asked = []
  answers = new Map()
  const answer = async (subject: string) => {
    asked.push(subject)
    const found = await answers.get(subject)
    if (found instanceof Error) throw found
    return found
  }
  const behind: Directory = {
    document: (did) => answer(did) as Promise<DidDocument | undefined>,
    resolveHandle: (handle) => answer(handle) as Promise<Did | undefined>,
  }
  cached = cachedDirectory(behind, {
    now: () => nowMs,
    ttlMs,
    staleMs,
    negativeTtlMs,
    failureTtlMs,
    maxEntries: 3,
  })
})

describe('an answer', () => {
  test('is believed for its time to live, and asked again behind it after that', async () => {
    const first = documentOf(alice, 'a')
    const second = documentOf(alice, 'b')
    answers.set(alice, first)
    assert.equal(await cached.document(alice), first)
    nowMs += ttlMs - 1
    assert.equal(await cached.document(alice), first)
    assert.equal(asked.length, 1)
    answers.set(alice, second)
    nowMs += 1
    assert.equal(await cached.document(alice), first, 'the stale one, at once')
    await settle()
    assert.equal(asked.length, 2)
    assert.equal(await cached.document(alice), second)
    assert.equal(asked.length, 2)
  })

  test('too old to be given out is waited for', async () => {
    answers.set(alice, documentOf(alice, 'a'))
    await cached.document(alice)
    nowMs += ttlMs + staleMs
    const second = documentOf(alice, 'b')
    answers.set(alice, second)
    assert.equal(await cached.document(alice), second)
  })

  test('asked for fresh is asked, and remembered', async () => {
    answers.set(alice, documentOf(alice, 'a'))
    await cached.document(alice)
    const second = documentOf(alice, 'b')
    answers.set(alice, second)
    assert.equal(await cached.document(alice, { fresh: true }), second)
    assert.equal(await cached.document(alice), second)
    assert.equal(asked.length, 2)
  })

  test('with a date from before the clock jumped back is asked again behind it', async () => {
    const first = documentOf(alice, 'a')
    answers.set(alice, first)
    await cached.document(alice)
    nowMs -= 3_600_000
    assert.equal(await cached.document(alice), first)
    await settle()
    assert.equal(asked.length, 2)
  })

  test('of handles is remembered apart, and in any case of letters', async () => {
    answers.set('alice.test', alice)
    assert.equal(await cached.resolveHandle('alice.test'), alice)
    assert.equal(await cached.resolveHandle('Alice.Test' as Handle), alice)
    assert.deepEqual(asked, ['alice.test'])
  })
})

describe('no answer', () => {
  test('is remembered for a short time', async () => {
    assert.equal(await cached.document(alice), undefined)
    nowMs += negativeTtlMs - 1
    assert.equal(await cached.document(alice), undefined)
    assert.equal(asked.length, 1)
    nowMs += 1
    answers.set(alice, documentOf(alice, 'a'))
    assert.ok(await cached.document(alice))
  })

  test('takes the place of an answer that grew stale', async () => {
    answers.set(alice, documentOf(alice, 'a'))
    await cached.document(alice)
    answers.delete(alice)
    nowMs += ttlMs
    await cached.document(alice)
    await settle()
    assert.equal(await cached.document(alice), undefined)
  })
})

describe('a failure', () => {
  const failure = new UpstreamError('UpstreamTimeout', 'plc.test', 'late')

  test('is remembered for a short time too, so that a dead directory is left alone', async () => {
    answers.set(alice, failure)
    await assert.rejects(cached.document(alice), failure)
    await assert.rejects(cached.document(alice), failure)
    nowMs += failureTtlMs - 1
    await assert.rejects(cached.document(alice), failure)
    assert.equal(asked.length, 1)
    nowMs += 1
    answers.set(alice, documentOf(alice, 'a'))
    assert.ok(await cached.document(alice), 'a directory that is back is asked')
  })

  test('takes nothing away from who has an older answer, and is not tried at every call', async () => {
    const first = documentOf(alice, 'a')
    answers.set(alice, first)
    await cached.document(alice)
    answers.set(alice, failure)
    nowMs += ttlMs
    for (let i = 0; i < 5; i++) {
      assert.equal(await cached.document(alice), first)
      await settle()
    }
    assert.equal(asked.length, 2)
    nowMs += negativeTtlMs
    assert.equal(await cached.document(alice), first)
    await settle()
    assert.equal(asked.length, 3)
  })

  test('of a fresh lookup is told, and the older answer stays for others', async () => {
    const first = documentOf(alice, 'a')
    answers.set(alice, first)
    await cached.document(alice)
    answers.set(alice, failure)
    await assert.rejects(cached.document(alice, { fresh: true }), failure)
    assert.equal(await cached.document(alice), first)
  })

  test('is told when the older answer is too old', async () => {
    answers.set(alice, documentOf(alice, 'a'))
    await cached.document(alice)
    answers.set(alice, failure)
    nowMs += ttlMs + staleMs
    await assert.rejects(cached.document(alice), failure)
  })
})

describe('lookups at once', () => {
  test('of one name are one lookup', async () => {
    answers.set(alice, documentOf(alice, 'a'))
    const all = await Promise.all(Array.from({ length: 50 }, () => cached.document(alice)))
    assert.equal(asked.length, 1)
    assert.equal(new Set(all).size, 1)
  })

  test('that fail, fail together', async () => {
    answers.set(alice, new UpstreamError('UpstreamFailure', 'plc.test', 'down'))
    const all = await Promise.allSettled([cached.document(alice), cached.document(alice)])
    assert.deepEqual(
      all.map((one) => one.status),
      ['rejected', 'rejected'],
    )
    assert.equal(asked.length, 1)
  })

  test('fresh, do not join one that was not, and its late answer does not cover theirs', async () => {
    const slow = Promise.withResolvers<DidDocument>()
    answers.set(alice, slow.promise)
    const early = cached.document(alice)
    const second = documentOf(alice, 'b')
    answers.set(alice, second)
    const [one, two] = await Promise.all([
      cached.document(alice, { fresh: true }),
      cached.document(alice, { fresh: true }),
    ])
    assert.equal(one, second)
    assert.equal(two, second)
    assert.equal(asked.length, 2)
    const first = documentOf(alice, 'a')
    slow.resolve(first)
    assert.equal(await early, first)
    assert.equal(await cached.document(alice), second)
  })
})

describe('forget', () => {
  test('drops a DID’s document, or a handle’s DID, and nothing else', async () => {
    answers.set(alice, documentOf(alice, 'a'))
    answers.set('alice.test', alice)
    await cached.document(alice)
    await cached.resolveHandle('alice.test')
    cached.forget(alice)
    await cached.document(alice)
    await cached.resolveHandle('alice.test')
    assert.deepEqual(asked, [alice, 'alice.test', alice])
    cached.forget('ALICE.test')
    await cached.resolveHandle('alice.test')
    assert.equal(asked.length, 4)
  })

  test('keeps a lookup that is under way from bringing old news', async () => {
    const slow = Promise.withResolvers<DidDocument>()
    answers.set(alice, slow.promise)
    const early = cached.document(alice)
    cached.forget(alice)
    const second = documentOf(alice, 'b')
    answers.set(alice, second)
    assert.equal(await cached.document(alice), second)
    slow.resolve(documentOf(alice, 'a'))
    await early
    assert.equal(await cached.document(alice), second)
  })
})

test('the least recently used answer goes when there are too many', async () => {
  const names = ['a.test', 'b.test', 'c.test'] as const
  for (const name of [...names, 'd.test']) answers.set(name, bob)
  for (const name of names) await cached.resolveHandle(name)
  await cached.resolveHandle('a.test')
  await cached.resolveHandle('d.test')
  asked = []
  await cached.resolveHandle('a.test')
  await cached.resolveHandle('c.test')
  await cached.resolveHandle('d.test')
  assert.deepEqual(asked, [])
  await cached.resolveHandle('b.test')
  assert.deepEqual(asked, ['b.test'])
})

test('whatever happens in whatever order, no answer is older than its time allows', async () => {
  type Step =
    | { kind: 'get' | 'fresh' | 'forget' | 'fail' | 'change' }
    | { kind: 'wait'; ms: number }
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constantFrom('get', 'fresh', 'forget', 'fail', 'change') }),
    fc.record({ kind: fc.constant('wait'), ms: fc.integer({ min: 0, max: 15_000 }) }),
  ) as fc.Arbitrary<Step>
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let now = 0
      let version = 1
      let down = false
      const lives = { ttlMs, staleMs, negativeTtlMs, failureTtlMs }
      const times = { now: () => now, ...lives, maxEntries: 2 }
      const changedMs = new Map([[1, 0]])
      const cache = new LookupCache<string, number>(times, async () => {
        if (down) throw new Error('down')
        return version
      })
      for (const one of steps) {
        if (one.kind === 'wait') now += one.ms
        else if (one.kind === 'forget') cache.forget('x')
        else if (one.kind === 'fail') down = !down
        else if (one.kind === 'change') changedMs.set(++version, now)
        else {
          const got = await cache.get('x', one.kind === 'fresh').catch(() => undefined)
          if (got === undefined) continue
          if (one.kind === 'fresh') assert.equal(got, version)
          const replacedMs = changedMs.get(got + 1) ?? now
          assert.ok(now - replacedMs < ttlMs + staleMs, `${got} was replaced long ago`)
        }
        await settle()
      }
    }),
    { numRuns: 200 },
  )
})
