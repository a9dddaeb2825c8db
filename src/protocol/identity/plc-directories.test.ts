import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generateKey } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { networkDirectory } from './directory.ts'
import { fakeWeb } from './fake-web.test-support.ts'
import { plcClient } from './plc-client.ts'
import { PlcDirectories } from './plc-directories.ts'
import { plcDocument } from './plc-document.ts'
import { plcDid, plcOperationCid, signPlcOperation } from './plc-operation.ts'

const key = generateKey('k256')
const genesis = signPlcOperation(
  {
    type: 'plc_operation',
    rotationKeys: [key.publicKey.didKey],
    verificationMethods: { atproto: key.publicKey.didKey },
    alsoKnownAs: ['at://alice.example.com'],
    services: {},
    prev: null,
  } as const,
  key,
)
const did = plcDid(genesis)
const { type: _, prev: __, sig: ___, ...state } = genesis
const document = plcDocument({ did, ...state })
const [own, replica, third] = [
  'https://own.example',
  'https://replica.example',
  'https://third.example',
]
const urls = [own!, replica!, third!]

function directoryOf(web: ReturnType<typeof fakeWeb>) {
  return networkDirectory({ fetch: web.fetch, resolveTxt: async () => [], plcUrl: urls })
}

describe('several directories', () => {
  test('are asked in their order; the first that knows a DID answers, and is asked first from then on', async () => {
    const web = fakeWeb({
      [`${own}/${did}`]: { status: 404 },
      [`${replica}/${did}`]: { body: document },
      [`${third}/${did}`]: { body: document },
    })
    const directory = directoryOf(web)
    assert.equal(directory.answeredBy(did), undefined)
    assert.equal((await directory.document(did))!.id, did)
    assert.equal(directory.answeredBy(did), replica)
    await directory.document(did)
    assert.deepEqual(web.asked, [`${own}/${did}`, `${replica}/${did}`, `${replica}/${did}`])
  })

  test('that do not know a DID any more are left for the others', async () => {
    const web = fakeWeb({
      [`${own}/${did}`]: { status: 404 },
      [`${replica}/${did}`]: { body: document },
    })
    const directory = directoryOf(web)
    await directory.document(did)
    web.set(`${replica}/${did}`, { status: 404 })
    web.set(`${third}/${did}`, { body: document })
    assert.equal((await directory.document(did))!.id, did)
    assert.equal(directory.answeredBy(did), third)
  })

  test('one that is away is passed over, and comes first again when it is back', async () => {
    const web = fakeWeb({
      [`${own}/${did}`]: new Error('away'),
      [`${replica}/${did}`]: { body: document },
    })
    const directory = directoryOf(web)
    assert.equal((await directory.document(did))!.id, did)
    assert.equal(directory.answeredBy(did), undefined)
    web.set(`${own}/${did}`, { body: document })
    await directory.document(did)
    assert.equal(web.asked.at(-1), `${own}/${did}`)
  })

  test('all of them not knowing is an answer; one that is away leaves the question open', async () => {
    const unknown = Object.fromEntries(urls.map((url) => [`${url}/${did}`, { status: 404 }]))
    const web = fakeWeb(unknown)
    assert.equal(await directoryOf(web).document(did), undefined)
    web.set(`${replica}/${did}`, { status: 503 })
    await assert.rejects(directoryOf(web).document(did), {
      name: 'UpstreamError',
      host: 'replica.example',
    })
  })

  test('an ended DID is ended: nobody further is asked', async () => {
    const web = fakeWeb({
      [`${own}/${did}`]: { status: 410 },
      [`${replica}/${did}`]: { body: document },
    })
    assert.equal(await directoryOf(web).document(did), undefined)
    assert.deepEqual(web.asked, [`${own}/${did}`])
  })

  test('take operations where the DID lives, and new DIDs at the first', async () => {
    const pages = {
      [`${own}/${did}/log/last`]: { status: 404 },
      [`${replica}/${did}/log/last`]: { body: genesis },
    }
    const web = fakeWeb({
      ...pages,
      [`${own}/${did}`]: { body: 'OK' },
      [`${replica}/${did}`]: { body: 'OK' },
    })
    const client = plcClient({ fetch: web.fetch, plcUrl: [own!, replica!] })
    await client.submit(did, genesis)
    assert.deepEqual(web.asked, [`POST ${own}/${did}`])
    const next = signPlcOperation({ ...genesis, prev: plcOperationCid(genesis) }, key)
    await client.submit(did, next)
    assert.deepEqual(web.asked.slice(1), [
      `${own}/${did}/log/last`,
      `${replica}/${did}/log/last`,
      `POST ${replica}/${did}`,
    ])
    assert.deepEqual(await client.last(did), genesis)
    assert.equal(web.asked.at(-1), `${replica}/${did}/log/last`)
  })

  test('must be at least one', () => {
    assert.throws(() => new PlcDirectories([]), /no directory/)
  })

  test('a fault of ours is not taken for one of theirs', async () => {
    const broken = new PlcDirectories(urls).ask('did:plc:x' as Did, () =>
      Promise.reject(new TypeError('ours')),
    )
    await assert.rejects(broken, TypeError)
  })
})
