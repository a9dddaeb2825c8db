import assert from 'node:assert/strict'
import { ReadableStream } from 'node:stream/web'
import { test } from 'node:test'
import {
  ComAtprotoRepoCreateRecord,
  ComAtprotoRepoListRecords,
  ComAtprotoRepoUploadBlob,
  ComAtprotoServerDeleteSession,
  ComAtprotoSyncGetRepo,
  ComAtprotoSyncSubscribeRepos,
} from '@atcute/atproto'
import {
  createRouter,
  type Fetch,
  noAuth,
  procedure,
  query,
  subscriptionUrl,
  type XrpcClientOptions,
  XrpcError,
  xrpcClient,
  xrpcUrl,
} from './index.ts'
import { collect, streamOf } from './requests.fixture.ts'

const service = 'https://pds.test'
const listSchema = ComAtprotoRepoListRecords.mainSchema
const listParams = { repo: 'did:plc:abc', collection: 'a.b.c' } as const

const router = createRouter([
  query(listSchema, {
    auth: noAuth,
    handle({ params, request }) {
      if (params.repo === 'gone.test') throw new XrpcError(400, 'RepoNotFound', 'no such repo')
      return { records: [], cursor: `${params.limit} ${request.headers.authorization}` }
    },
  }),
  procedure(ComAtprotoRepoCreateRecord.mainSchema, {
    auth: noAuth,
    handle: ({ input }) => ({
      uri: `at://did:plc:abc/${input.collection}/x`,
      cid: 'bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq',
    }),
  }),
  procedure(ComAtprotoRepoUploadBlob.mainSchema, {
    auth: noAuth,
    async handle({ input }) {
      const size = (await collect(input.body)).reduce((sum, chunk) => sum + chunk.length, 0)
      const ref = { $link: 'bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq' }
      return { blob: { $type: 'blob', mimeType: input.encoding, size, ref } }
    },
  }),
  procedure(ComAtprotoServerDeleteSession.mainSchema, { auth: noAuth, handle: () => {} }),
  query(ComAtprotoSyncGetRepo.mainSchema, {
    auth: noAuth,
    handle: () => ({
      encoding: 'application/vnd.ipld.car',
      body: streamOf(new Uint8Array(600), new Uint8Array(600)),
    }),
  }),
])

/** A network of one router: what a transport in the same process does. */
const routed: Fetch = async (url, init) => {
  const { pathname, search } = new URL(url)
  const asked = new Request(url, init)
  const answer = await router.handle({
    method: asked.method,
    path: pathname,
    query: search.slice(1),
    headers: Object.fromEntries(asked.headers),
    body: asked.body === null ? undefined : new Uint8Array(await asked.arrayBuffer()),
    ip: '::1',
    id: 'r1',
    signal: asked.signal,
  })
  const { body } = answer
  const isStream = typeof body === 'object' && Symbol.asyncIterator in body
  return new Response(isStream ? readable(body) : (body as BodyInit | undefined), answer)
}

function readable(chunks: AsyncIterable<Uint8Array>): BodyInit {
  return ReadableStream.from(chunks) as unknown as BodyInit
}

/** A client whose network gives this answer to everything. */
function answering(
  body: BodyInit | null,
  init?: ResponseInit,
  options?: Partial<XrpcClientOptions>,
) {
  return xrpcClient({ service, fetch: async () => new Response(body, init), ...options })
}

async function verdict(run: Promise<unknown>): Promise<string> {
  try {
    await run
    return 'ok'
  } catch (thrown) {
    assert.ok(thrown instanceof XrpcError, String(thrown))
    return `${thrown.status} ${thrown.error}: ${thrown.message}`
  }
}

const client = xrpcClient({ service, fetch: routed, headers: { authorization: 'Bearer x' } })

test('queries and procedures go there and back', async () => {
  const list = await client.get(listSchema, { ...listParams, limit: 7 })
  assert.deepEqual(list, { records: [], cursor: '7 Bearer x' })
  const record = { $type: 'a.b.c', text: 'ساقية' }
  const created = await client.post(ComAtprotoRepoCreateRecord.mainSchema, {
    ...listParams,
    record,
  })
  assert.equal(created.uri, 'at://did:plc:abc/a.b.c/x')
  const nothing = await client.post(ComAtprotoServerDeleteSession.mainSchema, undefined)
  assert.equal(nothing, undefined)
})

test('binary bodies are sent from memory and from streams', async () => {
  const encoding = 'image/png'
  const blobStream = new Blob([new Uint8Array(9)]).stream()
  for (const body of [
    new Uint8Array(9),
    blobStream,
    streamOf(new Uint8Array(4), new Uint8Array(5)),
  ]) {
    const { blob } = await client.post(ComAtprotoRepoUploadBlob.mainSchema, { encoding, body })
    assert.deepEqual([blob.size, blob.mimeType], [9, encoding])
  }
})

test('binary answers are read whole or in pieces, within a limit', async () => {
  const schema = ComAtprotoSyncGetRepo.mainSchema
  const params = { did: 'did:plc:abc' } as const
  assert.equal((await client.getBytes(schema, params)).length, 1200)
  const answer = await client.getStream(schema, params)
  assert.equal(answer.encoding, 'application/vnd.ipld.car')
  const chunks = await collect(answer.body)
  assert.equal(
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    1200,
  )
  const small = client.getBytes(schema, params, { maxBytes: 1000 })
  assert.match(await verdict(small), /^502 InvalidResponse: .*larger than 1000/)
  const stream = await client.getStream(schema, params, { maxBytes: 1000 })
  assert.match(await verdict(collect(stream.body)), /^502 InvalidResponse/)
})

test('the upstream’s error comes with its own status, name and message', async () => {
  const gone = client.get(listSchema, { ...listParams, repo: 'gone.test' })
  assert.equal(await verdict(gone), '400 RepoNotFound: no such repo')
})

test('errors that are not XRPC get a name by their status', async () => {
  const cases: [body: string | null, status: number, expected: string][] = [
    ['<html>', 502, '502 UpstreamFailure: UpstreamFailure'],
    [null, 404, '404 NotFound: NotFound'],
    ['null', 500, '500 InternalServerError: InternalServerError'],
    ['{"error":1,"message":{}}', 400, '400 InvalidRequest: InvalidRequest'],
    ['{"message":"only words"}', 429, '429 RateLimitExceeded: only words'],
    [null, 304, '502 UpstreamFailure: UpstreamFailure'],
    ['x'.repeat(100_000), 400, '400 InvalidRequest: InvalidRequest'],
  ]
  for (const [body, status, expected] of cases) {
    assert.equal(await verdict(answering(body, { status }).get(listSchema, listParams)), expected)
  }
})

test('an endless error name or message is cut', async () => {
  const body = JSON.stringify({ error: 'E'.repeat(5000), message: 'm'.repeat(5000) })
  const text = await verdict(answering(body, { status: 400 }).get(listSchema, listParams))
  assert.ok(text.length < 1200)
})

test('headers that tell when and how to try again are kept', async () => {
  const headers = { 'retry-after': '9', 'set-cookie': 'a=b' }
  await assert.rejects(
    answering('{}', { status: 429, headers }).get(listSchema, listParams),
    (thrown) => {
      assert.deepEqual((thrown as XrpcError).headers, { 'retry-after': '9' })
      return true
    },
  )
})

test('an answer that is no JSON, too large, or not of its schema is the upstream’s fault', async () => {
  const ask = (body: string, options?: { validate?: boolean; maxBytes?: number }) =>
    answering(body).get(listSchema, listParams, options)
  assert.match(await verdict(ask('<html>')), /^502 InvalidResponse: .*pds\.test: .*not JSON/)
  assert.match(await verdict(ask('{"records":1}')), /^502 InvalidResponse: .*records/)
  assert.match(await verdict(ask('')), /^502 InvalidResponse/)
  const large = JSON.stringify({ records: [], cursor: 'x'.repeat(1000) })
  assert.match(await verdict(ask(large, { maxBytes: 1000 })), /^502 InvalidResponse: .*larger/)
  assert.equal(await verdict(ask('{"records":1}', { validate: false })), 'ok')
})

test('a service that cannot be reached is 502, one that takes too long 504, both by host', async () => {
  const failing = (error: Error) =>
    xrpcClient({ service, fetch: () => Promise.reject(error) }).get(listSchema, listParams)
  const refused = await verdict(failing(new TypeError('fetch failed')))
  assert.equal(refused, '502 UpstreamFailure: pds.test could not be reached')
  const late = await verdict(failing(new DOMException('late', 'TimeoutError')))
  assert.equal(late, '504 UpstreamTimeout: pds.test did not answer in time')
})

test('an answer that breaks off in the middle is 502', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode('{"records":')
    throw new Error('reset')
  }
  const body = readable(broken())
  assert.match(await verdict(answering(body).get(listSchema, listParams)), /^502 UpstreamFailure/)
})

test('every call has the signal it is given, else the one the client makes', async () => {
  const seen: (AbortSignal | null | undefined)[] = []
  const made = new AbortController().signal
  const given = new AbortController().signal
  const fetch: Fetch = async (_, init) => {
    seen.push(init?.signal)
    return new Response('{"records":[]}')
  }
  const patient = xrpcClient({ service, fetch, signal: () => made })
  await patient.get(listSchema, listParams)
  await patient.get(listSchema, listParams, { signal: given })
  assert.deepEqual(seen, [made, given])
})

test('headers may change from call to call, and a call’s own win', async () => {
  let count = 0
  const changing = xrpcClient({
    service,
    fetch: routed,
    headers: () => ({ authorization: `Bearer ${++count}` }),
  })
  const cursor = async (headers?: Record<string, string>) =>
    (await changing.get(listSchema, listParams, { headers })).cursor
  assert.equal(await cursor(), '50 Bearer 1')
  assert.equal(await cursor(), '50 Bearer 2')
  assert.equal(await cursor({ authorization: 'Bearer mine' }), '50 Bearer mine')
})

test('a reader that stops early lets go of the connection', async () => {
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: () => void (cancelled = true),
  })
  const answer = await answering(body as unknown as BodyInit).getStream(
    ComAtprotoSyncGetRepo.mainSchema,
    {
      did: 'did:plc:abc',
    },
  )
  for await (const _ of answer.body) break
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(cancelled, true)
})

test('addresses are made with their parameters', () => {
  const params = { actors: ['a.b', 'c.d'], limit: 5, q: 'x & y', none: undefined }
  assert.equal(
    xrpcUrl('http://localhost:1/', 'a.b.c', params),
    'http://localhost:1/xrpc/a.b.c?actors=a.b&actors=c.d&limit=5&q=x%20%26%20y',
  )
  const schema = ComAtprotoSyncSubscribeRepos.mainSchema
  const path = '/xrpc/com.atproto.sync.subscribeRepos'
  assert.equal(subscriptionUrl('http://localhost:1', schema, {}), `ws://localhost:1${path}`)
  assert.equal(
    subscriptionUrl('https://a.test', schema, { cursor: 0 }),
    `wss://a.test${path}?cursor=0`,
  )
})
