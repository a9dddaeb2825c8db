import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Did } from '#protocol/syntax'
import { didWebOrigin, isPlcDid, resolveDid } from './did-resolution.ts'
import { type FakeAnswer, fakeWeb, handTimers } from './fake-web.test-support.ts'

const plcUrl = 'http://localhost:2582'
const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const url = `${plcUrl}/${did}`

describe('did:plc', () => {
  test('is read at the directory', async () => {
    const web = fakeWeb({ [url]: { body: { id: did, alsoKnownAs: ['at://alice.test'] } } })
    const document = await resolveDid(did, { plcUrl, fetch: web.fetch })
    assert.deepEqual(document?.alsoKnownAs, ['at://alice.test'])
    assert.deepEqual(web.asked, [url])
  })

  for (const status of [404, 410])
    test(`is nobody when the directory says ${status}`, async () => {
      const web = fakeWeb({ [url]: { status, body: { message: 'no' } } })
      assert.equal(await resolveDid(did, { plcUrl, fetch: web.fetch }), undefined)
    })

  test('is nobody, without a question, when it is malformed', async () => {
    const web = fakeWeb()
    for (const wrong of [
      'did:plc:short',
      'did:plc:EWVI7NXZYOUN6ZHXRHS64OIZ',
      'did:plc:ewvi7nxzyoun6zhxrhs64oi1',
      'did:plc:ewvi7nxzyoun6zhxrhs64oizz',
      'did:plc:..%2f..%2fadmin',
    ])
      assert.equal(await resolveDid(wrong as Did, { plcUrl, fetch: web.fetch }), undefined)
    assert.deepEqual(web.asked, [])
  })

  const failures: [string, FakeAnswer, code: string][] = [
    ['is unreachable', new Error('connection refused'), 'UpstreamFailure'],
    ['fails', { status: 500 }, 'UpstreamFailure'],
    ['redirects', { status: 302, headers: { location: '/' } }, 'UpstreamFailure'],
    ['sends no JSON', { body: '<html>' }, 'UpstreamFailure'],
    ['sends bytes that are no text', { body: new Uint8Array([0xff, 0xfe]) }, 'UpstreamFailure'],
    ['sends no document', { body: { id: 5 } }, 'UpstreamFailure'],
    ['sends another DID', { body: { id: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' } }, 'UpstreamFailure'],
    ['sends too much', { body: `"${'x'.repeat(200_000)}"` }, 'UpstreamFailure'],
    [
      'says it was too slow',
      Object.assign(new Error('late'), { code: 'Timeout' }),
      'UpstreamTimeout',
    ],
  ]
  for (const [what, answer, code] of failures)
    test(`stays an open question when the directory ${what}`, async () => {
      const web = fakeWeb({ [url]: answer })
      await assert.rejects(resolveDid(did, { plcUrl, fetch: web.fetch }), {
        name: 'UpstreamError',
        code,
        host: 'localhost:2582',
      })
    })

  test('is given up at the deadline, even by a fetch that ignores its signal', async () => {
    const timers = handTimers()
    const web = fakeWeb({ [url]: 'hang' })
    const lookup = resolveDid(did, { plcUrl, fetch: web.fetch, timers })
    assert.equal(timers.pending, 1)
    timers.fire()
    await assert.rejects(lookup, { code: 'UpstreamTimeout' })
  })

  test('leaves no timer behind, and tells the fetch its limits', async () => {
    const timers = handTimers()
    const web = fakeWeb({ [url]: { body: { id: did } } })
    await resolveDid(did, { plcUrl, fetch: web.fetch, timers })
    assert.equal(timers.pending, 0)
    const init = web.inits[0] as RequestInit & Record<string, unknown>
    assert.equal(init.redirect, 'error')
    assert.ok(Number(init.timeoutMs) > 0)
    assert.ok(Number(init.maxResponseBytes) > 0)
  })
})

describe('did:web', () => {
  const origins: [did: string, origin: string | undefined][] = [
    ['did:web:example.com', 'https://example.com'],
    ['did:web:example.com%3A8443', 'https://example.com:8443'],
    ['did:web:example.com%3a8443', 'https://example.com:8443'],
    ['did:web:localhost%3A2583', 'http://localhost:2583'],
    ['did:web:localhost', 'http://localhost'],
    ['did:web:example.com:user:alice', undefined],
    ['did:web:example.com:8443', undefined],
    ['did:web:example.com%3A0', undefined],
    ['did:web:example.com%3A65536', undefined],
    ['did:web:example.com%2Fadmin', undefined],
    ['did:web:example.com%3A8443%2Fadmin', undefined],
    ['did:web:user%40example.com', undefined],
    ['did:web:127.0.0.1', undefined],
    ['did:web:com', undefined],
    ['did:web:', undefined],
    ['did:plc:ewvi7nxzyoun6zhxrhs64oiz', undefined],
  ]
  for (const [text, origin] of origins)
    test(`${text} lives at ${origin}`, () => {
      assert.equal(didWebOrigin(text, true), origin)
    })

  test('localhost lives nowhere unless http is allowed', () => {
    assert.equal(didWebOrigin('did:web:localhost%3A2583', false), undefined)
    assert.equal(didWebOrigin('did:web:example.com', false), 'https://example.com')
  })

  test('is read at its own domain', async () => {
    const id = 'did:web:feeds.example.com'
    const web = fakeWeb({ 'https://feeds.example.com/.well-known/did.json': { body: { id } } })
    const document = await resolveDid(id, { plcUrl, fetch: web.fetch })
    assert.equal(document?.id, id)
  })

  test('is nobody when its domain has no document', async () => {
    const web = fakeWeb({ 'https://example.com/.well-known/did.json': { status: 404 } })
    const net = { plcUrl, fetch: web.fetch }
    assert.equal(await resolveDid('did:web:example.com', net), undefined)
  })
})

test('DIDs of other methods are nobody', async () => {
  const web = fakeWeb()
  for (const other of ['did:key:zQ3sh', 'did:example:alice', 'did:webvh:x:example.com'] as const)
    assert.equal(await resolveDid(other, { plcUrl, fetch: web.fetch }), undefined)
  assert.deepEqual(web.asked, [])
})

test('a did:plc is 24 lower-case base32 characters and nothing else', () => {
  assert.equal(isPlcDid(did), true)
  for (const wrong of [`${did}\n`, `${did}a`, did.slice(0, -1), undefined, 5, 'did:web:a.b'])
    assert.equal(isPlcDid(wrong), false)
})
