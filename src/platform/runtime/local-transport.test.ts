import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardedFetch } from './guarded-fetch.ts'
import { localTransport, type Network } from './local-transport.ts'
import { OutgoingError } from './outgoing-error.ts'
import { collect, gate, service, serving } from './rig.fixture.ts'
import type { FrameBatch, HttpRequest, Service } from './shapes.ts'
import { networkSubscribe } from './subscribe.ts'

const ORIGIN = 'http://pds.test:2583'

function local(parts: Partial<Service>, network?: Network) {
  const transport = localTransport(network)
  const remove = transport.add(ORIGIN, service(parts))
  return { ...transport, remove }
}

const body = async ({ body }: HttpRequest): Promise<string> =>
  Buffer.concat(
    body === undefined ? [] : body instanceof Uint8Array ? [body] : await collect(body),
  ).toString()

/** Answers with what it was asked, so that two ways of asking can be compared. */
const mirror: Partial<Service> = {
  handle: async (request) => ({
    status: 202,
    headers: { 'content-type': 'application/json', 'x-a': 'b' },
    body: JSON.stringify({
      method: request.method,
      path: request.path,
      query: request.query,
      type: request.headers['content-type'],
      own: request.headers['x-own'],
      length: request.headers['content-length'],
      body: await body(request),
    }),
  }),
}

test('a service is asked the same in process and over the network', async () => {
  const { fetch } = local(mirror)
  await using rig = await serving(mirror)
  const network = guardedFetch({ allowPrivate: true })
  const form = new URLSearchParams({ a: '1' })
  const inits: RequestInit[] = [
    {},
    { method: 'POST', body: 'text' },
    { method: 'POST', body: Buffer.from('bytes'), headers: { 'Content-Type': 'a/b' } },
    { method: 'POST', body: form },
    { method: 'POST', body: new Blob(['blob'], { type: 'c/d' }) },
    { headers: new Headers({ 'X-Own': 'yes' }) },
    { headers: [['x-own', 'yes']] },
  ]
  for (const init of inits) {
    const here = await fetch(`${ORIGIN}/a%20b?c=d%2F&e`, init)
    const there = await network.fetch(`${rig.url}/a%20b?c=d%2F&e`, init)
    assert.equal(here.status, there.status)
    assert.equal(here.headers.get('x-a'), there.headers.get('x-a'))
    assert.deepEqual(await here.json(), await there.json())
  }
  await network.close()
})

test('a Request object and a streamed body pass through', async () => {
  const { fetch } = local(mirror)
  const request = new Request(`${ORIGIN}/r`, { method: 'PUT', body: 'request' })
  assert.equal(((await (await fetch(request)).json()) as { body: string }).body, 'request')
  const stream = new Blob(['str', 'eam']).stream()
  const response = await fetch(ORIGIN, { method: 'POST', body: stream })
  assert.equal(((await response.json()) as { body: string }).body, 'stream')
})

test('a body that is made on the way is taken piece by piece, and never gathered', async () => {
  let made = 0
  const pieces = async function* () {
    for (; made < 1000; made++) yield Buffer.of(made)
  }
  const { fetch } = local({
    async handle({ body }) {
      for await (const piece of body as AsyncIterable<Uint8Array>) {
        assert.equal(piece.length, 1)
        break
      }
      return { status: 200 }
    },
  })
  const init = { method: 'POST', body: pieces() as unknown as BodyInit }
  assert.equal((await fetch(ORIGIN, init)).status, 200)
  assert.ok(made <= 1, `${made} pieces were made`)
})

test('a streamed response is read as it is made, and left when it is cancelled', async () => {
  let made = 0
  const left = gate()
  const { fetch } = local({
    handle: () => ({
      status: 200,
      body: (async function* () {
        try {
          for (; made < 1000; made++) yield Buffer.of(made)
        } finally {
          left.open()
        }
      })(),
    }),
  })
  const reader = (await fetch(ORIGIN)).body!.getReader()
  assert.deepEqual([...(await reader.read()).value!], [0])
  assert.ok(made <= 1)
  await reader.cancel()
  await left.promise
})

test('bytes and empty answers keep their status', async () => {
  const { fetch } = local({
    handle: ({ path }) =>
      path === '/none' ? { status: 204 } : { status: 200, body: Buffer.of(1, 2) },
  })
  assert.equal((await fetch(`${ORIGIN}/none`)).status, 204)
  assert.deepEqual([...(await (await fetch(ORIGIN)).bytes())], [1, 2])
})

test('the caller need not wait longer than it wants', async () => {
  const { fetch } = local({ handle: () => new Promise(() => {}) })
  const stop = new AbortController()
  const pending = fetch(ORIGIN, { signal: stop.signal })
  stop.abort(new Error('enough'))
  await assert.rejects(pending, /enough/)
  await assert.rejects(fetch(ORIGIN, { signal: stop.signal }), /enough/)
  await assert.rejects(fetch(ORIGIN, { timeoutMs: 20 }), { code: 'Timeout' })
})

test('batches are handed over as they are, the same arrays', async () => {
  const batches: FrameBatch[] = [[Buffer.of(1)], ['text']]
  const { subscribe } = local({
    async *subscribe({ path, query }) {
      assert.deepEqual([path, query], ['/xrpc/x', 'cursor=1'])
      yield* batches
    },
  })
  const signal = new AbortController().signal
  for (const scheme of ['ws', 'http']) {
    const url = `${ORIGIN.replace('http', scheme)}/xrpc/x?cursor=1`
    const seen = await collect(subscribe(url, { signal }))
    assert.ok(seen.every((batch, i) => batch === batches[i]))
  }
})

test('a stream that is refused throws as over the network', async () => {
  const { subscribe } = local({ subscribe: () => ({ status: 400 }) })
  const none = local({})
  const signal = new AbortController().signal
  await assert.rejects(collect(subscribe(ORIGIN, { signal })), { code: 'Refused', status: 400 })
  await assert.rejects(collect(none.subscribe(ORIGIN, { signal })), {
    code: 'Refused',
    status: 404,
  })
})

test('other origins go to the network, and nowhere without one', async () => {
  await using rig = await serving({
    ...mirror,
    subscribe: async function* () {
      yield ['far']
    },
  })
  const { fetch, close } = guardedFetch({ allowPrivate: true })
  const open = local({}, { fetch, subscribe: networkSubscribe({ allowPrivate: true }) })
  const signal = new AbortController().signal
  assert.equal((await open.fetch(rig.url)).status, 202)
  assert.deepEqual(await collect(open.subscribe(rig.url, { signal })), [['far']])
  await close()
  const shut = local({})
  await assert.rejects(shut.fetch(rig.url), OutgoingError)
  assert.throws(() => shut.subscribe(rig.url, { signal }), OutgoingError)
})

test('an origin can be taken away, by who put it there', async () => {
  const { fetch, remove, add } = local(mirror)
  const second = add(ORIGIN, service({ handle: () => ({ status: 299 }) }))
  remove() // the first is no longer there: nothing happens
  assert.equal((await fetch(ORIGIN)).status, 299)
  second()
  await assert.rejects(fetch(ORIGIN), { code: 'Unreachable' })
})
