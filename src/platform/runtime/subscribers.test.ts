import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { WebSocket } from 'ws'
import { type Entry, memoryFiles, openLocalStreams } from '#platform/storage'
import type { ListenOptions } from './listen.ts'
import { collect, gate, serving } from './rig.fixture.ts'
import type { Frame, FrameBatch, HttpRequest, Service } from './shapes.ts'
import { networkSubscribe } from './subscribe.ts'
import { wireBatch } from './wire-frames.ts'

const read = (url: string, signal = new AbortController().signal) =>
  networkSubscribe({ allowPrivate: true })(url, { signal })

function streaming(
  subscribe: NonNullable<Service['subscribe']>,
  options: Partial<ListenOptions> & { tooSlowFrame?: Frame } = {},
) {
  return serving({ subscribe, tooSlowFrame: options.tooSlowFrame }, options)
}

/** Frames of 1 MB without end, until the reader is gone. */
async function* endless(signal: AbortSignal): AsyncGenerator<FrameBatch> {
  while (!signal.aborted) yield [Buffer.alloc(1_000_000)]
}

test('frames of any size arrive as they were, binary and text', async () => {
  const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000]
  await using rig = await streaming(async function* () {
    for (const size of sizes) yield [Buffer.alloc(size, 7), 'ق'.repeat(size / 2)]
  })
  const frames = (await collect(read(rig.url))).flat()
  assert.deepEqual(
    frames.map((frame) => frame.length),
    sizes.flatMap((size) => [size, Math.floor(size / 2)]),
  )
  assert.ok(frames.every((frame, i) => (typeof frame === 'string') === (i % 2 === 1)))
})

test('what is written is what a WebSocket reader reads', async () => {
  const batches: FrameBatch[] = []
  await using rig = await streaming(async function* () {
    yield* batches
  })
  const frame = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme' }))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(frame, { minLength: 1 })), async (made) => {
      batches.splice(0, batches.length, ...made)
      const seen = (await collect(read(rig.url))).flat()
      const plain = (one: Frame) => (typeof one === 'string' ? one : [...one])
      // Text is UTF-8 on the wire: what is no scalar value becomes U+FFFD.
      const sent = made.flat().map((one) => (typeof one === 'string' ? one.toWellFormed() : one))
      assert.deepEqual(seen.map(plain), sent.map(plain))
    }),
    { numRuns: 30 },
  )
})

test("frames that are one reader's alone arrive whole, and go back when the socket has taken them", async () => {
  const files = memoryFiles()
  const streams = await openLocalStreams('/streams', { files })
  const written = await streams.open('events')
  const payloads = Array.from({ length: 200 }, (_, n) => Buffer.alloc(60_000, n))
  for (const payload of payloads) {
    await written.append([{ key: 'did:x', kind: 1, make: () => payload }]).durable
  }
  await streams.close()
  const again = await openLocalStreams('/streams', { files: files })
  const stream = await again.open('events')
  const batches: FrameBatch[] = []
  await using rig = await streaming(async function* () {
    for await (const batch of stream.read({ after: 0 })) {
      const frames = batch.map(({ payload }) => payload)
      batches.push(frames)
      yield Object.assign(frames, { [Symbol.dispose]: () => batch[Symbol.dispose]!() })
    }
  })
  const seen = (await collect(read(rig.url))).flat() as Uint8Array[]
  assert.equal(Buffer.compare(Buffer.concat(seen), Buffer.concat(payloads)), 0)
  // The last two blocks are kept for whoever comes next.
  const freed = batches.filter((batch) => batch.every((frame) => frame.length === 0))
  assert.ok(freed.length >= batches.length - 3, `${freed.length} of ${batches.length}`)
  await again.close()
})

test('a batch is put into wire form once, however many read it', () => {
  const batch = [Buffer.alloc(10), 'text']
  assert.equal(wireBatch(batch), wireBatch(batch))
  assert.notEqual(wireBatch(batch), wireBatch([...batch]))
})

test('frames that a stream gives back are sent from where they lie, heads written between them', async () => {
  const files = memoryFiles()
  const lengths = [0, 1, 125, 126, 3000, 65_535, 65_536, 7]
  const payloads = lengths.map((length, fill) => Buffer.alloc(length, fill + 1))
  const write = await openLocalStreams('/streams', { files })
  const entries = payloads.map((payload) => ({ key: 'did:x', kind: 1, make: () => payload }))
  const written = await write.open('events')
  await written.append(entries.slice(0, 3)).durable
  await written.append(entries.slice(3)).durable
  await write.close()

  const streams = await openLocalStreams('/streams', { files })
  const read: Entry[] = []
  const stream = await streams.open('events')
  for await (const batch of stream.read({ after: 0 })) read.push(...batch)
  await streams.close()
  const frames = read.map(({ payload }) => payload)
  assert.deepEqual(frames, payloads)
  const copied = wireBatch(payloads)
  const wire = wireBatch(frames)
  assert.deepEqual(wire, copied)
  assert.equal(wire.buffer, frames[0]!.buffer)
  assert.deepEqual(frames, payloads)
  // With one left out they do not lie together any more.
  const [, ...rest] = frames
  assert.equal(wireBatch(rest).buffer, frames[0]!.buffer)
  const gap = frames.filter((_, index) => index !== 4)
  const wireOfGap = wireBatch(gap)
  assert.notEqual(wireOfGap.buffer, frames[0]!.buffer)
  assert.deepEqual(wireOfGap, wireBatch(payloads.filter((_, index) => index !== 4)))
})

test('the subscription sees the request, and a client that goes away ends it', async () => {
  const requests: HttpRequest[] = []
  const ended = gate()
  await using rig = await streaming(async function* (request) {
    requests.push(request)
    yield ['hello']
    await once(request.signal, 'abort')
    ended.open()
  })
  const socket = new WebSocket(`${rig.url.replace('http', 'ws')}/xrpc/x?cursor=5`)
  await once(socket, 'message')
  assert.equal(requests[0]!.path, '/xrpc/x')
  assert.equal(requests[0]!.query, 'cursor=5')
  assert.equal(requests[0]!.ip, '127.0.0.1')
  socket.terminate()
  await ended.promise
})

test('a refusal is answered as plain HTTP', async () => {
  await using rig = await streaming(() => ({
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: '{"error":"FutureCursor"}',
  }))
  const socket = new WebSocket(rig.url.replace('http', 'ws'))
  const [, response] = await once(socket, 'unexpected-response')
  assert.equal(response.statusCode, 400)
  assert.equal(Buffer.concat(await collect(response)).toString(), '{"error":"FutureCursor"}')
})

test('a service without streams answers an upgrade as the request it is', async () => {
  await using rig = await serving({ handle: () => ({ status: 426, body: 'no streams' }) })
  const socket = new WebSocket(rig.url.replace('http', 'ws'))
  const [, response] = await once(socket, 'unexpected-response')
  assert.equal(response.statusCode, 426)
})

test('a stream that ends closes normally, one that fails closes with 1011 and is logged', async () => {
  await using rig = await streaming(async function* ({ path }) {
    yield ['one']
    if (path === '/fails') throw new Error('broken chain')
  })
  const url = rig.url.replace('http', 'ws')
  const [ends] = await once(new WebSocket(url), 'close')
  assert.equal(ends, 1000)
  const [fails] = await once(new WebSocket(`${url}/fails`), 'close')
  assert.equal(fails, 1011)
  assert.match(rig.lines.join(''), /broken chain/)
})

test('messages of the client reach a service that reads them', async () => {
  await using rig = await streaming(async function* ({ body }) {
    for await (const message of body as AsyncIterable<Uint8Array>)
      yield [`seen ${Buffer.from(message)}`]
  })
  const socket = new WebSocket(rig.url.replace('http', 'ws'))
  await once(socket, 'open')
  socket.send('options')
  const [answer] = await once(socket, 'message')
  assert.equal(String(answer), 'seen options')
  socket.terminate()
})

test('messages nobody reads are dropped, and too large ones end the connection', async () => {
  await using rig = await streaming(async function* ({ signal }) {
    yield ['ready']
    await once(signal, 'abort')
  })
  const socket = new WebSocket(rig.url.replace('http', 'ws'))
  await once(socket, 'message')
  for (let i = 0; i < 500; i++) socket.send('spam')
  socket.send(Buffer.alloc(70_000))
  const [code] = await once(socket, 'close')
  assert.equal(code, 1009)
})

test('a slow reader holds back its own stream and nobody else', async () => {
  let pulled = 0
  await using rig = await streaming(async function* ({ path, signal }) {
    if (path === '/fast') return yield ['fast']
    for await (const batch of endless(signal)) {
      pulled++
      yield batch
    }
  })
  const slow = connect(rig.port, '127.0.0.1')
  slow.write(
    'GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n' +
      `sec-websocket-version: 13\r\nsec-websocket-key: ${'a'.repeat(22)}==\r\n\r\n`,
  )
  await once(slow, 'readable')
  slow.pause()
  let before = -1
  while (pulled !== before) {
    before = pulled
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.ok(pulled < 100, `${pulled} MB were pulled for a reader that reads nothing`)
  assert.deepEqual(await collect(read(`${rig.url}/fast`)), [['fast']])
  slow.destroy()
})

test('a reader that stalls is cut, is told so, and the stream is ended', async () => {
  const ended = gate()
  await using rig = await streaming(
    async function* ({ signal }) {
      try {
        yield* endless(signal)
      } finally {
        ended.open()
      }
    },
    {
      tooSlowFrame: 'too slow',
      limits: {
        subscribers: { maxSubscribers: 10, stallMs: 50, pingMs: 10_000, maxMessageBytes: 1000 },
      },
    },
  )
  const socket = new WebSocket(rig.url.replace('http', 'ws'))
  let last: unknown
  socket.on('message', (data) => (last = data))
  socket.once('message', () => socket.pause())
  await ended.promise
  assert.equal(rig.metrics.value('stream_subscribers_cut', 'slow'), 1)
  socket.resume()
  const [code] = await once(socket, 'close')
  assert.equal(code, 1008)
  assert.equal(String(last), 'too slow')
})

test('a reader that shows no sign of life is dropped', async () => {
  const ended = gate()
  await using rig = await streaming(
    async function* ({ signal }) {
      yield ['hello']
      await once(signal, 'abort')
      ended.open()
    },
    {
      limits: {
        subscribers: { maxSubscribers: 10, stallMs: 9_000, pingMs: 30, maxMessageBytes: 1000 },
      },
    },
  )
  const socket = new WebSocket(rig.url.replace('http', 'ws'), { autoPong: false })
  await ended.promise
  assert.equal(rig.metrics.value('stream_subscribers_cut', 'silent'), 1)
  socket.terminate()
})

test('there is room for so many subscribers, and no more', async () => {
  await using rig = await streaming(
    async function* ({ signal }) {
      yield ['hello']
      await once(signal, 'abort')
    },
    {
      limits: {
        subscribers: { maxSubscribers: 1, stallMs: 9_000, pingMs: 9_000, maxMessageBytes: 1000 },
      },
    },
  )
  const url = rig.url.replace('http', 'ws')
  const first = new WebSocket(url)
  await once(first, 'message')
  const [, response] = await once(new WebSocket(url), 'unexpected-response')
  assert.equal(response.statusCode, 503)
  first.terminate()
})

test('closing the listener says goodbye to subscribers', async () => {
  const rig = await streaming(async function* ({ signal }) {
    yield ['hello']
    await once(signal, 'abort')
  })
  const socket = new WebSocket(rig.url.replace('http', 'ws'))
  await once(socket, 'message')
  const closed = once(socket, 'close')
  await rig.listening.close()
  const [code] = await closed
  assert.equal(code, 1001)
})

test('local mode refuses upgrades under a foreign name too', async () => {
  await using rig = await serving({ subscribe: () => ({ status: 404 }) }, { loopbackOnly: true })
  const socket = new WebSocket(rig.url.replace('http', 'ws'), { headers: { host: 'evil.com' } })
  const [, response] = await once(socket, 'unexpected-response')
  assert.equal(response.statusCode, 421)
})
