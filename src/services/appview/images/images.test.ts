import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type Person, World } from '../world.test-support.ts'
import { ImageCache } from './image-cache.ts'
import { imageType } from './sniff.ts'

const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3])
let world: World
let ann: Person
beforeEach(async () => {
  world = await new World({ config: { imageBytesMax: 1_000 } }).start()
  ann = await world.member('ann')
})
afterEach(() => world.close())

const pathOf = (did: string, blob: { ref: { $link: string } }, preset = 'avatar') =>
  `/img/${preset}/plain/${did}/${blob.ref.$link}@jpeg`
const fetched = () => world.calls.filter((path) => path.endsWith('getBlob')).length

test('a picture is fetched from its host once, and served as what it is, to be run by nobody', async () => {
  const blob = world.addBlob(PNG, 'text/html')
  const first = await world.fetch(pathOf(ann.did, blob))
  const second = await world.fetch(pathOf(encodeURIComponent(ann.did), blob, 'feed_fullsize'))
  assert.deepEqual([first.status, second.status, fetched()], [200, 200, 1])
  assert.deepEqual(first.body, PNG)
  assert.equal(first.headers?.['content-type'], 'image/png')
  assert.equal(first.headers?.['x-content-type-options'], 'nosniff')
  assert.match(first.headers?.['content-security-policy'] ?? '', /sandbox/)
})

test('what is asked for by many at once is fetched once', async () => {
  const blob = world.addBlob(PNG)
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => world.fetch(pathOf(ann.did, blob))),
  )
  assert.ok(answers.every(({ status }) => status === 200))
  assert.equal(fetched(), 1)
})

test('HEAD has no body, a known picture is not sent again, other verbs are refused', async () => {
  const blob = world.addBlob(PNG)
  const path = pathOf(ann.did, blob)
  const { headers } = await world.fetch(path)
  const head = await world.fetch(path, { method: 'HEAD' })
  assert.deepEqual([head.status, head.body], [200, undefined])
  const again = await world.fetch(path, { headers: { 'if-none-match': headers!.etag } })
  assert.equal(again.status, 304)
  assert.equal((await world.fetch(path, { method: 'POST' })).status, 405)
})

test('bytes that are not what the CID names are refused', async () => {
  const blob = world.addBlob(PNG)
  world.blobs.get(blob.ref.$link)!.bytes = Uint8Array.from([...PNG, 4])
  assert.equal((await world.fetch(pathOf(ann.did, blob))).status, 502)
})

test('what is no picture, too large or unknown is not served', async () => {
  const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')
  const large = Uint8Array.from([...PNG, ...new Uint8Array(1_000)])
  const blobs = [world.addBlob(svg, 'image/svg+xml'), world.addBlob(large)]
  for (const blob of blobs) assert.equal((await world.fetch(pathOf(ann.did, blob))).status, 404)
  const unknown = { ref: { $link: blobs[0]!.ref.$link.replace(/.$/, 'a') } }
  assert.equal((await world.fetch(pathOf(ann.did, unknown))).status, 404)
  assert.equal((await world.fetch(pathOf(ann.did, { ref: { $link: 'abc' } }))).status, 404)
})

test('accounts that are hidden, unknown or malformed have no pictures, and nobody is asked', async () => {
  const blob = world.addBlob(PNG)
  const off = await world.member('off')
  off.account('takendown')
  await world.settle()
  for (const did of [off.did, 'did:plc:nobody', 'nonsense', '%'])
    assert.equal((await world.fetch(pathOf(did, blob))).status, 404, did)
  assert.equal(fetched(), 0)
})

test('a host that is down is told as such, and asked again', async () => {
  const blob = world.addBlob(PNG)
  world.isHostDown = true
  assert.equal((await world.fetch(pathOf(ann.did, blob))).status, 502)
  world.isHostDown = false
  assert.equal((await world.fetch(pathOf(ann.did, blob))).status, 200)
})

test('a film is fetched from its host by the player', async () => {
  const blob = world.addBlob(PNG, 'video/mp4')
  const response = await world.fetch(`/video/plain/${ann.did}/${blob.ref.$link}`)
  assert.equal(response.status, 302)
  assert.match(
    response.headers!.location!,
    /^http:\/\/pds\.test\/xrpc\/com\.atproto\.sync\.getBlob/,
  )
})

test('other presets and paths are no pictures', async () => {
  const blob = world.addBlob(PNG)
  assert.equal((await world.fetch(pathOf(ann.did, blob, 'huge'))).status, 404)
  assert.equal((await world.fetch('/img/avatar/plain')).status, 404)
})

test('pictures are told apart by their first bytes', () => {
  const bytes = (text: string) => Uint8Array.from([...text].map((c) => c.charCodeAt(0)))
  const rows: [string, string | undefined][] = [
    ['\xff\xd8\xff\xe0', 'image/jpeg'],
    ['GIF89a', 'image/gif'],
    ['RIFF0000WEBPVP8 ', 'image/webp'],
    ['XXXX0000WEBPVP8 ', undefined],
    ['\0\0\0 ftypavif', 'image/avif'],
    ['\0\0\0 ftypmp42', undefined],
    ['<svg', undefined],
    ['<html', undefined],
    ['', undefined],
  ]
  for (const [text, type] of rows) assert.equal(imageType(bytes(text)), type)
})

test('the cache lets go of what is unused for longest, and keeps within its bytes', () => {
  const cache = new ImageCache(25)
  const image = (size: number) => ({ type: 'image/png', bytes: new Uint8Array(size) })
  cache.set('a', image(10))
  cache.set('b', image(10))
  cache.get('a')
  cache.set('c', image(10))
  assert.deepEqual([!!cache.get('a'), !!cache.get('b'), !!cache.get('c')], [true, false, true])
  cache.set('large', image(26))
  assert.equal(cache.get('large'), undefined)
  assert.equal(cache.bytes, 20)
})
