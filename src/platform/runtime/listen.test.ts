import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { ListenError, type ListenLimits, listen } from './listen.ts'
import { createMetrics } from './metrics.ts'
import { collect, gate, logTo, service, serving } from './rig.fixture.ts'
import type { HttpRequest } from './shapes.ts'

const text = (request: HttpRequest): Promise<string> =>
  request.body === undefined
    ? Promise.resolve('')
    : request.body instanceof Uint8Array
      ? Promise.resolve(Buffer.from(request.body).toString())
      : collect(request.body).then((chunks) => Buffer.concat(chunks).toString())

/** Sends raw bytes and resolves with all that comes back until the connection ends. */
function raw(port: number, bytes: string, then?: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let seen = ''
    socket.on('data', (chunk) => (seen += chunk))
    socket.on('close', () => resolve(seen))
    socket.on('error', (error) => (seen ? resolve(seen) : reject(error)))
    then?.(socket)
  })
}

test('a request arrives plain: method, path, query, headers, body, address, id', async () => {
  const requests: HttpRequest[] = []
  await using rig = await serving({
    handle: (request) => {
      requests.push(request)
      return { status: 200 }
    },
  })
  await fetch(`${rig.url}/a%20b/c?x=1&y=%2F`, {
    method: 'POST',
    body: 'hi',
    headers: { 'X-A': 'B' },
  })
  await fetch(rig.url)
  const [post, get] = requests as [HttpRequest, HttpRequest]
  assert.deepEqual([post.method, post.path, post.query], ['POST', '/a%20b/c', 'x=1&y=%2F'])
  assert.equal(post.headers['x-a'], 'B')
  assert.equal(await text(post), 'hi')
  assert.equal(post.ip, '127.0.0.1')
  assert.deepEqual([get.method, get.path, get.query, get.body], ['GET', '/', '', undefined])
  assert.notEqual(post.id, get.id)
})

test('strings and bytes are answered with their length and the request id', async () => {
  const body = 'قناة'
  await using rig = await serving({
    handle: ({ path, id }) => ({
      status: 201,
      headers: { 'content-type': 'text/plain', 'x-own': id },
      body: path === '/text' ? body : Buffer.from(body),
    }),
  })
  for (const path of ['/text', '/bytes']) {
    const response = await fetch(rig.url + path)
    assert.equal(response.status, 201)
    assert.equal(response.headers.get('content-length'), '8')
    assert.equal(response.headers.get('x-request-id'), response.headers.get('x-own'))
    assert.equal(await response.text(), body)
  }
})

test('HEAD, 204 and 304 have no body; HEAD keeps the length', async () => {
  await using rig = await serving({
    handle: ({ path }) => ({
      status: Number(path.slice(1)),
      body: path === '/200' ? 'four' : undefined,
    }),
  })
  const head = await fetch(`${rig.url}/200`, { method: 'HEAD' })
  assert.equal(head.headers.get('content-length'), '4')
  assert.equal(await head.text(), '')
  for (const status of [204, 304]) {
    const response = await fetch(`${rig.url}/${status}`)
    assert.equal(response.status, status)
    assert.equal(response.headers.get('content-length'), null)
  }
})

test('bodies of every size arrive whole, known length or not', async () => {
  await using rig = await serving({
    handle: async (request) => ({ status: 200, body: String((await text(request)).length) }),
  })
  for (const size of [0, 1, 65_536, 65_537, 3_000_000]) {
    const known = await fetch(rig.url, { method: 'POST', body: 'x'.repeat(size) })
    assert.equal(await known.text(), String(size))
    const body = new Blob(['x'.repeat(size)]).stream()
    const chunked = await fetch(rig.url, { method: 'POST', body, duplex: 'half' } as RequestInit)
    assert.equal(await chunked.text(), String(size))
  }
})

test('a small body that comes in pieces is still handed over whole', async () => {
  await using rig = await serving({
    handle: async (request) => {
      assert.ok(request.body instanceof Uint8Array)
      return { status: 200, headers: { connection: 'close' }, body: await text(request) }
    },
  })
  const answer = await raw(
    rig.port,
    'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 6\r\n\r\n',
    (socket) => {
      socket.once('connect', () =>
        setImmediate(() => {
          socket.write('abc')
          setTimeout(() => socket.write('def'), 5)
        }),
      )
    },
  )
  assert.match(answer, /abcdef$/)
})

test('an answer that is not true any more as it leaves is not sent: the connection is cut', async () => {
  let isTrue = true
  await using rig = await serving({
    handle: ({ path }) => {
      // Others are answered before it leaves; one of them takes it back.
      if (path === '/late') queueMicrotask(() => (isTrue = false))
      return { status: 200, body: 'done', isStillTrue: () => isTrue }
    },
  })
  assert.equal(await (await fetch(`${rig.url}/in-time`)).text(), 'done')
  await assert.rejects(fetch(`${rig.url}/late`))
})

test('a streamed response flows with its reader, and stops when the client goes', async () => {
  let made = 0
  const stopped = gate()
  await using rig = await serving({
    handle: () => ({
      status: 200,
      body: (async function* () {
        try {
          for (; made < 10_000; made++) yield Buffer.alloc(64 * 1024)
        } finally {
          stopped.open()
        }
      })(),
    }),
  })
  const response = await fetch(rig.url)
  const reader = response.body!.getReader()
  await reader.read()
  let before = -1
  while (made !== before) {
    before = made
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.ok(made < 10_000, 'everything was produced for a reader that took one chunk')
  await reader.cancel()
  await stopped.promise
})

test('a reader that stops reading is cut', async () => {
  const stopped = gate()
  await using rig = await serving(
    {
      handle: () => ({
        status: 200,
        body: (async function* () {
          try {
            for (;;) yield Buffer.alloc(256 * 1024)
          } finally {
            stopped.open()
          }
        })(),
      }),
    },
    { limits: { responseStallMs: 50 } },
  )
  const response = await fetch(rig.url)
  await stopped.promise
  await assert.rejects(response.arrayBuffer())
})

test('a stream that fails midway breaks the response and is logged with its request', async () => {
  await using rig = await serving({
    handle: () => ({
      status: 200,
      body: (async function* () {
        yield Buffer.from('part')
        throw new Error('disk gone')
      })(),
    }),
  })
  await assert.rejects(async () => (await fetch(rig.url)).text())
  assert.match(rig.lines.join(''), /disk gone/)
})

test('what a service throws is one clean 500 with an id that is in the log', async () => {
  await using rig = await serving({
    handle: ({ path }) => {
      if (path === '/sync') throw new Error('secret detail')
      return Promise.reject(new Error('secret detail'))
    },
  })
  for (const path of ['/sync', '/async']) {
    const response = await fetch(rig.url + path)
    assert.equal(response.status, 500)
    const body = await response.text()
    assert.doesNotMatch(body, /secret/)
    assert.ok(body.includes(response.headers.get('x-request-id')!))
    assert.ok(rig.lines.at(-1)!.includes(response.headers.get('x-request-id')!))
  }
})

test('the signal tells that the client went away, and not that it was served', async () => {
  const gone = gate()
  const arrived = gate()
  let served: AbortSignal | undefined
  await using rig = await serving({
    handle: async (request) => {
      if (request.path === '/served') {
        served = request.signal
        return { status: 200, body: 'ok' }
      }
      request.signal.addEventListener('abort', () => gone.open())
      arrived.open()
      await gone.promise
      return { status: 200 }
    },
  })
  await (await fetch(`${rig.url}/served`)).text()
  assert.equal(served?.aborted, false)
  const stop = new AbortController()
  const pending = fetch(rig.url, { signal: stop.signal })
  await arrived.promise
  stop.abort()
  await assert.rejects(pending)
  await gone.promise
})

test('an unread upload is answered, and its rest dropped', async () => {
  await using rig = await serving({ handle: () => ({ status: 401, body: 'no' }) })
  const body = new Blob([new Uint8Array(5_000_000)])
  const response = await fetch(rig.url, { method: 'POST', body })
  assert.equal(response.status, 401)
})

const tight = (body: Partial<ListenLimits['body']>): Partial<ListenLimits> => ({
  body: { maxBytes: 1_000_000, stallMs: 60, minBytesPerSecond: 500, ...body },
})

test('a body that stops coming, or trickles, is given up', async () => {
  await using rig = await serving(
    { handle: async (request) => ({ status: 200, body: await text(request) }) },
    { limits: tight({}) },
  )
  for (const length of [10, 1_000_000]) {
    const head = `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}\r\n\r\n`
    assert.match(await raw(rig.port, `${head}abc`), /^HTTP\/1.1 408 /)
    let timer: NodeJS.Timeout | undefined
    const trickle = (socket: Socket) => {
      const drip = () => {
        if (!socket.destroyed) socket.write('x', () => (timer = setTimeout(drip, 20)))
      }
      socket.once('connect', drip)
    }
    assert.match(await raw(rig.port, head, trickle), /^HTTP\/1.1 408 /)
    clearTimeout(timer)
  }
})

test('a body that falls silent is never taken for one that ended, however slow it may be', async () => {
  await using rig = await serving(
    { handle: async (request) => ({ status: 200, body: await text(request) }) },
    { limits: tight({ minBytesPerSecond: 0 }) },
  )
  const head = 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n'
  assert.match(await raw(rig.port, `${head}abc`), /^HTTP\/1.1 408 /)
})

test('headers that never end are given up, and too many of them refused', async () => {
  await using rig = await serving(
    { handle: () => ({ status: 200 }) },
    { limits: { headersTimeoutMs: 400, maxHeaderBytes: 4096 } },
  )
  assert.match(await raw(rig.port, 'GET / HTTP/1.1\r\nhost: x\r\nx-a: '), /^HTTP\/1.1 408 /)
  const long = `GET / HTTP/1.1\r\nhost: localhost\r\nx-a: ${'a'.repeat(5000)}\r\n\r\n`
  assert.match(await raw(rig.port, long), /^HTTP\/1.1 431 /)
  assert.match(await raw(rig.port, 'nonsense\r\n\r\n'), /^HTTP\/1.1 400 /)
})

test('a body over the limit of the listener is refused', async () => {
  await using rig = await serving(
    { handle: async (request) => ({ status: 200, body: await text(request) }) },
    { limits: tight({ maxBytes: 100_000, stallMs: 5_000 }) },
  )
  const response = await fetch(rig.url, { method: 'POST', body: 'x'.repeat(100_001) })
  assert.equal(response.status, 413)
})

test('beyond the number of requests at once, others are told to come back', async () => {
  const hold = gate()
  await using rig = await serving(
    {
      handle: async () => {
        await hold.promise
        return { status: 200 }
      },
    },
    { limits: { maxRequests: 2 } },
  )
  const held = [fetch(rig.url), fetch(rig.url)]
  while (rig.metrics.value('http_requests_in_flight') < 2)
    await new Promise((resolve) => setImmediate(resolve))
  const refused = await fetch(rig.url)
  assert.equal(refused.status, 503)
  assert.equal(refused.headers.get('retry-after'), '1')
  hold.open()
  for (const response of await Promise.all(held)) assert.equal(response.status, 200)
})

test('local mode answers only requests that name this machine', async () => {
  await using rig = await serving({ handle: () => ({ status: 200 }) }, { loopbackOnly: true })
  const ask = (host: string) =>
    raw(rig.port, `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
  for (const host of ['localhost', 'localhost:2583', '127.0.0.1:1', '[::1]:9', 'alice.test'])
    assert.match(await ask(host), /^HTTP\/1.1 200 /, host)
  for (const host of ['evil.com', 'localhost.evil.com', '10.0.0.1', 'test.evil.com'])
    assert.match(await ask(host), /^HTTP\/1.1 421 /, host)
})

test('local mode listens on loopback and nowhere else', async () => {
  const options = { port: 0, log: logTo([]), metrics: createMetrics(), loopbackOnly: true }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.com'])
    await assert.rejects(listen(service({}), { ...options, host }), ListenError)
})

test('a port in use is one clear line', async () => {
  await using rig = await serving({})
  const options = { port: rig.port, log: logTo([]), metrics: createMetrics() }
  await assert.rejects(listen(service({}), options), {
    name: 'ListenError',
    code: 'PortInUse',
    message: `port ${rig.port} on 127.0.0.1 is in use`,
  })
})

test('metrics are for this machine, or for who has the token', async () => {
  await using rig = await serving(
    { handle: () => ({ status: 200 }) },
    { metricsToken: 'letmein', trustProxy: true },
  )
  await fetch(rig.url)
  const direct = await (await fetch(`${rig.url}/metrics`)).text()
  assert.match(direct, /^falaj_http_requests\{status="2xx"\} 1$/m)
  const forwarded = { 'x-forwarded-for': '203.0.113.9' }
  assert.equal((await fetch(`${rig.url}/metrics`, { headers: forwarded })).status, 403)
  const authorization = 'Bearer letmein'
  const known = await fetch(`${rig.url}/metrics`, { headers: { ...forwarded, authorization } })
  assert.equal(known.status, 200)
})

test('the address of a client is taken from our proxy alone', async () => {
  const seen: string[] = []
  const handle = ({ ip }: HttpRequest) => {
    seen.push(ip)
    return { status: 200 }
  }
  const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9' }
  await using trusting = await serving({ handle }, { trustProxy: true })
  await using plain = await serving({ handle })
  await fetch(trusting.url, { headers })
  await fetch(plain.url, { headers })
  assert.deepEqual(seen, ['203.0.113.9', '127.0.0.1'])
})

test('closing lets requests finish, and cuts those that do not', async () => {
  const hold = gate()
  const begun = gate()
  const rig = await serving({
    handle: async () => {
      begun.open()
      await hold.promise
      return { status: 200, body: 'finished' }
    },
  })
  const pending = fetch(rig.url)
  await begun.promise
  const closed = rig.listening.close()
  hold.open()
  assert.equal(await (await pending).text(), 'finished')
  await closed
  await assert.rejects(fetch(rig.url))

  const stuck = await serving({ handle: () => new Promise(() => {}) }, { limits: { graceMs: 50 } })
  const never = assert.rejects(fetch(stuck.url))
  while (stuck.metrics.value('http_requests_in_flight') < 1)
    await new Promise((resolve) => setImmediate(resolve))
  await stuck.listening.close()
  await never
})
