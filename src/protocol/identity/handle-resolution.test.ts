import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { networkDirectory, verifiedHandle } from './directory.ts'
import { type FakeAnswer, fakeWeb, handTimers } from './fake-web.test-support.ts'
import { handleKind, LOCAL_HANDLE_HEADER } from './handle-resolution.ts'

const plcUrl = 'http://plc.test:2582'
const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const other = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'

interface World {
  txt?: Record<string, string[] | Error>
  pages?: Record<string, FakeAnswer>
  hosts?: string[]
}

function world({ txt = {}, pages = {}, hosts }: World) {
  const web = fakeWeb(pages)
  const names: string[] = []
  const timers = handTimers()
  const directory = networkDirectory({
    plcUrl,
    fetch: web.fetch,
    timers,
    async resolveTxt(name) {
      names.push(name)
      const records = txt[name] ?? []
      if (records instanceof Error) throw records
      return records
    },
    localHandleHosts: hosts && (() => hosts),
  })
  return { directory, web, names, timers }
}

const wellKnown = 'https://alice.example.com/.well-known/atproto-did'
const txtName = '_atproto.alice.example.com'
const handle = 'alice.example.com'

describe('a public handle', () => {
  test('is looked up in DNS first, and the web is not asked', async () => {
    const { directory, web, names } = world({ txt: { [txtName]: ['v=spf1', `did=${did}`] } })
    assert.equal(await directory.resolveHandle(handle), did)
    assert.deepEqual(names, [txtName])
    assert.deepEqual(web.asked, [])
  })

  test('is the same in any case', async () => {
    const { directory, names } = world({ txt: { [txtName]: [`did=${did}`] } })
    assert.equal(await directory.resolveHandle('ALICE.Example.com'), did)
    assert.deepEqual(names, [txtName])
  })

  test('is looked up at its web server when DNS has none', async () => {
    const { directory } = world({ pages: { [wellKnown]: { body: ` ${did}\r\n` } } })
    assert.equal(await directory.resolveHandle(handle), did)
  })

  test('is looked up at its web server when DNS fails', async () => {
    const { directory } = world({
      txt: { [txtName]: new Error('SERVFAIL') },
      pages: { [wellKnown]: { body: did } },
    })
    assert.equal(await directory.resolveHandle(handle), did)
  })

  test('names nobody when DNS names two, and the web does not decide between them', async () => {
    const { directory, web } = world({
      txt: { [txtName]: [`did=${did}`, `did=${other}`] },
      pages: { [wellKnown]: { body: did } },
    })
    assert.equal(await directory.resolveHandle(handle), undefined)
    assert.deepEqual(web.asked, [])
  })

  test('may be named twice alike', async () => {
    const { directory } = world({ txt: { [txtName]: [`did=${did}`, `did=${did}`] } })
    assert.equal(await directory.resolveHandle(handle), did)
  })

  const nobody: [string, World][] = [
    ['records that are no DIDs', { txt: { [txtName]: ['did=', 'did=alice', 'DID=x', did] } }],
    ['a page that is not there', {}],
    ['a page of HTML', { pages: { [wellKnown]: { body: '<html>did:plc:x</html>' } } }],
    ['a forbidden page', { pages: { [wellKnown]: { status: 403, body: did } } }],
    ['two DIDs on the page', { pages: { [wellKnown]: { body: `${did}\n${other}` } } }],
  ]
  for (const [what, { txt = {}, pages = { [wellKnown]: { status: 404 } } }] of nobody)
    test(`with ${what} names nobody`, async () => {
      const { directory } = world({ txt, pages: { [wellKnown]: { status: 404 }, ...pages } })
      assert.equal(await directory.resolveHandle(handle), undefined)
    })

  const open: [string, World][] = [
    ['the web server fails', { pages: { [wellKnown]: { status: 503 } } }],
    ['the web server has enough of us', { pages: { [wellKnown]: { status: 429 } } }],
    ['the web server is unreachable', {}],
    ['the page is endless', { pages: { [wellKnown]: { body: 'x'.repeat(5_000) } } }],
    [
      'DNS fails and the web server has nothing',
      { txt: { [txtName]: new Error('SERVFAIL') }, pages: { [wellKnown]: { status: 404 } } },
    ],
  ]
  for (const [what, setting] of open)
    test(`stays an open question when ${what}`, async () => {
      await assert.rejects(world(setting).directory.resolveHandle(handle), {
        name: 'UpstreamError',
        code: 'UpstreamFailure',
      })
    })

  test('is given up at the deadline', async () => {
    const { directory, timers } = world({ pages: { [wellKnown]: 'hang' } })
    const lookup = directory.resolveHandle(handle)
    const failed = assert.rejects(lookup, { code: 'UpstreamTimeout' })
    while (timers.pending === 0) await new Promise((resolve) => setImmediate(resolve))
    timers.fire()
    await failed
  })
})

describe('a handle under a name no handle may have', () => {
  for (const name of ['a.local', 'a.b.arpa', 'handle.invalid', 'a.internal', 'a.alt', 'a.ONION'])
    test(`${name} names nobody, and nobody is asked`, async () => {
      const { directory, web, names } = world({ hosts: ['http://localhost:2583'] })
      assert.equal(await directory.resolveHandle(name as 'a.b'), undefined)
      assert.deepEqual([...web.asked, ...names], [])
    })
})

describe('a handle of a local network', () => {
  const hosts = ['http://localhost:2583', 'http://localhost:2593']
  const at = (host: number, name = 'alice.test') =>
    `${hosts[host]}/xrpc/com.atproto.identity.resolveHandle?handle=${name}`
  const documentOf = (id: string, name = 'alice.test') => ({
    body: { id, alsoKnownAs: [`at://${name}`] },
  })

  test('is asked at the hosts and checked against the document, never by DNS', async () => {
    const { directory, names } = world({
      hosts,
      pages: {
        [at(0)]: { status: 400, body: { error: 'InvalidRequest' } },
        [at(1)]: { body: { did } },
        [`${plcUrl}/${did}`]: documentOf(did),
      },
    })
    assert.equal(await directory.resolveHandle('alice.test'), did)
    assert.deepEqual(names, [])
  })

  for (const name of ['alice.example', 'alice.localhost', 'x.y.test'])
    test(`${name} is one`, async () => {
      assert.equal(handleKind(name as 'a.b'), 'local')
      const { directory } = world({
        hosts,
        pages: {
          [at(0, name)]: { body: { did } },
          [at(1, name)]: { status: 400 },
          [`${plcUrl}/${did}`]: documentOf(did, name),
        },
      })
      assert.equal(await directory.resolveHandle(name as 'a.b'), did)
    })

  test('a host’s claim that the document does not confirm is passed over', async () => {
    const { directory } = world({
      hosts,
      pages: {
        [at(0)]: { body: { did: other } },
        [at(1)]: { body: { did } },
        [`${plcUrl}/${other}`]: documentOf(other, 'mallory.test'),
        [`${plcUrl}/${did}`]: documentOf(did),
      },
    })
    assert.equal(await directory.resolveHandle('alice.test'), did)
  })

  test('names nobody when no document confirms it', async () => {
    const { directory } = world({
      hosts,
      pages: {
        [at(0)]: { body: { did } },
        [at(1)]: { body: { did: 'not a did' } },
        [`${plcUrl}/${did}`]: { status: 404 },
      },
    })
    assert.equal(await directory.resolveHandle('alice.test'), undefined)
  })

  test('names nobody when there are no hosts to ask', async () => {
    assert.equal(await world({}).directory.resolveHandle('alice.test'), undefined)
    assert.equal(await world({ hosts: [] }).directory.resolveHandle('alice.test'), undefined)
  })

  test('a host that is down hides nothing another host knows', async () => {
    const { directory } = world({
      hosts,
      pages: { [at(1)]: { body: { did } }, [`${plcUrl}/${did}`]: documentOf(did) },
    })
    assert.equal(await directory.resolveHandle('alice.test'), did)
  })

  test('stays an open question when a host is down and the others know nobody', async () => {
    const { directory } = world({ hosts, pages: { [at(1)]: { status: 400 } } })
    await assert.rejects(directory.resolveHandle('alice.test'), { name: 'UpstreamError' })
  })

  test('carries the mark that keeps hosts from asking each other for ever', async () => {
    const { directory, web } = world({
      hosts,
      pages: { [at(0)]: { status: 400 }, [at(1)]: { status: 400 } },
    })
    await directory.resolveHandle('alice.test')
    for (const init of web.inits)
      assert.equal(new Headers(init?.headers).get(LOCAL_HANDLE_HEADER), '1')
  })
})

describe('a verified handle', () => {
  const pages = { [`${plcUrl}/${did}`]: { body: { id: did, alsoKnownAs: [`at://${handle}`] } } }

  test('is the one that both sides claim', async () => {
    const { directory } = world({ pages, txt: { [txtName]: [`did=${did}`] } })
    assert.equal(await verifiedHandle(directory, did), handle)
  })

  const invalid: [string, World][] = [
    ['resolves to somebody else', { pages, txt: { [txtName]: [`did=${other}`] } }],
    ['resolves to nobody', { pages: { ...pages, [wellKnown]: { status: 404 } } }],
    ['cannot be looked up now', { pages, txt: { [txtName]: new Error('SERVFAIL') } }],
    ['is not claimed', { pages: { [`${plcUrl}/${did}`]: { body: { id: did } } } }],
    ['is of a DID nobody has', { pages: { [`${plcUrl}/${did}`]: { status: 404 } } }],
  ]
  for (const [what, setting] of invalid)
    test(`is handle.invalid when it ${what}`, async () => {
      assert.equal(await verifiedHandle(world(setting).directory, did), 'handle.invalid')
    })

  test('is an open question when the document cannot be had', async () => {
    await assert.rejects(verifiedHandle(world({}).directory, did), { name: 'UpstreamError' })
  })

  test('a fault of ours is not taken for an answer', async () => {
    const directory = {
      document: async () => ({
        id: did,
        alsoKnownAs: [`at://${handle}`],
        verificationMethod: [],
        service: [],
      }),
      resolveHandle: () => Promise.reject(new TypeError('a bug')),
    } as const
    await assert.rejects(verifiedHandle(directory as never, did), TypeError)
  })
})
