import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { type GuardedFetchOptions, guardedFetch } from './guarded-fetch.ts'
import { OutgoingError } from './outgoing-error.ts'
import type { FetchInit } from './shapes.ts'

const cleanups: (() => unknown)[] = []
after(async () => {
  for (const cleanup of cleanups) await cleanup()
})

async function upstream(listener: RequestListener, host = '127.0.0.1') {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://${host}:${(server.address() as AddressInfo).port}`
}

function client(options: GuardedFetchOptions = { allowPrivate: true }) {
  const { fetch, close } = guardedFetch(options)
  cleanups.push(close)
  return fetch
}

async function refusal(work: Promise<unknown>): Promise<OutgoingError> {
  try {
    await work
  } catch (error) {
    assert.ok(error instanceof OutgoingError, String(error))
    return error
  }
  throw new Error('nothing was refused')
}

test('a response comes with its status, headers, body and final URL', async () => {
  const url = await upstream((request, response) => {
    response.writeHead(201, { 'x-seen': request.headers['x-sent'] })
    request.pipe(response)
  })
  const headers = { 'x-sent': 'yes' }
  const response = await client()(`${url}/a?b=c`, { method: 'POST', body: 'hello', headers })
  assert.equal(response.status, 201)
  assert.equal(response.headers.get('x-seen'), 'yes')
  assert.equal(response.url, `${url}/a?b=c`)
  assert.equal(await response.text(), 'hello')
})

test('a Request object and a streamed body are sent as they are', async () => {
  const url = await upstream((request, response) => request.pipe(response))
  const fetch = client()
  const request = new Request(url, { method: 'PUT', body: 'from a request' })
  assert.equal(await (await fetch(request)).text(), 'from a request')
  const body = new Blob(['a', 'b']).stream()
  assert.equal(await (await fetch(url, { method: 'POST', body })).text(), 'ab')
})

test('private addresses are refused, by name and by number', async () => {
  const url = await upstream((_request, response) => response.end('secret'))
  const fetch = client({})
  const byNumber = await refusal(fetch(url))
  assert.equal(byNumber.code, 'ForbiddenAddress')
  const byName = await refusal(fetch(url.replace('127.0.0.1', 'localhost')))
  assert.equal(byName.code, 'ForbiddenAddress')
  assert.match(byName.host, /^localhost/)
})

test('a redirect is judged like a first address', async () => {
  const inner = await upstream((_request, response) => response.end('secret'), '127.0.0.2')
  const outer = await upstream((_request, response) => {
    response.writeHead(302, { location: `${inner}/admin` }).end()
  })
  const fetch = client({ allowNetworks: ['127.0.0.1/32'] })
  assert.equal((await refusal(fetch(outer))).code, 'ForbiddenAddress')
  const file = await upstream((_request, response) => {
    response.writeHead(302, { location: 'file:///etc/passwd' }).end()
  })
  assert.equal((await refusal(fetch(file))).code, 'UnsupportedUrl')
})

test('redirects are followed a few times, and no further', async () => {
  const url = await upstream((request, response) => {
    const left = Number(request.url!.slice(1))
    if (left === 0) response.end('there')
    else response.writeHead(302, { location: `/${left - 1}` }).end()
  })
  const fetch = client()
  assert.equal(await (await fetch(`${url}/4`)).text(), 'there')
  assert.equal((await refusal(fetch(`${url}/5`))).code, 'TooManyRedirects')
  assert.equal((await refusal(fetch(`${url}/1`, { redirect: 'error' }))).code, 'TooManyRedirects')
  assert.equal((await fetch(`${url}/1`, { redirect: 'manual' })).status, 302)
})

test('a redirect to another origin takes no credentials along', async () => {
  const seen: (string | undefined)[] = []
  const other = await upstream((request, response) => {
    seen.push(request.headers.authorization, request.headers['x-plain'] as string)
    response.end()
  })
  const url = await upstream((_request, response) => {
    response.writeHead(307, { location: other }).end()
  })
  await client()(url, { headers: { authorization: 'Bearer x', 'x-plain': 'kept' } })
  assert.deepEqual(seen, [undefined, 'kept'])
})

test('a POST becomes a GET where the web does so, and keeps its body on 307', async () => {
  const seen: string[] = []
  const url = await upstream((request, response) => {
    if (request.url === '/end') {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        seen.push(`${request.method} ${Buffer.concat(chunks)}`)
        response.end()
      })
    } else response.writeHead(Number(request.url!.slice(1)), { location: '/end' }).end()
  })
  const fetch = client()
  for (const status of [301, 302, 303, 307, 308])
    await fetch(`${url}/${status}`, { method: 'POST', body: 'b' })
  assert.deepEqual(seen, ['GET ', 'GET ', 'GET ', 'POST b', 'POST b'])
})

test('only http and https URLs without credentials are fetched', async () => {
  const fetch = client()
  for (const url of ['ftp://example.com', 'file:///etc/passwd', 'data:,x', 'nonsense', ''])
    assert.equal((await refusal(fetch(url))).code, 'UnsupportedUrl', url)
  assert.equal((await refusal(fetch('http://user:pw@example.com'))).code, 'UnsupportedUrl')
})

test('a body is cut at its limit, said or found out', async () => {
  const url = await upstream((request, response) => {
    if (request.url === '/said') response.writeHead(200, { 'content-length': 5000 })
    response.write(Buffer.alloc(2500))
    response.end(Buffer.alloc(2500))
  })
  const fetch = client()
  const init = { maxResponseBytes: 4999 }
  assert.equal((await refusal(fetch(`${url}/said`, init))).code, 'TooLarge')
  const response = await fetch(`${url}/found`, init)
  assert.equal((await refusal(response.arrayBuffer())).code, 'TooLarge')
  const fits = await fetch(url, { maxResponseBytes: 5000 })
  assert.equal((await fits.arrayBuffer()).byteLength, 5000)
})

test('a decompression bomb is measured unpacked', async () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000))
  const url = await upstream((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bomb.length }).end(bomb)
  })
  const response = await client()(url, { maxResponseBytes: 1_000_000 })
  assert.equal((await refusal(response.text())).code, 'TooLarge')
})

test('packed bodies arrive unpacked, without the headers of the packed form', async () => {
  const packed = brotliCompressSync('falaj')
  const url = await upstream((_request, response) => {
    const headers = { 'content-encoding': 'br', 'content-length': packed.length }
    response.writeHead(200, headers).end(packed)
  })
  const response = await client()(url)
  assert.equal(await response.text(), 'falaj')
  assert.equal(response.headers.get('content-encoding'), null)
  assert.equal(response.headers.get('content-length'), null)
})

test('with `packed`, a body is handed on as it came, and measured so', async () => {
  const body = gzipSync('x'.repeat(100_000))
  const url = await upstream((request, response) => {
    if (request.method === 'POST') return request.pipe(response)
    const headers = { 'content-encoding': 'gzip', 'set-cookie': ['a=1', 'b=2'] }
    response.writeHead(
      200,
      request.url === '/said' ? { ...headers, 'content-length': body.length } : headers,
    )
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  const fetch = client()
  const packed = await fetch(url, { packed: true, maxResponseBytes: 1_000 })
  assert.equal(packed.headers.get('content-encoding'), 'gzip')
  assert.deepEqual(packed.headers.getSetCookie(), ['a=1', 'b=2'])
  assert.deepEqual(Buffer.from(await packed.bytes()), body)
  const found = await fetch(url, { packed: true, maxResponseBytes: 10 })
  assert.equal((await refusal(found.bytes())).code, 'TooLarge')
  const said = fetch(`${url}/said`, { packed: true, maxResponseBytes: 10 })
  assert.equal((await refusal(said)).code, 'TooLarge')
  assert.equal((await fetch(url, { packed: true, method: 'HEAD' })).body, null)
  const sent = new Blob(['a', 'b']).stream()
  const echo = await fetch(url, { packed: true, method: 'POST', body: sent })
  assert.equal(await echo.text(), 'ab')
})

test('with `packed`, the same limits hold', async () => {
  const secret = await upstream((_request, response) => response.end('secret'), '127.0.0.2')
  const url = await upstream((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: secret }).end()
    else if (request.url === '/slow') response.writeHead(200).write('a')
  })
  const fetch = client({ allowNetworks: ['127.0.0.1/32'] })
  const code = async (path: string, init: FetchInit = {}) =>
    (await refusal(fetch(url + path, { packed: true, ...init }).then((it) => it.text()))).code
  assert.equal(await code('/away'), 'ForbiddenAddress')
  assert.equal(await code('/silent', { headersTimeoutMs: 50 }), 'Timeout')
  assert.equal(await code('/slow', { timeoutMs: 50 }), 'Timeout')
  assert.equal((await refusal(client({})(url, { packed: true }))).code, 'ForbiddenAddress')
})

test('silence is given up: before the headers, and inside the body', async () => {
  const url = await upstream((request, response) => {
    if (request.url === '/body') response.write('begun')
  })
  const fetch = client()
  const headers = await refusal(fetch(url, { headersTimeoutMs: 50 }))
  assert.equal(headers.code, 'Timeout')
  const response = await fetch(`${url}/body`, { timeoutMs: 800 })
  assert.equal((await refusal(response.text())).code, 'Timeout')
})

test('what goes on byte by byte takes as long as it takes, and silence ends it', async () => {
  const url = await upstream((request, response) => {
    if (request.url === '/slow') {
      let left = 12
      const timer = setInterval(() => {
        response.write('a')
        if (--left > 0) return
        clearInterval(timer)
        response.end()
      }, 25)
    } else if (request.url === '/stuck') response.write('begun')
    else request.pipe(response)
  })
  const fetch = client({ allowPrivate: true, limits: { timeoutMs: 100, headersTimeoutMs: 100 } })
  const init = { silenceMs: 600 }
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  // Neither a body that is slow to come, nor a reader who takes their time, is the other side's silence.
  const pieces = async function* () {
    for (let i = 0; i < 3; i++) {
      await pause(250)
      yield new Uint8Array([i])
    }
  }
  const echoed = async () => {
    const body = pieces() as unknown as BodyInit
    const echo = await fetch(url, { ...init, method: 'POST', body })
    await pause(700)
    return [...(await echo.bytes())]
  }
  const stuck = async () => (await fetch(`${url}/stuck`, init)).text()
  const slow = async () => (await fetch(`${url}/slow`, init)).text()
  const [error, letters, bytes] = await Promise.all([refusal(stuck()), slow(), echoed()])
  assert.deepEqual([error.code, letters, bytes], ['Timeout', 'a'.repeat(12), [0, 1, 2]])
})

test("the caller's own reason to stop comes back as it is", async () => {
  const url = await upstream(() => {})
  const stop = new AbortController()
  const pending = client()(url, { signal: stop.signal })
  const reason = new Error('enough')
  setImmediate(() => stop.abort(reason))
  await assert.rejects(pending, reason)
  await assert.rejects(client()(url, { signal: stop.signal }), reason)
})

test('a host that is not there, or breaks off, is unreachable', async () => {
  const url = await upstream((_request, response) => response.destroy())
  const broken = await refusal(client()(url))
  assert.equal(broken.code, 'Unreachable')
  assert.equal(broken.host, new URL(url).host)
  const nobody = await refusal(client()('http://127.0.0.1:1'))
  assert.equal(nobody.code, 'Unreachable')
})

test('responses without a body have none', async () => {
  const url = await upstream((request, response) => {
    response.writeHead(request.method === 'HEAD' ? 200 : 204, { 'x-a': 'b' }).end()
  })
  const fetch = client()
  const inits: FetchInit[] = [{}, { method: 'HEAD' }]
  for (const init of inits) assert.equal(await (await fetch(url, init)).text(), '')
})
