import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import {
  acceptsType,
  boundedBody,
  isShallow,
  maxJsonDepth,
  mediaType,
  parseJson,
  readAll,
  readJson,
} from './body.ts'
import { XrpcError } from './index.ts'
import { post, streamOf } from './requests.fixture.ts'

const json = { text: 'ساقية '.repeat(200), list: [1, 2, 3] }
const bytes = new TextEncoder().encode(JSON.stringify(json))

async function verdict(run: () => unknown): Promise<string> {
  try {
    await run()
    return 'fits'
  } catch (thrown) {
    assert.ok(thrown instanceof XrpcError, String(thrown))
    return `${thrown.status} ${thrown.error}`
  }
}

function compressed(encoding: string, body: Uint8Array, ...more: Uint8Array[]) {
  const headers = { 'content-encoding': encoding, 'content-length': undefined }
  return { ...post('/', body, headers), body: streamOf(body, ...more) }
}

test('media types are compared without parameters and case', () => {
  assert.equal(mediaType(undefined), undefined)
  assert.equal(mediaType(' ; charset=x'), undefined)
  assert.equal(mediaType('Application/JSON ; charset=utf-8'), 'application/json')
  assert.equal(acceptsType(undefined, 'a/b'), true)
  assert.equal(acceptsType([], 'a/b'), true)
  assert.equal(acceptsType(['*/*'], 'a/b'), true)
  assert.equal(acceptsType(['image/*'], 'image/png'), true)
  assert.equal(acceptsType(['image/*'], 'imagery/png'), false)
  assert.equal(acceptsType(['a/b', 'c/d'], 'c/d'), true)
  assert.equal(acceptsType(['a/b'], 'a/bc'), false)
})

test('gzip, deflate and br are undone, in a stream or at once', async () => {
  const forms: [encoding: string, body: Uint8Array][] = [
    ['gzip', gzipSync(bytes)],
    ['GZIP', gzipSync(bytes)],
    ['deflate', deflateSync(bytes)],
    ['br', brotliCompressSync(bytes)],
    ['identity', bytes],
  ]
  for (const [encoding, body] of forms) {
    const halves = [body.subarray(0, 9), body.subarray(9)] as const
    const streamed = compressed(encoding, ...halves)
    assert.deepEqual(await readJson(streamed, 10_000), json, encoding)
    const whole = post('/', body, { 'content-encoding': encoding })
    assert.deepEqual(await readJson(whole, 10_000), json, encoding)
  }
})

test('a decompression bomb is stopped at the limit of what comes out', async () => {
  const bomb = gzipSync(new Uint8Array(50_000_000))
  assert.ok(bomb.length < 100_000)
  const reading = () => readAll(boundedBody(compressed('gzip', bomb), 100_000), 1e9)
  assert.equal(await verdict(reading), '413 PayloadTooLarge')
})

test('what claims to be compressed and is not is the caller’s fault', async () => {
  for (const encoding of ['gzip', 'deflate', 'br']) {
    assert.equal(
      await verdict(() => readJson(compressed(encoding, bytes), 10_000)),
      '400 InvalidRequest',
    )
    const cut = compressed(encoding, gzipSync(bytes).subarray(0, 20))
    assert.equal(await verdict(() => readJson(cut, 10_000)), '400 InvalidRequest')
  }
  const twice = compressed('gzip, gzip', gzipSync(gzipSync(bytes)))
  assert.equal(await verdict(() => readJson(twice, 10_000)), '415 UnsupportedMediaType')
})

test('a body one byte above the limit is refused, one at the limit is not', async () => {
  const at = (size: number) => () =>
    readJson({ ...post('/', bytes, { 'content-length': undefined }) }, size)
  assert.equal(await verdict(at(bytes.length)), 'fits')
  assert.equal(await verdict(at(bytes.length - 1)), '413 PayloadTooLarge')
  const streamed = { ...post('/', bytes, { 'content-length': undefined }), body: streamOf(bytes) }
  const reading = () => readAll(boundedBody(streamed, bytes.length - 1), 1e9)
  assert.equal(await verdict(reading), '413 PayloadTooLarge')
})

test('the limits of a listener reach the caller by their own names', async () => {
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1)
    throw Object.assign(new Error('too slow'), { status: 408, code: 'RequestTimeout' })
  }
  const request = { ...post('/', bytes), body: slow() }
  assert.equal(await verdict(() => readJson(request, 1e6)), '408 RequestTimeout')
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1)
    throw new TypeError('a bug')
  }
  await assert.rejects(() => readJson({ ...request, body: broken() }, 1e6), TypeError)
})

test('a peer that has gone stops the reading', async () => {
  const controller = new AbortController()
  const request = { ...post('/', bytes), body: streamOf(bytes, bytes), signal: controller.signal }
  controller.abort()
  assert.equal(await verdict(() => readJson(request, 1e6)), '400 InvalidRequest')
})

test('a megabyte of brackets is refused, however it is closed', async () => {
  const deep = (open: string, close: string, count: number) =>
    new TextEncoder().encode(open.repeat(count) + close.repeat(count))
  for (const body of [
    deep('[', ']', 500_000),
    deep('[', '', 1_000_000),
    deep('{"a":', '', 200_000),
    deep('[{"a":', '}]', maxJsonDepth),
  ]) {
    assert.equal(await verdict(() => parseJson(body)), '400 InvalidRequest')
  }
  assert.equal(await verdict(() => parseJson(deep('[', ']', maxJsonDepth))), 'fits')
})

test('brackets inside text do not count', () => {
  const text = JSON.stringify({ a: '['.repeat(5000), b: '\\"[[[\\\\', c: ['"', '\\'] })
  assert.equal(isShallow(text, 3), true)
  assert.equal(isShallow(`{"a":"\\\\",${'"b":['.repeat(10)}`, 10), false)
})

test('depth is measured as JSON.parse would see it', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null
      ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
      : 0
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(8), (value, limit) => {
      const text = JSON.stringify(value).padEnd(limit + 1)
      return isShallow(text, limit) === depthOf(value) <= limit
    }),
  )
})

test('arbitrary bytes parse or are refused, never crash', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array(), fc.string()), async (body) => {
      const raw = typeof body === 'string' ? new TextEncoder().encode(body) : body
      await verdict(() => readJson(post('/', raw), 1000))
      await verdict(() => readJson(compressed('gzip', raw), 1000))
    }),
    { numRuns: 300 },
  )
})
