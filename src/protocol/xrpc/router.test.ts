import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ComAtprotoRepoCreateRecord,
  ComAtprotoRepoListRecords,
  ComAtprotoRepoUploadBlob,
  ComAtprotoServerDeleteSession,
  ComAtprotoSyncGetRepo,
  ComAtprotoSyncSubscribeRepos,
} from '@atcute/atproto'
import fc from 'fast-check'
import { compileLexicons } from '#protocol/lexicon'
import { ProtocolError } from '#protocol/syntax'
import {
  createRouter,
  decodeFrame,
  encodeFrame,
  type FrameBatch,
  type HttpRequest,
  jsonOutput,
  noAuth,
  procedure,
  query,
  type RouterOptions,
  subscription,
  XrpcError,
} from './index.ts'
import { collect, get, post, streamOf, textOf, verdictOf } from './requests.fixture.ts'

const listPath = '/xrpc/com.atproto.repo.listRecords'
const listQuery = 'repo=did%3Aplc%3Aabc&collection=a.b.c'
const createPath = '/xrpc/com.atproto.repo.createRecord'
const uploadPath = '/xrpc/com.atproto.repo.uploadBlob'
const signOutPath = '/xrpc/com.atproto.server.deleteSession'
const input = { repo: 'did:plc:abc', collection: 'a.b.c', record: { $type: 'a.b.c' } }

/** What was thrown where, by the `repo` parameter of listRecords. */
const failures: Record<string, unknown> = {
  'protocol.test': new ProtocolError('InvalidTree', 'bad node'),
  'limited.test': new XrpcError(429, 'RateLimitExceeded', 'slow down', {
    headers: { 'retry-after': '3' },
  }),
  'upstream.test': new XrpcError(502, 'UpstreamFailure', 'host.test could not be reached'),
  'broken.test': new TypeError('secret detail'),
}

function makeRouter(options: RouterOptions = {}) {
  const list = query(ComAtprotoRepoListRecords.mainSchema, {
    auth: noAuth,
    handle({ params }) {
      if (failures[params.repo] !== undefined) throw failures[params.repo]
      if (params.repo === 'misfit.test') return { records: [{ uri: 1 }] } as never
      return { records: [], cursor: JSON.stringify(params) }
    },
  })
  const create = procedure(ComAtprotoRepoCreateRecord.mainSchema, {
    auth: async ({ headers }) => {
      if (headers.authorization === undefined) throw new XrpcError(401, 'AuthMissing')
      return { did: 'did:plc:abc' as const }
    },
    limits: { bodyBytes: 1000 },
    async handle({ input, caller }) {
      return { uri: `at://${caller.did}/${input.collection}/${input.rkey ?? 'x'}`, cid: 'bafy' }
    },
  })
  const upload = procedure(ComAtprotoRepoUploadBlob.mainSchema, {
    auth: noAuth,
    limits: { bodyBytes: 1000 },
    async handle({ input }) {
      let size = 0
      for await (const chunk of input.body) size += chunk.length
      return { blob: { $type: 'blob', mimeType: input.encoding, size, ref: { $link: 'bafy' } } }
    },
  })
  const signOut = procedure(ComAtprotoServerDeleteSession.mainSchema, {
    auth: noAuth,
    async handle() {},
  })
  return createRouter([list, create, upload, signOut, exportRepo, repos], options)
}

const exportRepo = query(ComAtprotoSyncGetRepo.mainSchema, {
  auth: noAuth,
  handle: () => ({
    encoding: 'application/vnd.ipld.car',
    body: streamOf(new Uint8Array([1]), new Uint8Array([2, 3])),
    headers: { 'content-disposition': 'attachment' },
  }),
})

const repos = subscription(ComAtprotoSyncSubscribeRepos.mainSchema, {
  auth: ({ headers }) => {
    if (headers.authorization === 'no') throw new XrpcError(401, 'AuthMissing', 'sign in')
  },
  async *handle({ params }) {
    yield [encodeFrame('#info', { name: 'OutdatedCursor' })]
    if (params.cursor === 7) throw new XrpcError(400, 'FutureCursor', 'too far')
    if (params.cursor === 8) throw new TypeError('secret detail')
  },
})

const router = makeRouter()
const auth = { authorization: 'Bearer x' }

test('a query gets its parameters typed and its defaults', async () => {
  const answer = await router.handle(get(listPath, `${listQuery}&reverse=true`))
  assert.equal(answer.status, 200)
  assert.equal(answer.headers?.['content-type'], 'application/json; charset=utf-8')
  assert.deepEqual(JSON.parse(JSON.parse(textOf(answer)).cursor), {
    repo: 'did:plc:abc',
    collection: 'a.b.c',
    reverse: true,
    limit: 50,
  })
})

test('a procedure gets its input and its caller', async () => {
  const answer = await router.handle(post(createPath, input, auth))
  assert.equal(answer.status, 200)
  assert.deepEqual(JSON.parse(textOf(answer)), { uri: 'at://did:plc:abc/a.b.c/x', cid: 'bafy' })
})

test('a body that comes in pieces, of any declared size or none, is read the same', async () => {
  const whole = new TextEncoder().encode(JSON.stringify(input))
  const pieces = () => streamOf(whole.subarray(0, 5), new Uint8Array(), whole.subarray(5))
  const chunked = { 'content-length': undefined, 'transfer-encoding': 'chunked' }
  for (const headers of [{}, chunked]) {
    const request = { ...post(createPath, input, { ...auth, ...headers }), body: pieces() }
    assert.equal((await router.handle(request)).status, 200)
  }
})

test('each fault of the caller has its status and its name', async () => {
  const json = (body: unknown, headers = {}) => post(createPath, body, { ...auth, ...headers })
  const big = { ...input, record: { $type: 'a.b.c', pad: 'x'.repeat(2000) } }
  const bytes = (size: number, headers = {}) =>
    post(uploadPath, new Uint8Array(size), { 'content-type': 'image/png', ...headers })
  const cases: [name: string, request: HttpRequest, expected: string][] = [
    ['unknown method', get('/xrpc/a.b.unknown'), '501 MethodNotImplemented'],
    ['no NSID', get('/xrpc/'), '400 InvalidRequest'],
    ['no NSID either', get('/xrpc/..%2F..'), '400 InvalidRequest'],
    ['another path', get('/elsewhere'), '404 NotFound'],
    ['a health check nobody answers', get('/xrpc/_health'), '400 InvalidRequest'],
    ['a subscription by GET', get('/xrpc/com.atproto.sync.subscribeRepos'), '426 UpgradeRequired'],
    ['POST to a query', post(listPath, {}), '400 InvalidRequest'],
    ['GET of a procedure', get(createPath), '400 InvalidRequest'],
    ['PUT to a procedure', { ...json(input), method: 'PUT' }, '400 InvalidRequest'],
    ['a missing parameter', get(listPath, 'repo=did:plc:abc'), '400 InvalidRequest'],
    ['a parameter out of range', get(listPath, `${listQuery}&limit=1000`), '400 InvalidRequest'],
    [
      'a body with a query',
      { ...get(listPath, listQuery), body: new Uint8Array(1) },
      '400 InvalidRequest',
    ],
    ['no authorization', post(createPath, input), '401 AuthMissing'],
    ['no body', { ...json(input), body: undefined }, '400 InvalidRequest'],
    ['an empty body', json(''), '400 InvalidRequest'],
    [
      'an empty chunked body',
      { ...json('', { 'content-length': undefined }), body: streamOf() },
      '400 InvalidRequest',
    ],
    ['no content type', json(input, { 'content-type': undefined }), '400 InvalidRequest'],
    ['another content type', json(input, { 'content-type': 'text/plain' }), '400 InvalidRequest'],
    [
      'an encoding nobody knows',
      json(input, { 'content-encoding': 'zip' }),
      '415 UnsupportedMediaType',
    ],
    ['not JSON', json('{"repo":'), '400 InvalidRequest'],
    ['not UTF-8', json(new Uint8Array([0x22, 0xff, 0x22])), '400 InvalidRequest'],
    ['JSON that does not fit', json({ ...input, collection: 'x' }), '400 InvalidRequest'],
    ['JSON that is no object', json('null'), '400 InvalidRequest'],
    ['too large by its own word', json(input, { 'content-length': '1001' }), '413 PayloadTooLarge'],
    ['too large in fact', json(big, { 'content-length': undefined }), '413 PayloadTooLarge'],
    ['a length that is no number', json(input, { 'content-length': '1e3' }), '400 InvalidRequest'],
    ['a blob too large', bytes(1001), '413 PayloadTooLarge'],
    [
      'a blob too large in fact',
      bytes(1001, { 'content-length': undefined }),
      '413 PayloadTooLarge',
    ],
    ['a blob without a type', bytes(1, { 'content-type': undefined }), '400 InvalidRequest'],
    ['a blob that is not there', { ...bytes(1), body: undefined }, '400 InvalidRequest'],
    ['a body where none belongs', post(signOutPath, {}), '400 InvalidRequest'],
  ]
  for (const [name, request, expected] of cases) {
    assert.equal(verdictOf(await router.handle(request)), expected, name)
  }
})

test('a charset beside application/json is no other type', async () => {
  const headers = { ...auth, 'content-type': 'Application/JSON; charset=utf-8' }
  assert.equal((await router.handle(post(createPath, input, headers))).status, 200)
})

test('a binary body is handed over as a stream with its type', async () => {
  const headers = { 'content-type': 'image/png; q=1' }
  const answer = await router.handle(post(uploadPath, new Uint8Array(1000), headers))
  const { blob } = JSON.parse(textOf(answer))
  assert.equal(blob.size, 1000)
  assert.equal(blob.mimeType, 'image/png')
})

test('a method without input and output answers an empty 200', async () => {
  const request = { ...post(signOutPath, undefined), headers: {} }
  const empty = { ...request, body: streamOf(), headers: { 'transfer-encoding': 'chunked' } }
  for (const each of [request, empty]) {
    const answer = await router.handle(each)
    assert.equal(answer.status, 200)
    assert.equal(answer.body, undefined)
  }
  const full = { ...empty, body: streamOf(new Uint8Array(1)) }
  assert.equal(verdictOf(await router.handle(full)), '400 InvalidRequest')
})

test('a raw answer keeps its type, its headers and its stream', async () => {
  const answer = await router.handle(get('/xrpc/com.atproto.sync.getRepo', 'did=did:plc:abc'))
  assert.equal(answer.headers?.['content-type'], 'application/vnd.ipld.car')
  assert.equal(answer.headers?.['content-disposition'], 'attachment')
  const chunks = await collect(answer.body as AsyncIterable<Uint8Array>)
  assert.deepEqual(chunks, [new Uint8Array([1]), new Uint8Array([2, 3])])
})

test('what somebody asked for with a token is for them alone, unless its method says otherwise', async () => {
  const own = query(ComAtprotoRepoListRecords.mainSchema, {
    auth: noAuth,
    handle: ({ params }) => {
      if (params.repo === 'broken.test') throw new XrpcError(400, 'InvalidRequest')
      return jsonOutput({ records: [] }, params.reverse ? { 'cache-control': 'public' } : {})
    },
  })
  const ask = async (search: string, headers = {}) => {
    const answer = await createRouter([own]).handle(get(listPath, search, headers))
    return [answer.headers?.['cache-control'], answer.headers?.vary]
  }
  const token = { authorization: 'Bearer t' }
  assert.deepEqual(await ask(listQuery), [undefined, undefined])
  assert.deepEqual(await ask(listQuery, token), ['private', 'authorization'])
  assert.deepEqual(await ask('repo=broken.test&collection=a.b.c', token), [
    'private',
    'authorization',
  ])
  assert.deepEqual(await ask(`${listQuery}&reverse=true`, token), ['public', 'authorization'])
})

test('HEAD is GET without the body, and lets go of a stream', async () => {
  const request = { ...get('/xrpc/com.atproto.sync.getRepo', 'did=did:plc:abc'), method: 'HEAD' }
  const answer = await router.handle(request)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers?.['content-type'], 'application/vnd.ipld.car')
  assert.equal(answer.body, undefined)
})

test('JSON with headers of its own is not encoded twice', async () => {
  const list = query(ComAtprotoRepoListRecords.mainSchema, {
    auth: noAuth,
    handle: () => jsonOutput({ records: [] }, { 'atproto-repo-rev': '3k' }),
  })
  const answer = await createRouter([list]).handle(get(listPath, listQuery))
  assert.equal(textOf(answer), '{"records":[]}')
  assert.equal(answer.headers?.['atproto-repo-rev'], '3k')
})

test('errors are mapped by whose fault they are, and only ours are reported and hidden', async () => {
  const reported: string[] = []
  const answered: string[] = []
  const watched = makeRouter({
    onFailure: ({ nsid, requestId, error }) => {
      const cause = error.cause instanceof Error ? error.cause.message : '-'
      reported.push(`${nsid} ${requestId} ${error.status} ${cause}`)
    },
    onAnswer: (nsid, status) => answered.push(`${nsid} ${status}`),
  })
  const ask = (repo: string) => watched.handle(get(listPath, `repo=${repo}&collection=a.b.c`))
  assert.equal(verdictOf(await ask('protocol.test')), '400 InvalidTree')
  const limited = await ask('limited.test')
  assert.equal(verdictOf(limited), '429 RateLimitExceeded')
  assert.equal(limited.headers?.['retry-after'], '3')
  assert.deepEqual(reported, [])
  const upstream = await ask('upstream.test')
  assert.equal(verdictOf(upstream), '502 UpstreamFailure')
  assert.match(textOf(upstream), /host\.test/)
  const broken = await ask('broken.test')
  assert.equal(verdictOf(broken), '500 InternalServerError')
  assert.doesNotMatch(textOf(broken), /secret/)
  assert.deepEqual(reported, [
    'com.atproto.repo.listRecords r1 502 -',
    'com.atproto.repo.listRecords r1 500 secret detail',
  ])
  assert.deepEqual(
    answered.map((line) => line.split(' ')[1]),
    ['400', '429', '502', '500'],
  )
})

test('answers are counted by method, made-up names all together', async () => {
  const counted: string[] = []
  const onAnswer = (nsid: string, status: number) => void counted.push(`${nsid} ${status}`)
  const fallback = async () => ({ status: 299 })
  const counting = makeRouter({ onAnswer, fallback })
  await counting.handle(get(listPath, listQuery))
  await counting.handle(get(listPath))
  await counting.handle(get('/xrpc/made.up.name'))
  await counting.handle(get('/xrpc/!'))
  assert.deepEqual(counted, [
    'com.atproto.repo.listRecords 200',
    'com.atproto.repo.listRecords 400',
    'other 299',
    'other 400',
  ])
})

test('outputs are checked against their lexicon where that is asked for', async () => {
  const misfit = get(listPath, 'repo=misfit.test&collection=a.b.c')
  assert.equal((await router.handle(misfit)).status, 200)
  const strict = makeRouter({ validateOutput: true })
  assert.equal(verdictOf(await strict.handle(misfit)), '500 InternalServerError')
  assert.equal((await strict.handle(get(listPath, listQuery))).status, 200)
})

test('unknown methods go to the fallback, known ones only by a proxy header', async () => {
  const seen: string[] = []
  const fallback = async (_: HttpRequest, nsid: string) => {
    seen.push(nsid)
    return { status: 299 }
  }
  const proxied = get(listPath, listQuery, { 'atproto-proxy': 'did:web:x#y' })
  const plain = makeRouter({ fallback })
  assert.equal((await plain.handle(get('/xrpc/a.b.unknown'))).status, 299)
  assert.equal((await plain.handle(proxied)).status, 200)
  assert.equal(verdictOf(await plain.handle(get('/xrpc/not_an_nsid'))), '400 InvalidRequest')
  const intercepting = makeRouter({
    fallback,
    interceptProxy: (_nsid, header) => header === 'did:web:x#y',
  })
  assert.equal((await intercepting.handle(proxied)).status, 299)
  assert.equal((await intercepting.handle(get(listPath, listQuery))).status, 200)
  assert.deepEqual(seen, ['a.b.unknown', 'com.atproto.repo.listRecords'])
})

test('a fallback that throws is answered as an error too', async () => {
  const fallback = async () => {
    throw new XrpcError(502, 'UpstreamFailure', 'gone')
  }
  const answer = await makeRouter({ fallback }).handle(get('/xrpc/a.b.unknown'))
  assert.equal(verdictOf(answer), '502 UpstreamFailure')
})

test('health answers what the service says, and 503 when it cannot', async () => {
  const well = makeRouter({ health: () => ({ version: '1' }) })
  assert.equal(textOf(await well.handle(get('/xrpc/_health'))), '{"version":"1"}')
  const ill = makeRouter({ health: () => Promise.reject(new Error('disk')) })
  assert.equal(verdictOf(await ill.handle(get('/xrpc/_health'))), '503 NotEnoughResources')
})

test('any page may call: preflights are answered, every answer is open', async () => {
  const wish = { 'access-control-request-headers': 'authorization,atproto-proxy' }
  const preflight = await router.handle({ ...get(listPath, '', wish), method: 'OPTIONS' })
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers?.['access-control-allow-headers'], 'authorization,atproto-proxy')
  const bad = { 'access-control-request-headers': 'x\r\nset-cookie: a' }
  const odd = await router.handle({ ...get(listPath, '', bad), method: 'OPTIONS' })
  assert.equal(odd.headers?.['access-control-allow-headers'], '*, authorization')
  for (const request of [get(listPath, listQuery), get(listPath), get('/xrpc/a.b.c')]) {
    const answer = await router.handle(request)
    assert.equal(answer.headers?.['access-control-allow-origin'], '*')
  }
})

test('a trailing slash names the same method', async () => {
  assert.equal((await router.handle(get(`${listPath}/`, listQuery))).status, 200)
})

async function frames(query: string, headers = {}): Promise<unknown[]> {
  const path = '/xrpc/com.atproto.sync.subscribeRepos'
  const opened = router.subscribe(get(path, query, headers)) as AsyncIterable<FrameBatch>
  const batches = await collect(opened)
  return batches.flat().map((frame) => decodeFrame(frame as Uint8Array))
}

test('a subscription yields batches, and what it throws becomes an error frame and the end', async () => {
  const info = { type: '#info', body: { name: 'OutdatedCursor' } }
  assert.deepEqual(await frames(''), [info])
  assert.deepEqual(await frames('cursor=7'), [info, { error: 'FutureCursor', message: 'too far' }])
  const hidden = { error: 'InternalServerError', message: 'Internal Server Error' }
  assert.deepEqual(await frames('cursor=8'), [info, hidden])
})

test('bad parameters and bad sign-in of a subscription are error frames', async () => {
  const [bad] = (await frames('cursor=x')) as [{ error: string }]
  assert.equal(bad.error, 'InvalidRequest')
  const refused = await frames('', { authorization: 'no' })
  assert.deepEqual(refused, [{ error: 'AuthMissing', message: 'sign in' }])
})

test('a subscription nobody declared is refused before it opens', () => {
  for (const path of [listPath, '/xrpc/a.b.c', '/other']) {
    const refused = router.subscribe(get(path))
    assert.ok('status' in refused)
    assert.equal(verdictOf(refused), '501 MethodNotImplemented')
  }
})

test('a subscriber that leaves ends the generator, and its errors then are nobody’s', async () => {
  let ended = false
  const controller = new AbortController()
  const endless = subscription(ComAtprotoSyncSubscribeRepos.mainSchema, {
    auth: noAuth,
    async *handle({ request }) {
      try {
        for (;;) {
          yield ['frame']
          if (request.signal.aborted) throw new Error('aborted')
        }
      } finally {
        ended = true
      }
    },
  })
  const path = '/xrpc/com.atproto.sync.subscribeRepos'
  const open = () =>
    createRouter([endless]).subscribe({
      ...get(path),
      signal: controller.signal,
    }) as AsyncIterable<FrameBatch>
  for await (const _ of open()) break
  assert.equal(ended, true)
  const left: FrameBatch[] = []
  for await (const batch of open()) {
    left.push(batch)
    controller.abort()
  }
  assert.deepEqual(left, [['frame']])
})

test('without limits of its own a method takes 1 MiB of JSON and 5 MiB of bytes', async () => {
  const create = procedure(ComAtprotoRepoCreateRecord.mainSchema, {
    auth: noAuth,
    handle: () => ({ uri: 'at://did:plc:abc/a.b.c/x', cid: 'bafy' }),
  })
  const upload = procedure(ComAtprotoRepoUploadBlob.mainSchema, {
    auth: noAuth,
    async handle({ input }) {
      let size = 0
      for await (const chunk of input.body) size += chunk.length
      return { blob: { $type: 'blob', mimeType: 'a/b', size, ref: { $link: 'bafy' } } }
    },
  })
  const plain = createRouter([create, upload])
  const json = (bytes: number) => {
    const empty = JSON.stringify({ ...input, record: { pad: '' } })
    const pad = 'x'.repeat(bytes - empty.length)
    return post(createPath, { ...input, record: { pad } })
  }
  const blob = (bytes: number) => {
    const chunks = streamOf(new Uint8Array(bytes - 1), new Uint8Array(1))
    const headers = { 'content-type': 'a/b', 'transfer-encoding': 'chunked' }
    return { ...post(uploadPath, undefined, headers), body: chunks }
  }
  assert.equal((await plain.handle(json(1_048_576))).status, 200)
  assert.equal(verdictOf(await plain.handle(json(1_048_577))), '413 PayloadTooLarge')
  assert.equal((await plain.handle(blob(5_242_880))).status, 200)
  assert.equal(verdictOf(await plain.handle(blob(5_242_881))), '413 PayloadTooLarge')
})

test('a method declared twice is a mistake of ours', () => {
  assert.throws(() => createRouter([repos, repos]), /declared twice/)
  assert.throws(() => createRouter([exportRepo, exportRepo]), /declared twice/)
  assert.deepEqual(createRouter([repos, exportRepo]).nsids, [
    'com.atproto.sync.getRepo',
    'com.atproto.sync.subscribeRepos',
  ])
})

test('methods of lexicons compiled at run time are kept the same way', async () => {
  const parameters = {
    type: 'params',
    required: ['tags'],
    properties: {
      tags: { type: 'array', items: { type: 'integer' }, maxLength: 2 },
      full: { type: 'boolean', default: false },
    },
  }
  const schema = { type: 'object', required: ['sum'], properties: { sum: { type: 'integer' } } }
  const output = { encoding: 'application/json', schema }
  const sumUp = { type: 'query', parameters, output }
  const store = { type: 'procedure', input: output }
  const lexicons = compileLexicons([
    { lexicon: 1, id: 'app.falaj.sum', defs: { main: sumUp } },
    { lexicon: 1, id: 'app.falaj.store', defs: { main: store } },
  ])
  const own = createRouter(
    [
      query(lexicons.query<{ tags: number[]; full: boolean }, { sum: number }>('app.falaj.sum'), {
        auth: noAuth,
        handle: ({ params }) => ({
          sum: params.full ? ('x' as never) : params.tags.reduce((a, b) => a + b, 0),
        }),
      }),
      procedure(lexicons.procedure<object, { sum: number }, undefined>('app.falaj.store'), {
        auth: noAuth,
        handle: ({ input }) => assert.equal(input.sum, 3),
      }),
    ],
    { validateOutput: true },
  )
  const ask = (query: string) => own.handle(get('/xrpc/app.falaj.sum', query))
  assert.equal(textOf(await ask('tags=1&tags=2')), '{"sum":3}')
  assert.equal(verdictOf(await ask('')), '400 InvalidRequest')
  assert.equal(verdictOf(await ask('tags=a')), '400 InvalidRequest')
  assert.equal(verdictOf(await ask('tags=1&tags=2&tags=3')), '400 InvalidRequest')
  assert.equal(verdictOf(await ask('tags=1&full=true')), '500 InternalServerError')
  assert.equal((await own.handle(post('/xrpc/app.falaj.store', { sum: 3 }))).status, 200)
  const wrong = await own.handle(post('/xrpc/app.falaj.store', { sum: '3' }))
  assert.match(textOf(wrong), /\.sum.*expected an integer/)
})

test('arbitrary requests are answered, never thrown at', async () => {
  const path = fc.oneof(
    fc.string().map((text) => `/xrpc/${text}`),
    fc.constantFrom(listPath, createPath, uploadPath, signOutPath, '/', ''),
  )
  const headers = fc.record({
    'content-type': fc.option(fc.constantFrom('application/json', 'x', ''), { nil: undefined }),
    'content-length': fc.option(fc.oneof(fc.string(), fc.constant('3')), { nil: undefined }),
    'content-encoding': fc.option(fc.constantFrom('gzip', 'br', 'identity'), { nil: undefined }),
    authorization: fc.option(fc.string(), { nil: undefined }),
  })
  const body = fc.oneof(
    fc.constant(undefined),
    fc.uint8Array(),
    fc.json().map((text) => new TextEncoder().encode(text)),
  )
  const method = fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'DELETE')
  await fc.assert(
    fc.asyncProperty(
      method,
      path,
      fc.string(),
      headers,
      body,
      async (verb, at, text, head, sent) => {
        const request = { ...get(at, text, head), method: verb, body: sent }
        const { status } = await router.handle(request)
        return status >= 200 && status < 500 ? true : status === 501
      },
    ),
    { numRuns: 1000 },
  )
})
