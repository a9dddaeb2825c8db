/** Blobs on their way out: whole or in part, inert whatever they are, and to whom. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { readRange } from './com.atproto.sync.getBlob.ts'

const NOTE = 'com.example.note'
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
let host: TestHost
let alice: Person
let cid: string

before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
  cid = await publish(alice, LETTERS, 'text/plain')
})
after(() => host.close())

async function publish(person: Person, text: string, type: string): Promise<string> {
  const file = await host.upload(person, text, type)
  const input = { repo: person.did, collection: NOTE, record: { file } }
  const made = await host.post('com.atproto.repo.createRecord', input, person.accessJwt)
  assert.equal(made.status, 200, JSON.stringify(made.body))
  return file.ref.$link
}

function read(
  headers: Record<string, string> = {},
  params: Record<string, unknown> = {},
  token?: string,
) {
  return host.call('GET', 'com.atproto.sync.getBlob', {
    params: { did: alice.did, cid, ...params },
    headers,
    token,
  })
}

const letters = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

test('pages and drawings are served so that no browser runs or shows them', async () => {
  for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/javascript']) {
    const active = await publish(alice, `<svg onload=alert(1)> as ${type}`, type)
    const { status, headers } = await read({}, { cid: active })
    assert.equal(status, 200)
    assert.equal(headers['content-type'], type)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['content-security-policy'], "default-src 'none'; sandbox")
    assert.equal(headers['content-disposition'], `attachment; filename="${active}"`)
  }
})

test('a copy is good for an hour, and asked for again by its tag', async () => {
  const { headers } = await read()
  assert.equal(headers['cache-control'], 'public, max-age=3600, immutable')
  assert.equal(headers.etag, `"${cid}"`)
  for (const known of [`"${cid}"`, `W/"${cid}"`, `"x", "${cid}"`, '*']) {
    const again = await read({ 'if-none-match': known })
    assert.deepEqual([again.status, again.bytes.length], [304, 0], known)
  }
  assert.equal((await read({ 'if-none-match': '"x"' })).status, 200)
})

test('a part may be asked for; what is no single range gives the whole', async () => {
  for (const [range, from, to] of [
    ['bytes=0-3', 0, 4],
    ['bytes=3-3', 3, 4],
    ['bytes=20-', 20, 26],
    ['bytes=-5', 21, 26],
    ['bytes=-500', 0, 26],
    ['bytes=10-9999', 10, 26],
  ] as const) {
    const { status, bytes, headers } = await read({ range })
    assert.equal(status, 206, range)
    assert.equal(letters(bytes), LETTERS.slice(from, to))
    assert.equal(headers['content-length'], String(to - from))
    assert.equal(headers['content-range'], `bytes ${from}-${to - 1}/26`)
    assert.equal(headers['x-content-type-options'], 'nosniff')
  }
  for (const range of [
    'bytes=0-1,3-4',
    'bytes=5-2',
    'lines=1-2',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
  ]) {
    const { status, bytes } = await read({ range })
    assert.deepEqual([status, bytes.length], [200, 26], range)
  }
  assert.equal((await read({ range: 'bytes=0-3', 'if-range': '"other"' })).status, 200)
  assert.equal((await read({ range: 'bytes=0-3', 'if-range': `"${cid}"` })).status, 206)
  for (const range of ['bytes=26-', 'bytes=99-100', 'bytes=-0']) {
    const { status, body, headers } = await read({ range })
    assert.deepEqual([status, body.error], [416, 'RangeNotSatisfiable'], range)
    assert.equal(headers['content-range'], 'bytes */26')
  }
})

test('whatever a range header says, the answer lies inside the blob', () => {
  const header = fc.oneof(
    fc.string(),
    fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `bytes=${a}-${b}`),
    fc.bigInt({ min: 0n }).map((a) => `bytes=${a}-`),
  )
  const property = fc.property(header, fc.nat(), (range, size) => {
    let part: ReturnType<typeof readRange>
    try {
      part = readRange(range, size)
    } catch (error) {
      assert.equal((error as { status: number }).status, 416)
      return
    }
    if (part) assert.ok(part.start >= 0 && part.start < part.end && part.end <= size)
  })
  fc.assert(property)
})

test('a HEAD tells everything but the bytes', async () => {
  const response = await host.service.handle({
    method: 'HEAD',
    path: '/xrpc/com.atproto.sync.getBlob',
    query: `did=${alice.did}&cid=${cid}`,
    headers: {},
    body: undefined,
    ip: '127.0.0.1',
    id: 'test',
    signal: new AbortController().signal,
  })
  assert.equal(response.status, 200)
  assert.equal(response.body, undefined)
  assert.equal(response.headers?.['content-length'], '26')
})

test('what is not public is not there, and bad questions are told so', async () => {
  const secret = await host.upload(alice, 'nobody mentions this')
  const bob = await host.signUp('bob')
  for (const [name, params, error] of [
    ['not mentioned', { cid: secret.ref.$link }, 'BlobNotFound'],
    ['of another account', { did: bob.did }, 'BlobNotFound'],
    [
      'unknown',
      { cid: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku' },
      'BlobNotFound',
    ],
    ['no such account', { did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }, 'RepoNotFound'],
    ['no CID', { cid: '../../etc/passwd' }, 'InvalidRequest'],
    ['a CID with more behind it', { cid: `${cid}%0d%0aset-cookie: a` }, 'InvalidRequest'],
    ['no DID', { did: 'alice' }, 'InvalidRequest'],
  ] as const) {
    const { status, body } = await read({}, params)
    assert.deepEqual([status, body.error], [400, error], name)
  }
})

test('a deactivated account’s blobs are for its owner, and for no cache', async () => {
  const dora = await host.signUp('dora')
  const hers = await publish(dora, 'dora’s words', 'text/plain')
  const of = { did: dora.did, cid: hers }
  await host.post('com.atproto.server.deactivateAccount', {}, dora.accessJwt)
  assert.equal((await read({}, of)).body.error, 'RepoDeactivated')
  assert.equal((await read({}, of, alice.accessJwt)).body.error, 'RepoDeactivated')
  const own = await read({}, of, dora.accessJwt)
  assert.deepEqual([own.status, own.headers['cache-control']], [200, 'private, no-store'])
})

test('listBlobs goes on by cursor and begins after a rev', async () => {
  const emil = await host.signUp('emil')
  const cids: string[] = []
  for (let n = 0; n < 5; n++) cids.push(await publish(emil, `number ${n}`, 'text/plain'))
  const { rev } = (await host.get('com.atproto.sync.getLatestCommit', { did: emil.did })).body
  const late = await publish(emil, 'the last', 'text/plain')
  const list = async (params: Record<string, unknown>) =>
    (await host.get('com.atproto.sync.listBlobs', { did: emil.did, ...params })).body
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await list({ limit: 2, cursor })
    found.push(...page.cids)
    cursor = page.cursor
  } while (cursor)
  assert.deepEqual([...found].sort(), [...cids, late].sort())
  assert.deepEqual((await list({ since: rev })).cids, [late])
  assert.deepEqual((await list({ since: '3zzzzzzzzzzzz' })).cids, [])
  assert.equal((await list({ cursor: 'not a cid' })).error, 'InvalidRequest')
})
