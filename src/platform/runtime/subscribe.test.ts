import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { OutgoingError } from './outgoing-error.ts'
import { gate } from './rig.fixture.ts'
import type { Frame } from './shapes.ts'
import { type NetworkSubscribeOptions, networkSubscribe } from './subscribe.ts'

const cleanups: (() => unknown)[] = []
after(() => {
  for (const cleanup of cleanups) cleanup()
})

/** A WebSocket server whose connections are served by `serve`. */
async function upstream(serve: (socket: WebSocket, headers: Record<string, unknown>) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise<void>((resolve) => server.once('listening', resolve))
  server.on('connection', (socket, request) => serve(socket, request.headers))
  cleanups.push(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function read(
  url: string,
  options: NetworkSubscribeOptions & { maxFrame?: number; signal?: AbortSignal } = {},
) {
  const { maxFrame, signal = new AbortController().signal, ...rest } = options
  const subscribe = networkSubscribe({ allowPrivate: true, ...rest })
  return subscribe(url, { signal, maxFrameBytes: maxFrame, headers: { 'x-from': 'test' } })
}

async function frames(batches: AsyncIterable<readonly Frame[]>): Promise<Frame[]> {
  const all: Frame[] = []
  for await (const batch of batches) all.push(...batch)
  return all
}

async function refusal(work: Promise<unknown>): Promise<OutgoingError> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  )
  assert.ok(error instanceof OutgoingError, String(error))
  return error
}

test('frames come in order, binary as bytes and text as strings, until the other side closes', async () => {
  const url = await upstream((socket, headers) => {
    for (let i = 0; i < 100; i++) socket.send(i % 2 ? Buffer.of(i) : `text ${i}`)
    socket.send(String(headers['x-from']))
    socket.close()
  })
  const all = await frames(read(url))
  assert.equal(all.length, 101)
  assert.equal(all[0], 'text 0')
  assert.deepEqual([...(all[99] as Uint8Array)], [99])
  assert.equal(all[100], 'test')
})

test('http URLs are taken for the streams of the same origin', async () => {
  const url = await upstream((socket) => socket.close())
  assert.deepEqual(await frames(read(url.replace('ws:', 'http:'))), [])
})

test('the end of the signal is the end of the stream', async () => {
  const stop = new AbortController()
  const gone = gate()
  const url = await upstream((socket) => {
    socket.send('one')
    socket.on('close', () => gone.open())
  })
  const seen: Frame[] = []
  for await (const batch of read(url, { signal: stop.signal })) {
    seen.push(...batch)
    stop.abort()
  }
  assert.deepEqual(seen, ['one'])
  await gone.promise
  assert.deepEqual(await frames(read(url, { signal: stop.signal })), [])
})

test('leaving the loop closes the connection', async () => {
  const gone = gate()
  const url = await upstream((socket) => {
    socket.send('one')
    socket.on('close', () => gone.open())
  })
  for await (const _ of read(url)) break
  await gone.promise
})

test('a slow consumer slows the sender, and loses nothing', async () => {
  const count = 2_000
  let sent = 0
  const url = await upstream(async (socket) => {
    for (; sent < count; sent++)
      await new Promise<void>((resolve) => socket.send(Buffer.alloc(10_000, sent), () => resolve()))
    socket.close()
  })
  let received = 0
  let first = true
  for await (const batch of read(url, { bufferBytes: 50_000 })) {
    if (first) {
      // While nothing is asked for, the sender gets no further than what sockets hold.
      let before = -1
      while (sent !== before) {
        before = sent
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      assert.ok(sent < count, 'the sender was never held back')
      first = false
    }
    for (const frame of batch) assert.equal((frame as Uint8Array)[0], received++ % 256)
  }
  assert.equal(received, count)
})

test('a frame over the limit ends the stream with an error', async () => {
  const url = await upstream((socket) => {
    socket.send(Buffer.alloc(1000))
    socket.send(Buffer.alloc(1001))
  })
  const seen: Frame[] = []
  const reading = (async () => {
    for await (const batch of read(url, { maxFrame: 1000 })) seen.push(...batch)
  })()
  assert.equal((await refusal(reading)).code, 'TooLarge')
  assert.equal(seen.length, 1)
})

test('a stream that cannot be opened says why', async () => {
  const server = createServer((_request, response) => response.writeHead(400).end('no'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => server.close())
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const refused = await refusal(frames(read(url)))
  assert.equal(refused.code, 'Refused')
  assert.equal(refused.status, 400)
  assert.equal((await refusal(frames(read('ws://127.0.0.1:1')))).code, 'Unreachable')
  assert.equal((await refusal(frames(read('ftp://example.com')))).code, 'UnsupportedUrl')
  assert.equal((await refusal(frames(read('ws://a:b@example.com')))).code, 'UnsupportedUrl')
})

test('private addresses are refused, by name and by number', async () => {
  for (const url of ['ws://127.0.0.1:1', 'ws://localhost:1', 'ws://[::1]:1'])
    assert.equal(
      (await refusal(frames(read(url, { allowPrivate: false })))).code,
      'ForbiddenAddress',
    )
})

test('a handshake that never comes is given up', async () => {
  const server = createServer()
  server.on('upgrade', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const error = await refusal(frames(read(url, { handshakeTimeoutMs: 50 })))
  assert.equal(error.code, 'Timeout')
})

test('a silent connection is asked for a sign of life, and given up without one', async () => {
  const silent = await upstream((socket) => {
    // Reads nothing: pings stay unanswered, as when the machine is gone.
    ;(socket as unknown as { _socket: { pause(): void } })._socket.pause()
  })
  assert.equal((await refusal(frames(read(silent, { pingMs: 30 })))).code, 'Timeout')
  const quiet = await upstream((socket) => setTimeout(() => socket.close(), 900))
  assert.deepEqual(await frames(read(quiet, { pingMs: 300 })), [])
})
