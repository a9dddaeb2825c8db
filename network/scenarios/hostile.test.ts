/** A network in production, and somebody who means it harm. Nobody else may notice. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { plan, serve } from '#apps/server'

const PUBLIC = 'https://falaj.example'
const KINDS = ['plc', 'pds', 'relay', 'jetstream', 'appview', 'search', 'moderation']
const MEGABYTE = 1024 * 1024

interface Answer {
  status: number
  error: string | undefined
  text: string
}

describe('a network under attack', () => {
  let running: Awaited<ReturnType<typeof serve>> | undefined
  /** Where each kind of service listens, behind the proxy that its public URL promises. */
  const at = new Map<string, string>()
  let did: string
  let token: string
  let trapped = 0
  let trapPort: number
  const trap = createServer((_, response) => {
    trapped++
    response.end('{}')
  })
  trap.on('connection', () => trapped++)

  before(async () => {
    trap.listen(0, '127.0.0.1')
    await once(trap, 'listening')
    trapPort = (trap.address() as AddressInfo).port
    const flags = [
      '--ephemeral',
      '--public-url',
      PUBLIC,
      '--log-level',
      process.env.FALAJ_TEST_LOG ?? 'silent',
    ]
    const planned = await plan('up', [...flags, '--services', KINDS.join()], {})
    for (const service of planned.services) {
      service.port = await freePort()
      at.set(service.part.kind, `http://127.0.0.1:${service.port}`)
    }
    running = await serve(planned, (error) => {
      throw error
    })
    const { availableUserDomains } = JSON.parse(
      (await ask('pds', 'com.atproto.server.describeServer')).text,
    )
    const account = await ask('pds', 'com.atproto.server.createAccount', {
      body: {
        handle: `alice${availableUserDomains[0]}`,
        email: 'alice@mail.example',
        password: 'a password of alice',
      },
    })
    assert.equal(account.status, 200, account.text)
    ;({ did, accessJwt: token } = JSON.parse(account.text))
  })
  after(async () => {
    await running?.stop()
    trap.close()
  })

  /** One call; a body makes it a POST. Objects are sent as JSON. */
  async function ask(
    kind: string,
    path: string,
    call: { body?: unknown; headers?: Record<string, string>; signedIn?: boolean } = {},
  ): Promise<Answer> {
    const { body } = call
    const isBytes = body instanceof Uint8Array
    const response = await fetch(`${at.get(kind)}/xrpc/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body !== undefined && !isBytes && { 'content-type': 'application/json' }),
        ...(call.signedIn && { authorization: `Bearer ${token}` }),
        ...call.headers,
      },
      ...(body !== undefined && {
        body: isBytes ? body : typeof body === 'string' ? body : JSON.stringify(body),
      }),
    } as RequestInit)
    const text = await response.text()
    return { status: response.status, error: nameIn(text), text }
  }

  /** Refused by name, as the caller's fault or as that of whom it pointed to; never ours. */
  function refused(answer: Answer, what: string): void {
    const { status, error } = answer
    assert.ok(
      (status >= 400 && status < 500) || status === 502 || status === 504,
      `${what}: ${status}`,
    )
    assert.match(error ?? '', /^[A-Z][A-Za-z]+$/, `${what}: ${answer.text.slice(0, 200)}`)
  }

  test('nobody inside is reached through a name, a DID, a proxy or a host to crawl', async () => {
    const inside = `127.0.0.1%3A${trapPort}`
    const names = [
      `did:web:${inside}`,
      `did:web:localhost%3A${trapPort}`,
      `did:web:[::1]%3A${trapPort}`,
      `did:web:2130706433%3A${trapPort}`,
      `did:web:0x7f.1%3A${trapPort}`,
      `did:web:169.254.169.254`,
      `did:web:metadata.google.internal`,
    ]
    for (const name of names) {
      const query = encodeURIComponent(name)
      refused(await ask('pds', `com.atproto.identity.resolveDid?did=${query}`), name)
      refused(await ask('pds', `com.atproto.repo.describeRepo?repo=${query}`), name)
      const headers = { 'atproto-proxy': `${name}#bsky_appview` }
      refused(await ask('pds', 'app.bsky.feed.getTimeline', { headers, signedIn: true }), name)
      const generator = encodeURIComponent(`at://${name}/app.bsky.feed.generator/a`)
      refused(await ask('appview', `app.bsky.feed.getFeed?feed=${generator}`), name)
      const moving = { handle: 'x.falaj.example', did: name, password: 'a password of x' }
      refused(await ask('pds', 'com.atproto.server.createAccount', { body: moving }), name)
    }
    for (const hostname of [
      `127.0.0.1:${trapPort}`,
      `localhost:${trapPort}`,
      '[::1]',
      '10.0.0.1',
    ]) {
      const crawl = await ask('relay', 'com.atproto.sync.requestCrawl', { body: { hostname } })
      refused(crawl, hostname)
    }
    assert.equal(trapped, 0)
  })

  test('no path, name or header reaches a file or forges an answer', async () => {
    const paths = [
      'com.atproto.sync.getBlob?did=../../../etc/passwd&cid=../../passwd',
      `com.atproto.sync.getBlob?did=${'%2e%2e%2f'.repeat(20)}&cid=x`,
      'com.atproto.sync.getRepo?did=did:plc:..%2f..%2f..%2f..%2fetcpasswdaaa',
      '..%2f..%2f..%2fetc%2fpasswd',
      'com.atproto.repo.getRecord?repo=a%0d%0aset-cookie:x&collection=a.b.c&rkey=a',
      'com.atproto.identity.resolveHandle?handle=a%00b.test',
      `com.atproto.repo.listRecords?repo=${'a'.repeat(7_000)}&collection=a.b.c`,
      'com.atproto.sync.listRepos?cursor=%27%3B%20DROP%20TABLE%20accounts%3B--&limit=-1',
      'constructor',
      '__proto__.x',
    ]
    for (const path of paths) {
      const answer = await ask('pds', path)
      refused(answer, path)
      assert.doesNotMatch(answer.text, /root:|node_modules|\/src\//, path)
    }
  })

  test('bodies that are too deep, too large, too dense or no bodies are refused', async () => {
    const depth = MEGABYTE / 2 - 100
    const deep = `{"repo":"${did}","collection":"a.b.c","record":${'['.repeat(depth)}${']'.repeat(depth)}}`
    const wide = `{"repo":"${did}","collection":"a.b.c","record":{${Array.from({ length: 80_000 }, (_, i) => `"k${i}":0`).join(',')}}}`
    const bomb = gzipSync(Buffer.alloc(64 * MEGABYTE, 0x20))
    const json = { 'content-type': 'application/json' }
    const create = 'com.atproto.repo.createRecord'
    const bodies: [string, string, unknown, Record<string, string>][] = [
      ['deep', create, deep, {}],
      ['bomb', create, bomb, { ...json, 'content-encoding': 'gzip' }],
      ['bombs in a bomb', create, gzipSync(bomb), { ...json, 'content-encoding': 'gzip, gzip' }],
      ['large', create, `{"repo":"${'x'.repeat(12 * MEGABYTE)}"}`, {}],
      ['half', create, '{"repo":', {}],
      ['no JSON', create, Buffer.from([0xff, 0xfe, 0x00]), json],
      ['no object', create, 'null', {}],
      ['a number too many', create, `{"repo":"${did}","collection":"a.b.c","record":1e999}`, {}],
    ]
    for (const [what, path, body, headers] of bodies) {
      refused(await ask('pds', path, { body, headers, signedIn: true }), what)
    }
    const many = await ask('pds', create, { body: wide, signedIn: true })
    assert.ok(many.status === 200 || many.status === 400, `wide: ${many.status}`)
  })

  test('repositories that are none are refused as they are read', async () => {
    const created = await ask('pds', 'com.atproto.server.deactivateAccount', {
      body: {},
      signedIn: true,
    })
    assert.equal(created.status, 200, created.text)
    const varint = (size: number) => Buffer.from([(size & 0x7f) | 0x80, (size >> 7) & 0x7f])
    const cars: [string, Buffer][] = [
      ['nothing', Buffer.alloc(0)],
      ['noise', Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * 197 + 31) & 0xff))],
      ['a head of four gigabytes', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])],
      ['a number without an end', Buffer.alloc(64, 0xff)],
      ['arrays in arrays', Buffer.concat([varint(8_000), Buffer.alloc(8_000, 0x81)])],
      [
        'an array of all there is',
        Buffer.concat([varint(9), Buffer.from([0x9b, ...Array(8).fill(0xff)])]),
      ],
    ]
    for (const [what, body] of cars) {
      const headers = { 'content-type': 'application/vnd.ipld.car' }
      refused(
        await ask('pds', 'com.atproto.repo.importRepo', { body, headers, signedIn: true }),
        what,
      )
    }
    const back = await ask('pds', 'com.atproto.server.activateAccount', {
      body: '',
      headers: {},
      signedIn: true,
    })
    assert.equal(back.status, 200, back.text)
  })

  test('connections that say little, and slowly, keep nobody waiting', async () => {
    const { port } = new URL(at.get('pds')!)
    const sockets: Socket[] = []
    for (let i = 0; i < 300; i++) {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => {})
      socket.write(
        i % 2
          ? 'GET /xrpc/_health HTTP/1.1\r\nhost: a\r\nx-slow: '
          : 'POST /xrpc/a HTTP/1.1\r\ncontent-length: 5\r\n\r\n1',
      )
      sockets.push(socket)
    }
    const trickle = setInterval(() => sockets.forEach((one) => void one.write('a')), 50)
    for (let i = 0; i < 20; i++) assert.equal((await ask('pds', '_health')).status, 200)
    clearInterval(trickle)
    for (const socket of sockets) socket.destroy()
  })

  test('what is no HTTP is answered as such, or cut', async () => {
    const { port } = new URL(at.get('pds')!)
    const words = [
      'GET /xrpc/_health HTTP/9.9\r\n\r\n',
      `GET / HTTP/1.1\r\n${`x: ${'y'.repeat(4_000)}\r\n`.repeat(40)}\r\n`,
      'POST /xrpc/a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'GET /xrpc/a b HTTP/1.1\r\nhost: a\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    ]
    for (const text of words) {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => {})
      let heard = ''
      socket.setEncoding('latin1').on('data', (part: string) => (heard += part))
      socket.end(text, 'latin1')
      await new Promise((resolve) => socket.on('close', resolve))
      assert.match(heard, /^(HTTP\/1\.1 (4\d\d|505) |$)/, text.slice(0, 40))
    }
  })

  test('afterwards everybody is well, and nothing has grown', async () => {
    for (const kind of at.keys()) assert.equal((await ask(kind, '_health')).status, 200, kind)
    const written = await ask('pds', 'com.atproto.repo.createRecord', {
      body: { repo: did, collection: 'com.example.note', record: { text: 'still here' } },
      signedIn: true,
    })
    assert.equal(written.status, 200, written.text)
    const { rss, heapUsed } = process.memoryUsage()
    assert.ok(heapUsed / MEGABYTE < 400, `heap of ${Math.round(heapUsed / MEGABYTE)} MB, ${rss}`)
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function nameIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error?: string }).error
  } catch {
    return undefined
  }
}
