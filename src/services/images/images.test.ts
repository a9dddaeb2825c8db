import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import sharp from 'sharp'
import {
  createMetrics,
  type HttpRequest,
  type HttpResponse,
  type Service,
  silentLog,
  testOutside,
} from '#platform/runtime'
import {
  type Blobs,
  loadMigrations,
  memoryFiles,
  openDiskBlobs,
  openSqlite,
  type Sql,
} from '#platform/storage'
import { cidForRaw } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { createImages, type ImagesConfig, imagesMigrations } from './index.ts'

const PLC = 'http://plc.test'
const HOST = 'http://pds.test'
const NEW_HOST = 'http://new-pds.test'
const APPVIEW = 'http://appview.test'
const ANN = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const BEN = 'did:plc:oky5czdrnfjpqslsw2a5iclo'
const DAY_MS = 86_400_000

const photo = (width: number, height: number) =>
  sharp({
    create: { width, height, channels: 4, background: { r: 200, g: 20, b: 20, alpha: 0.5 } },
  })

let blobs: Map<string, Uint8Array>
let hidden: Set<string>
let away: Set<string>
let moved: boolean
let lookups: number
let calls: string[]
let shelf: { sql: Sql; blobs: Blobs }
let outside: ReturnType<typeof testOutside>
let images: Service

beforeEach(async () => {
  blobs = new Map()
  hidden = new Set()
  away = new Set()
  moved = false
  lookups = 0
  calls = []
  outside = testOutside({ startMs: Date.parse('2026-06-01T12:00:00Z'), fetch: network })
  shelf = {
    sql: await openSqlite(':memory:', { migrations: loadMigrations(imagesMigrations) }),
    blobs: await openDiskBlobs('/pictures', { files: memoryFiles() }),
  }
  images = await started()
})
afterEach(() => shelf.sql.close())

function started(config: Partial<ImagesConfig> = {}): Promise<Service> {
  const defaults = {
    plc: [PLC],
    appview: APPVIEW,
    memoryBytes: 1_000_000,
    shelfBytes: 1_000_000,
    sourceBytesMax: 100_000,
    sourcePixelsMax: 10_000_000,
    atOnce: 2,
  }
  const deps = { ...shelf, outside, log: silentLog, metrics: createMetrics(), version: '1' }
  return createImages({ ...defaults, ...config } as never, { ...deps, local: true })
}

/** A directory, an app view and a host. */
async function network(to: string | URL | Request): Promise<Response> {
  const url = new URL(String(to))
  if (away.has(url.origin)) return new Response('', { status: 503 })
  if (url.origin === PLC) {
    const id = decodeURIComponent(url.pathname.slice(1))
    if (id !== ANN && id !== BEN) return new Response('', { status: 404 })
    lookups++
    const type = 'AtprotoPersonalDataServer'
    const serviceEndpoint = moved ? NEW_HOST : HOST
    return Response.json({ id, service: [{ id: '#atproto_pds', type, serviceEndpoint }] })
  }
  calls.push(url.pathname.split('/').at(-1)!)
  if (url.origin === APPVIEW) {
    const isHidden = hidden.has(url.searchParams.get('actor')!)
    return isHidden
      ? Response.json({ error: 'AccountTakedown' }, { status: 400 })
      : Response.json({})
  }
  const bytes = blobs.get(url.searchParams.get('cid')!)
  return bytes
    ? new Response(bytes as Uint8Array<ArrayBuffer>)
    : Response.json({ error: 'BlobNotFound' }, { status: 400 })
}

function put(bytes: Uint8Array): string {
  const cid = cidText(cidForRaw(bytes))
  blobs.set(cid, bytes)
  return cid
}

const path = (cid: string, { preset = 'avatar_thumbnail', did = ANN, form = '@webp' } = {}) =>
  `/img/${preset}/plain/${did}/${cid}${form}`

async function ask(to: string, more: Partial<HttpRequest> = {}): Promise<HttpResponse> {
  const request = { method: 'GET', path: to, query: '', headers: {}, body: undefined, ip: '::1' }
  const { signal } = new AbortController()
  return images.handle({ ...request, id: 'r', signal, ...more })
}

const sizeOf = async ({ body }: HttpResponse) => {
  const { width, height, format } = await sharp(body as Uint8Array).metadata()
  return [width, height, format]
}
const fetched = () => calls.filter((name) => name.endsWith('getBlob')).length

describe('a picture', () => {
  test('comes in the size of its use, and never larger than it was', async () => {
    const cid = put(await photo(1200, 600).png().toBuffer())
    const rows: [preset: string, form: string, size: unknown[]][] = [
      ['avatar_thumbnail', '@webp', [128, 128, 'webp']],
      ['avatar', '@jpeg', [600, 600, 'jpeg']],
      ['banner', '', [1200, 400, 'webp']],
      ['feed_thumbnail', '@png', [1000, 500, 'png']],
      ['feed_fullsize', '@webp', [1200, 600, 'webp']],
    ]
    for (const [preset, form, size] of rows) {
      const answer = await ask(path(cid, { preset, form }))
      assert.equal(answer.status, 200)
      assert.deepEqual(await sizeOf(answer), size, preset)
      assert.equal(answer.headers!['content-type'], `image/${size[2]}`)
    }
  })

  test('stands upright and tells nothing of where it was taken', async () => {
    const exif = { IFD0: { Copyright: 'ann' }, IFD3: { GPSLatitude: '23/1 36/1 0/1' } }
    const turned = photo(400, 200).jpeg().withExif(exif).withMetadata({ orientation: 6 })
    const original = await turned.toBuffer()
    assert.ok((await sharp(original).metadata()).exif)
    const answer = await ask(path(put(original), { preset: 'feed_fullsize' }))
    const {
      width,
      height,
      exif: left,
      orientation,
    } = await sharp(answer.body as Uint8Array).metadata()
    assert.deepEqual([width, height, left, orientation], [200, 400, undefined, undefined])
  })

  test('is run by nobody, and sent once to whoever keeps it', async () => {
    const to = path(put(await photo(10, 10).png().toBuffer()))
    const { headers } = await ask(to)
    assert.equal(headers!['x-content-type-options'], 'nosniff')
    assert.match(headers!['content-security-policy']!, /sandbox/)
    const again = await ask(to, { headers: { 'if-none-match': headers!.etag } })
    assert.deepEqual([again.status, again.body], [304, undefined])
    const head = await ask(to, { method: 'HEAD' })
    assert.deepEqual([head.status, head.body], [200, undefined])
    assert.equal((await ask(to, { method: 'POST' })).status, 405)
  })

  test('is fetched and made once, for many at once and for those after a restart', async () => {
    const to = path(put(await photo(100, 100).png().toBuffer()))
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(to)))
    assert.ok(answers.every(({ status }) => status === 200))
    images = await started()
    assert.deepEqual((await ask(to)).body, answers[0]!.body)
    assert.equal(fetched(), 1)
  })

  test('whose bytes are gone from the shelf is made again', async () => {
    const to = path(put(await photo(100, 100).png().toBuffer()))
    await ask(to)
    const names = []
    for await (const name of shelf.blobs.list('')) names.push(name)
    await shelf.blobs.delete(names)
    images = await started()
    assert.equal((await ask(to)).status, 200)
    assert.equal(fetched(), 2)
  })

  test('of an account that moved comes from its new host, without anybody saying so', async () => {
    const [before, later] = [
      await photo(10, 10).png().toBuffer(),
      await photo(12, 12).png().toBuffer(),
    ]
    assert.equal((await ask(path(put(before)))).status, 200)
    moved = true
    away.add(HOST)
    assert.equal((await ask(path(put(later)))).status, 200)
  })

  test('goes when its host has it no longer, a day later at most, and stays while the host is away', async () => {
    const cid = put(await photo(10, 10).png().toBuffer())
    assert.equal((await ask(path(cid))).status, 200)
    await outside.advance(DAY_MS + 1)
    away.add(HOST)
    assert.equal((await ask(path(cid))).status, 200)
    away.delete(HOST)
    blobs.delete(cid)
    assert.equal((await ask(path(cid))).status, 404)
    images = await started()
    assert.equal((await ask(path(cid))).status, 404)
  })
})

describe('nothing is served', () => {
  test('that its account’s host does not have, and then the directory is asked once a minute, no more', async () => {
    const cids = [cidText(cidForRaw(Uint8Array.of(1))), cidText(cidForRaw(Uint8Array.of(2)))]
    for (const cid of cids) assert.equal((await ask(path(cid))).status, 404)
    assert.equal(lookups, 2)
    await outside.advance(60_001)
    assert.equal((await ask(path(cidText(cidForRaw(Uint8Array.of(3)))))).status, 404)
    assert.equal(lookups, 3)
  })

  test('that is not what its CID names', async () => {
    const cid = put(await photo(10, 10).png().toBuffer())
    blobs.set(cid, await photo(11, 11).png().toBuffer())
    assert.equal((await ask(path(cid))).status, 502)
  })

  test('that is no picture, is broken, too heavy, or unpacks to too much', async () => {
    const text = (words: string) => new TextEncoder().encode(words)
    const png = await photo(50, 50).png().toBuffer()
    const rows: [string, Uint8Array][] = [
      ['svg', text('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')],
      ['text', text('hello')],
      ['cut', png.subarray(0, 40)],
      ['garbage', Uint8Array.from([...png.subarray(0, 8), ...new Uint8Array(90).fill(7)])],
      ['heavy', Uint8Array.from([...png, ...new Uint8Array(100_000)])],
      ['bomb', await photo(5000, 5000).png({ compressionLevel: 9 }).toBuffer()],
    ]
    for (const [name, bytes] of rows) assert.equal((await ask(path(put(bytes)))).status, 404, name)
  })

  test('of accounts that the app view hides, that nobody knows, or that are malformed', async () => {
    const cid = put(await photo(10, 10).png().toBuffer())
    hidden.add(BEN)
    const unknown = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
    for (const did of [BEN, unknown, 'nonsense', '%', `did:web:${'a'.repeat(300)}.test`])
      assert.equal((await ask(path(cid, { did }))).status, 404, did)
    assert.equal(fetched(), 0)
  })

  test('under other presets, forms and paths', async () => {
    const cid = put(await photo(10, 10).png().toBuffer())
    for (const to of [path(cid, { preset: 'huge' }), path(cid, { form: '@svg' }), path('abc')])
      assert.equal((await ask(to)).status, 404)
    assert.equal((await ask('/img/avatar/plain')).status, 404)
  })
})

test('an account hidden later disappears within a minute; an app view that is away hides nobody', async () => {
  const cid = put(await photo(10, 10).png().toBuffer())
  assert.equal((await ask(path(cid))).status, 200)
  await outside.advance(60_001)
  away.add(APPVIEW)
  assert.equal((await ask(path(cid))).status, 200)
  away.delete(APPVIEW)
  hidden.add(ANN)
  assert.equal((await ask(path(cid))).status, 404)
})

test('what one account may no longer show is not shown by the leave of another', async () => {
  const cid = put(await photo(10, 10).png().toBuffer())
  await ask(path(cid))
  blobs.clear()
  assert.equal((await ask(path(cid, { did: BEN }))).status, 404)
})

test('a full shelf lets go of what is unused for longest', async () => {
  const pictures = await Promise.all(
    [1, 2, 3, 4].map((n) =>
      sharp(noise(n), { raw: { width: 64, height: 64, channels: 3 } })
        .png()
        .toBuffer(),
    ),
  )
  const cids = pictures.map(put)
  const sizes = []
  for (const cid of cids)
    sizes.push(((await ask(path(cid, { form: '@png' }))).body as Uint8Array).length)
  await Promise.all([shelf.sql.run('DELETE FROM picture')])
  images = await started({ memoryBytes: 0, shelfBytes: sizes[0]! * 3.5 })
  const before = fetched()
  for (const cid of [cids[0]!, cids[1]!, cids[2]!, cids[0]!, cids[3]!]) {
    await ask(path(cid, { form: '@png' }))
    await outside.advance(2 * 3_600_000)
  }
  assert.equal(fetched() - before, 4)
  await ask(path(cids[0]!, { form: '@png' }))
  assert.equal(fetched() - before, 4, 'the one used since is still there')
  await ask(path(cids[1]!, { form: '@png' }))
  assert.equal(fetched() - before, 5, 'the oldest is gone')
})

test('more than may wait are told to come back', async () => {
  const cids = await Promise.all(
    Array.from({ length: 90 }, async (_, n) =>
      put(
        await photo(10, n + 1)
          .png()
          .toBuffer(),
      ),
    ),
  )
  const answers = await Promise.all(cids.map((cid) => ask(path(cid))))
  const busy = answers.filter(({ status }) => status === 503)
  assert.ok(busy.length > 0 && busy.length < 90)
  assert.ok(busy.every(({ headers }) => headers!['retry-after'] === '1'))
})

test('a film is fetched from its host by the player', async () => {
  const { status, headers } = await ask(`/video/plain/${ANN}/${put(Uint8Array.of(1))}`)
  assert.equal(status, 302)
  assert.match(headers!.location!, /^http:\/\/pds\.test\/xrpc\/com\.atproto\.sync\.getBlob\?did=/)
})

/** Bytes that pack badly and are the same each time. */
function noise(seed: number): Uint8Array {
  let state = seed
  return Uint8Array.from({ length: 64 * 64 * 3 }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state >> 16
  })
}
