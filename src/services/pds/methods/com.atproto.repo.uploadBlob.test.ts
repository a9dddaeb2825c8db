/** Blobs on their way in: what is taken, what is refused, and what is left behind. */
import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { faultyFiles, nodeFiles } from '#platform/storage'
import { cidForRaw } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { type Person, TestHost } from '../testing/host.test-support.ts'

const NOTE = 'com.example.note'
const POST = 'app.bsky.feed.post'

let host: TestHost
let alice: Person

before(async () => {
  host = await TestHost.open({
    config: { blobBytesMax: 3_000_000, accountBlobBytesMax: 20_000_000 },
  })
  alice = await host.signUp('alice')
})
after(() => host.close())

function upload(input: unknown, headers: Record<string, string> = {}, person = alice) {
  return host.call('POST', 'com.atproto.repo.uploadBlob', {
    input,
    token: person.accessJwt,
    headers,
  })
}

const mention = (file: unknown, person = alice, extra: Record<string, unknown> = {}) =>
  host.post(
    'com.atproto.repo.createRecord',
    { repo: person.did, collection: NOTE, record: { file }, ...extra },
    person.accessJwt,
  )

const text = (letters: string) => new TextEncoder().encode(letters)
const png = (size: number) => {
  const bytes = new Uint8Array(size).fill(size & 255)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return bytes
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size)
}

/** Files that wait for a name. */
const staged = () => readdirSync(join(host.folder, 'blobs', '.staging'))

test('a blob is named by the hash of its bytes, however they come', async () => {
  const bytes = png(1_500_000)
  const cid = cidText(cidForRaw(bytes))
  for (const input of [
    bytes,
    pieces(bytes, 65_536),
    pieces(bytes, 999),
    pieces(bytes, 1_500_000),
  ]) {
    const { status, body } = await upload(input, { 'content-type': 'image/png' })
    assert.equal(status, 200, JSON.stringify(body))
    const { $type, ref, mimeType, size } = body.blob
    assert.deepEqual([$type, ref.$link, mimeType, size], ['blob', cid, 'image/png', 1_500_000])
  }
  assert.deepEqual(staged(), [])
})

test('the bytes say what a blob is; where they do not, the header does', async () => {
  for (const [input, declared, mimeType] of [
    [png(100), 'image/jpeg', 'image/png'],
    [png(101), 'text/html', 'image/png'],
    [png(102), '*/*', 'image/png'],
    [text('plain words'), '*/*', 'application/octet-stream'],
    [text('plain words 2'), 'text/plain; charset=utf-8', 'text/plain'],
    [text('<html><script>alert(1)</script>'), 'Text/HTML', 'text/html'],
  ] as const) {
    const { body } = await upload(input, { 'content-type': declared })
    assert.equal(body.blob?.mimeType, mimeType, JSON.stringify(body))
  }
})

test('a packed body is unpacked, counted and hashed as it was before', async () => {
  const bytes = png(200_000)
  const packed = gzipSync(bytes)
  const headers = { 'content-encoding': 'gzip', 'content-length': String(packed.length) }
  const { body } = await upload(new Uint8Array(packed), headers)
  assert.equal(body.blob.ref.$link, cidText(cidForRaw(bytes)))
  assert.equal(body.blob.size, 200_000)
})

async function* broken() {
  yield png(700_000)
  throw Object.assign(new Error('the line went dead'), { status: 400, code: 'Aborted' })
}
async function* endless() {
  for (;;) yield png(100_000)
}

test('what is refused is refused by name, and leaves nothing behind', async () => {
  const before = (await usage()).importedBlobs
  const cases: [string, unknown, Record<string, string>, number, string][] = [
    ['nothing', new Uint8Array(), {}, 400, 'InvalidRequest'],
    ['nothing, in pieces', pieces(new Uint8Array(), 1), {}, 400, 'InvalidRequest'],
    ['one byte too many', png(3_000_001), {}, 413, 'PayloadTooLarge'],
    ['a stream without an end', endless(), {}, 413, 'PayloadTooLarge'],
    [
      'a length above the limit',
      text('x'),
      { 'content-length': '3000001' },
      413,
      'PayloadTooLarge',
    ],
    ['a length that is too long', text('short'), { 'content-length': '6' }, 400, 'InvalidRequest'],
    [
      'a length that is too short',
      pieces(png(900), 9),
      { 'content-length': '9' },
      400,
      'InvalidRequest',
    ],
    ['no number for a length', text('x'), { 'content-length': '-1' }, 400, 'InvalidRequest'],
    ['a line that breaks', broken(), {}, 400, 'Aborted'],
    ['a gzip that is none', text('none'), { 'content-encoding': 'gzip' }, 400, 'InvalidRequest'],
    [
      'a bomb',
      new Uint8Array(gzipSync(new Uint8Array(50_000_000))),
      { 'content-encoding': 'gzip' },
      413,
      'PayloadTooLarge',
    ],
    ['an unknown packing', text('x'), { 'content-encoding': 'lzma' }, 415, 'UnsupportedMediaType'],
    ['no type', text('x'), { 'content-type': ' ' }, 400, 'InvalidRequest'],
    ['half a type', text('x'), { 'content-type': 'image' }, 400, 'InvalidRequest'],
    [
      'a type that breaks lines',
      text('x'),
      { 'content-type': 'image/p\r\nset-cookie: a' },
      400,
      'InvalidRequest',
    ],
  ]
  for (const [name, input, headers, status, error] of cases) {
    const answer = await upload(input, headers)
    assert.deepEqual([answer.status, answer.body.error], [status, error], name)
    assert.deepEqual(staged(), [], name)
  }
  assert.equal((await usage()).importedBlobs, before)
})

async function usage() {
  const { body } = await host.get('com.atproto.server.checkAccountStatus', {}, alice.accessJwt)
  return body as { expectedBlobs: number; importedBlobs: number }
}

test('the same bytes from many at once are one blob', async () => {
  const bytes = png(600_000)
  const before = (await usage()).importedBlobs
  const answers = await Promise.all(Array.from({ length: 8 }, () => upload(pieces(bytes, 50_000))))
  assert.deepEqual(new Set(answers.map(({ body }) => body.blob.ref.$link)).size, 1)
  assert.equal((await usage()).importedBlobs, before + 1)
  assert.equal((await mention(answers[0]!.body.blob)).status, 200)
  assert.deepEqual(staged(), [])
})

test('many at once never hold more than the quota', async () => {
  const greedy = await host.signUp('greedy')
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) => upload(pieces(png(2_000_000 + n), 500_000), {}, greedy)),
  )
  const taken = answers.filter(({ status }) => status === 200)
  assert.equal(taken.length, 9)
  for (const { status, body } of answers.filter((answer) => !taken.includes(answer))) {
    assert.deepEqual([status, body.error], [400, 'BlobQuotaExceeded'])
  }
  const announced = { 'content-length': '2500000' }
  const early = await upload(endless(), announced, greedy)
  assert.equal(early.body.error, 'BlobQuotaExceeded', 'refused before a byte is read')
})

test('a type is settled once a record names it, and may change before', async () => {
  const words = text('neither this nor that')
  await upload(words, { 'content-type': 'text/plain' })
  const { body } = await upload(words, { 'content-type': 'text/csv' })
  assert.equal(body.blob.mimeType, 'text/csv')
  assert.equal((await mention(body.blob)).status, 200)
  const again = await upload(words, { 'content-type': 'text/html' })
  assert.equal(again.body.blob.mimeType, 'text/csv')
  assert.equal((await mention(again.body.blob)).status, 200)
})

test('a lexicon’s limits of type and size are held against the real blob', async () => {
  const withImage = (image: unknown) =>
    host.write(alice, '', {
      record: {
        $type: POST,
        text: '',
        createdAt: '2026-01-01T00:00:00.000Z',
        embed: { $type: 'app.bsky.embed.images', images: [{ alt: '', image }] },
      },
    })
  const words = (await upload(text('no picture'), { 'content-type': 'text/plain' })).body.blob
  const huge = (await upload(png(2_900_000))).body.blob
  const fine = (await upload(png(5_000))).body.blob
  for (const [name, image, error] of [
    ['words', words, 'InvalidRequest'],
    ['words that claim to be a picture', { ...words, mimeType: 'image/png' }, 'InvalidMimeType'],
    ['too large a picture', huge, 'InvalidRequest'],
    ['a large picture that claims to be small', { ...huge, size: 10 }, 'InvalidSize'],
  ] as const) {
    const { status, body } = await withImage(image)
    assert.deepEqual([status, body.error], [400, error], name)
  }
  assert.equal((await withImage(fine)).status, 200)
})

test('a blob that was taken down is neither mentioned nor uploaded again', async () => {
  const bytes = png(4_321)
  const { blob } = (await upload(bytes)).body
  assert.equal((await mention(blob)).status, 200)
  const subject = {
    $type: 'com.atproto.admin.defs#repoBlobRef',
    did: alice.did,
    cid: blob.ref.$link,
  }
  const decide = (applied: boolean) =>
    host.call('POST', 'com.atproto.admin.updateSubjectStatus', {
      input: { subject, takedown: { applied } },
      headers: { authorization: `Basic ${btoa('admin:admin-pass')}` },
    })
  assert.equal((await decide(true)).status, 200)
  assert.equal((await mention(blob)).body.error, 'BlobNotFound')
  assert.match((await upload(bytes)).body.message, /taken down/)
  assert.deepEqual(staged(), [])
  assert.equal((await decide(false)).status, 200)
  assert.equal((await mention(blob)).status, 200)
  assert.equal((await upload(bytes)).status, 200)
})

test('what nothing mentions goes after the window, and bytes without a row go too', async () => {
  const other = await TestHost.open({ config: { unusedBlobHours: 72 } })
  const bob = await other.signUp('bob')
  const kept = await other.upload(bob, 'kept')
  await other.post(
    'com.atproto.repo.createRecord',
    { repo: bob.did, collection: NOTE, record: { file: kept } },
    bob.accessJwt,
  )
  const gone = await other.upload(bob, 'gone')
  const here = () => other.filesOf(bob.did).filter((name) => name.startsWith('bafkrei'))
  other.outside.setNow(other.outside.now() + 73 * 3_600_000)
  const first = other.loop('sweep-blobs')
  await other.outside.advance(700_000)
  await other.until(() => here().length === 1)
  await first.stop()
  assert.deepEqual(here(), [kept.ref.$link])
  const session = await other.post('com.atproto.server.createSession', {
    identifier: bob.handle,
    password: bob.password,
  })
  const later = { ...bob, accessJwt: session.body.accessJwt }
  const late = await other.upload(later, 'late')
  const early = await other.upload(later, 'early')
  // The power went: rows of the last moments are lost, the bytes are not.
  const { DatabaseSync } = await import('node:sqlite')
  await other.close({ keep: true })
  const file = new DatabaseSync(other.accountFile(bob.did))
  file.exec(`DELETE FROM blobs WHERE size = ${'early'.length}`)
  file.close()
  const again = await other.again()
  const files = () => again.filesOf(bob.did).filter((name) => name.startsWith('bafkrei'))
  assert.equal(files().length, 3)
  const loop = again.loop('sweep-blobs')
  await again.outside.advance(700_000)
  await again.until(() => files().length === 2)
  await loop.stop()
  assert.deepEqual(files().sort(), [kept.ref.$link, late.ref.$link].sort())
  assert.ok(!files().includes(early.ref.$link) && !files().includes(gone.ref.$link))
  await again.close()
  rmSync(other.folder, { recursive: true, force: true })
})

test('what was never used and what is used no more wait each for their own time', async () => {
  const other = await TestHost.open({ config: { unusedBlobHours: 2, droppedBlobHours: 24 } })
  const bob = await other.signUp('bob')
  const unused = await other.upload(bob, 'unused')
  const again = await other.upload(bob, 'uploaded again')
  const dropped = await other.upload(bob, 'dropped')
  const record = { file: dropped }
  const at = { repo: bob.did, collection: NOTE, rkey: 'a' }
  await other.post('com.atproto.repo.createRecord', { ...at, record }, bob.accessJwt)
  await other.outside.advance(60_000)
  await other.post('com.atproto.repo.deleteRecord', at, bob.accessJwt)
  const afterHours = async (hours: number) => {
    other.outside.setNow(other.outside.now() + hours * 3_600_000)
    const loop = other.loop('sweep-blobs')
    await other.outside.advance(700_000)
    return loop
  }
  const here = () =>
    other
      .filesOf(bob.did)
      .filter((name) => name.startsWith('bafkrei'))
      .sort()
  const goes = async (hours: number, left: { ref: { $link: string } }[]) => {
    const loop = await afterHours(hours)
    await other.until(() => here().length === left.length)
    await loop.stop()
    assert.deepEqual(here(), left.map(({ ref }) => ref.$link).sort())
  }
  await goes(1, [unused, again, dropped])
  await other.upload(bob, 'uploaded again')
  await goes(1.5, [again, dropped])
  await goes(1, [dropped])
  await goes(24, [])
  await other.close()
})

test('a full disk is told as such, keeps nothing, and is got over', async () => {
  let isFull = false
  const blobFiles = faultyFiles(nodeFiles, (operation) =>
    isFull && operation === 'write' ? 'ENOSPC' : undefined,
  )
  const full = await TestHost.open({ blobFiles })
  const carl = await full.signUp('carl')
  const put = () =>
    full.call('POST', 'com.atproto.repo.uploadBlob', { input: png(700_000), token: carl.accessJwt })
  isFull = true
  const { status, body, headers } = await put()
  assert.deepEqual([status, body.error, headers['retry-after']], [503, 'NotEnoughResources', '10'])
  assert.deepEqual(readdirSync(join(full.folder, 'blobs', '.staging')), [])
  isFull = false
  assert.equal((await put()).status, 200)
  await full.close()
})
