/** Calls passed on: to whom, with which token, what passes and what never does. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { OutgoingError } from '#platform/runtime'
import { verifyServiceAuth } from '#protocol/auth'
import { type Answer, type Person, TestHost } from '../testing/host.test-support.ts'

const service = (name: string) => ({
  url: `https://${name}.example`,
  did: `did:web:${name}.example`,
})

/** What a service was sent. */
interface Heard {
  url: URL
  init: RequestInit
  headers: Record<string, string>
  body: string
}

let host: TestHost
let alice: Person
let heard: Heard[] = []
/** How services answer; well, by default. */
let answers: (call: Heard) => Response | Promise<Response>
const well = () => Response.json({ ok: true })

const documents: Record<string, object> = {
  'other.example': {
    id: 'did:web:other.example',
    service: [
      { id: '#thing', type: 'Thing', serviceEndpoint: 'https://thing.example/base/' },
      { id: '#plain', type: 'Thing', serviceEndpoint: 'http://thing.example' },
      {
        id: '#bsky_notif',
        type: 'BskyNotificationService',
        serviceEndpoint: 'https://push.example',
      },
      { id: '#odd', type: 'Thing', serviceEndpoint: 'ftp://thing.example' },
    ],
  },
}

async function answer(target: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const url = new URL(String(target))
  if (url.pathname === '/.well-known/did.json') {
    const document = documents[url.host]
    return document ? Response.json(document) : new Response('', { status: 404 })
  }
  const headers = Object.fromEntries(new Headers(init.headers))
  const body = init.body ? await new Response(init.body).text() : ''
  const call = { url, init, headers, body }
  heard.push(call)
  return answers(call)
}

before(async () => {
  host = await TestHost.open({
    fetch: answer,
    appview: service('view'),
    config: {
      chat: service('chat'),
      feeds: service('feeds'),
      moderation: service('mod'),
      reports: service('reports'),
    },
  })
  alice = await host.signUp('alice')
})
after(() => host.close())

async function call(
  nsid: string,
  options: Parameters<TestHost['call']>[2] & { method?: 'GET' | 'POST' } = {},
): Promise<{ answer: Answer; sent: Heard | undefined }> {
  heard = []
  const { method = 'GET', ...rest } = options
  const answer = await host.call(method, nsid, { token: alice.accessJwt, ...rest })
  return { answer, sent: heard.at(-1) }
}

const named = (header: string | undefined): Record<string, string> =>
  header === undefined ? {} : { 'atproto-proxy': header }

/** Throws unless the token is good for exactly this. */
async function checkToken(sent: Heard | undefined, aud: string, lxm: string): Promise<void> {
  const token = sent!.headers.authorization!.replace('Bearer ', '')
  const key = (await host.signingKey(alice.did))!
  const checks = { aud, lxm, nowMs: host.outside.now(), signingKey: async () => key }
  assert.equal((await verifyServiceAuth(token, checks)).iss, alice.did)
}

test('a call goes to the service that its method or its header names, with a token for just that', async () => {
  answers = well
  const cases: [nsid: string, header: string | undefined, url: string, did: string][] = [
    ['app.bsky.feed.getTimeline', undefined, 'https://view.example', 'view'],
    ['app.bsky.feed.getFeedSkeleton', undefined, 'https://feeds.example', 'feeds'],
    ['com.atproto.label.queryLabels', undefined, 'https://view.example', 'view'],
    ['com.atproto.moderation.createReport', undefined, 'https://reports.example', 'reports'],
    ['com.atproto.moderation.other', undefined, 'https://mod.example', 'mod'],
    ['tools.ozone.moderation.queryEvents', undefined, 'https://mod.example', 'mod'],
    ['chat.bsky.convo.listConvos', undefined, 'https://chat.example', 'chat'],
    ['com.example.anything', 'did:web:other.example#thing', 'https://thing.example/base', 'other'],
    [
      'app.bsky.feed.getTimeline',
      'did:web:other.example#thing',
      'https://thing.example/base',
      'other',
    ],
    [
      'app.bsky.feed.getTimeline',
      'did:web:view.example#bsky_appview',
      'https://view.example',
      'view',
    ],
    [
      'com.atproto.moderation.createReport',
      'did:web:mod.example#atproto_labeler',
      'https://mod.example',
      'mod',
    ],
    [
      'com.atproto.admin.searchAccounts',
      'did:web:mod.example#atproto_labeler',
      'https://mod.example',
      'mod',
    ],
  ]
  for (const [nsid, header, url, name] of cases) {
    const headers = named(header)
    const { answer, sent } = await call(nsid, { headers, params: { limit: 3 } })
    assert.deepEqual([answer.status, answer.body], [200, { ok: true }], nsid)
    assert.equal(sent!.url.href, `${url}/xrpc/${nsid}?limit=3`)
    await checkToken(sent, `did:web:${name}.example`, nsid)
  }
})

test('what names no service, or a bad one, is refused before anything is sent', async () => {
  answers = well
  const cases: [header: string | undefined, nsid: string, status: number, error: string][] = [
    [undefined, 'com.example.anything', 501, 'MethodNotImplemented'],
    ['did:web:other.example', 'com.example.anything', 400, 'InvalidRequest'],
    ['did:web:other.example#', 'com.example.anything', 400, 'InvalidRequest'],
    ['#thing', 'com.example.anything', 400, 'InvalidRequest'],
    ['other.example#thing', 'com.example.anything', 400, 'InvalidRequest'],
    ['did:web:other.example#a#b', 'com.example.anything', 400, 'InvalidRequest'],
    ['did:web:other.example #thing', 'com.example.anything', 400, 'InvalidRequest'],
    ['did:web:other.example#none', 'com.example.anything', 400, 'InvalidRequest'],
    ['did:web:other.example#odd', 'com.example.anything', 400, 'InvalidRequest'],
    ['did:web:other.example#plain', 'com.example.anything', 400, 'InvalidRequest'],
    ['did:web:nobody.example#thing', 'com.example.anything', 400, 'InvalidRequest'],
    ['did:web:127.0.0.1#thing', 'com.example.anything', 400, 'InvalidRequest'],
    ['did:web:localhost%3A80#thing', 'com.example.anything', 400, 'InvalidRequest'],
    ['did:key:zabc#thing', 'com.example.anything', 400, 'InvalidRequest'],
  ]
  // What changes the account or its data is nobody else's, however it is spelled.
  for (const nsid of [
    'com.atproto.server.newMethod',
    'com.atproto.SERVER.createAppPassword',
    'Com.Atproto.Identity.signPlcOperation',
    'com.atproto.repo.putrecord',
    'com.atproto.admin.deleteAccount2',
  ]) {
    cases.push(['did:web:other.example#thing', nsid, 501, 'MethodNotImplemented'])
  }
  for (const [header, nsid, status, error] of cases) {
    const headers = named(header)
    const { answer } = await call(nsid, { headers })
    assert.deepEqual([answer.status, answer.body.error], [status, error], `${header} ${nsid}`)
    assert.equal(heard.length, 0)
  }
})

test('who is nobody makes this host ask nobody', async () => {
  heard = []
  const asked = host.plc.asked.length
  const headers = { 'atproto-proxy': 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa#thing' }
  for (const token of [undefined, 'nonsense']) {
    const { status } = await host.call('GET', 'com.example.anything', { headers, token })
    assert.ok(status === 400 || status === 401, String(status))
  }
  assert.equal(heard.length, 0)
  assert.equal(host.plc.asked.length, asked)
})

test('an app password reaches private messages only with that permission', async () => {
  answers = well
  const signIn = async (privileged: boolean) => {
    const made = await host.post(
      'com.atproto.server.createAppPassword',
      { name: `app ${privileged}`, privileged },
      alice.accessJwt,
    )
    const session = await host.post('com.atproto.server.createSession', {
      identifier: alice.handle,
      password: made.body.password,
    })
    return session.body.accessJwt as string
  }
  const [plain, more] = [await signIn(false), await signIn(true)]
  const chats = ['chat.bsky.convo.listConvos', 'Chat.Bsky.convo.getLog']
  for (const nsid of chats) {
    const { answer } = await call(nsid, { token: plain })
    assert.deepEqual([answer.status, answer.body.error], [400, 'InvalidToken'], nsid)
    assert.equal(heard.length, 0)
    assert.equal((await call(nsid, { token: more })).answer.status, 200)
  }
  assert.equal((await call('app.bsky.feed.getTimeline', { token: plain })).answer.status, 200)
})

test('labels, languages and revisions pass in both directions, cookies and sign-in never', async () => {
  answers = () =>
    new Response('{}', {
      headers: {
        'content-type': 'application/json',
        'content-language': 'ar',
        'atproto-content-labelers': 'did:web:mod.example',
        'atproto-repo-rev': '3l2jkcq6kwc2k',
        'retry-after': '7',
        'set-cookie': 'spy=1',
        connection: 'close',
        'x-internal': 'secret',
        'access-control-allow-origin': 'https://only.example',
      },
    })
  const { answer, sent } = await call('app.bsky.unspecced.getThing', {
    headers: {
      'accept-language': 'ar,en',
      'atproto-accept-labelers': 'did:web:mod.example;redact',
      'x-bsky-topics': 'water',
      cookie: 'session=secret',
      'proxy-authorization': 'Basic secret',
      'x-forwarded-for': '10.0.0.1',
      connection: 'keep-alive',
      dpop: 'proof',
    },
  })
  const { authorization, ...rest } = sent!.headers
  assert.ok(!authorization!.includes(alice.accessJwt))
  assert.deepEqual(rest, {
    'accept-encoding': 'identity',
    'accept-language': 'ar,en',
    'atproto-accept-labelers': 'did:web:mod.example;redact',
    'x-bsky-topics': 'water',
  })
  const { headers } = answer
  assert.equal(headers['content-language'], 'ar')
  assert.equal(headers['atproto-content-labelers'], 'did:web:mod.example')
  assert.equal(headers['atproto-repo-rev'], '3l2jkcq6kwc2k')
  assert.equal(headers['retry-after'], '7')
  assert.equal(headers['access-control-allow-origin'], '*')
  for (const name of ['set-cookie', 'connection', 'x-internal'])
    assert.equal(headers[name], undefined)
})

test('a packed body passes as it is, to who can unpack it', async () => {
  const packed = gzipSync(JSON.stringify({ ok: true }))
  answers = ({ init }) => {
    assert.equal((init as { packed?: boolean }).packed, true)
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    return new Response(packed, { headers })
  }
  heard = []
  const response = await host.service.handle({
    method: 'GET',
    path: '/xrpc/app.bsky.unspecced.getThing',
    query: '',
    headers: { authorization: `Bearer ${alice.accessJwt}`, 'accept-encoding': 'br, gzip' },
    body: undefined,
    ip: '',
    id: '',
    signal: new AbortController().signal,
  })
  assert.equal(response.headers!['content-encoding'], 'gzip')
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  assert.deepEqual(Buffer.concat(chunks), packed)
  assert.equal(heard[0]!.headers['accept-encoding'], 'br, gzip')
})

test('bodies stream through at the pace of who reads them', async () => {
  const chunk = new Uint8Array(64 * 1024)
  let [made, sent] = [0, 0]
  async function* upload() {
    for (; made < 320; made++) yield chunk
  }
  answers = () => {
    const body = new ReadableStream<Uint8Array>(
      { pull: (controller) => (++sent > 320 ? controller.close() : controller.enqueue(chunk)) },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'video/mp4' } })
  }
  const response = await host.service.handle({
    method: 'POST',
    path: '/xrpc/com.example.upload',
    query: '',
    headers: {
      authorization: `Bearer ${alice.accessJwt}`,
      'content-type': 'video/mp4',
      'atproto-proxy': 'did:web:other.example#thing',
    },
    body: upload(),
    ip: '',
    id: '',
    signal: new AbortController().signal,
  })
  assert.equal(heard.at(-1)!.headers['content-type'], 'video/mp4')
  assert.equal(made, 320)
  assert.ok(sent < 4, 'nothing is read ahead')
  let size = 0
  for await (const part of response.body as AsyncIterable<Uint8Array>) size += part.length
  assert.equal(size, 320 * chunk.length)
})

test('an upload that says it is larger than may be is not begun', async () => {
  answers = well
  const headers = {
    'content-length': '600000000',
    'atproto-proxy': 'did:web:other.example#thing',
  }
  const { answer } = await call('com.example.upload', {
    method: 'POST',
    headers,
    input: new Uint8Array(1),
  })
  assert.equal(answer.status, 200, 'bytes in hand count as they are')
  heard = []
  const input = (async function* () {
    yield new Uint8Array(1)
  })()
  const refused = await call('com.example.upload', { method: 'POST', headers, input })
  assert.deepEqual([refused.answer.status, refused.answer.body.error], [413, 'PayloadTooLarge'])
  assert.equal(heard.length, 0)
})

test('whose fault it is shows: refusals pass, failures name the host', async () => {
  const json = (status: number, body: object, headers = {}) =>
    Response.json(body, { status, headers })
  const late = new OutgoingError('Timeout', 'view.example', 'no answer')
  const cases: [
    name: string,
    answers: () => Response,
    status: number,
    error: string,
    message: RegExp,
  ][] = [
    [
      'a refusal',
      () => json(400, { error: 'NotFound', message: 'Post not found' }),
      400,
      'NotFound',
      /Post not found/,
    ],
    [
      'not for you',
      () => json(403, { error: 'BlockedActor', message: 'no' }),
      403,
      'BlockedActor',
      /no/,
    ],
    [
      'unknown there',
      () => json(501, { error: 'MethodNotImplemented', message: 'no' }),
      501,
      'MethodNotImplemented',
      /no/,
    ],
    [
      'a failure',
      () => json(500, { error: 'InternalServerError', message: 'oops' }),
      502,
      'UpstreamFailure',
      /view\.example failed: oops/,
    ],
    [
      'a page of a gateway',
      () => new Response('<html>', { status: 503 }),
      503,
      'NotEnoughResources',
      /view\.example answered 503/,
    ],
    [
      'a page about limits',
      () => new Response('slow', { status: 429, headers: { 'retry-after': '3' } }),
      429,
      'RateLimitExceeded',
      /view\.example/,
    ],
    [
      'silence',
      () => {
        throw late
      },
      504,
      'UpstreamTimeout',
      /view\.example in time/,
    ],
    [
      'nobody there',
      () => {
        throw new TypeError('reset')
      },
      502,
      'UpstreamFailure',
      /No answer from view\.example/,
    ],
  ]
  for (const [name, how, status, error, message] of cases) {
    answers = how
    for (const nsid of ['app.bsky.unspecced.getThing', 'app.bsky.feed.getTimeline']) {
      const { answer } = await call(nsid)
      assert.deepEqual([answer.status, answer.body.error], [status, error], name)
      assert.match(answer.body.message, message, name)
      assert.match(answer.headers['content-type']!, /^application\/json/)
    }
  }
})

test('a silent service is given up soon, one that takes in a large body later', async () => {
  answers = well
  const limitsOf = async (bytes: number) => {
    const headers = { 'atproto-proxy': 'did:web:other.example#thing' }
    const input = new Uint8Array(bytes)
    const { sent } = await call('com.example.upload', { method: 'POST', headers, input })
    return sent!.init as { timeoutMs: number; headersTimeoutMs: number }
  }
  const small = await limitsOf(1_000)
  assert.ok(small.headersTimeoutMs < small.timeoutMs)
  assert.ok((await limitsOf(2_000_000)).headersTimeoutMs > small.timeoutMs)
})

test('push tokens go to the service the input names', async () => {
  answers = () => new Response(null, { status: 200 })
  const input = (serviceDid: string) => ({ serviceDid, token: 't', platform: 'web', appId: 'app' })
  for (const nsid of [
    'app.bsky.notification.registerPush',
    'app.bsky.notification.unregisterPush',
  ]) {
    for (const [did, url] of [
      ['did:web:view.example', 'https://view.example'],
      ['did:web:other.example', 'https://push.example'],
    ] as const) {
      const { answer, sent } = await call(nsid, { method: 'POST', input: input(did) })
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      assert.equal(sent!.url.href, `${url}/xrpc/${nsid}`)
      assert.deepEqual(JSON.parse(sent!.body), input(did))
      await checkToken(sent, did, nsid)
    }
  }
  const nsid = 'app.bsky.notification.registerPush'
  const none = await call(nsid, { method: 'POST', input: input('did:web:chat.example') })
  assert.deepEqual([none.answer.status, none.answer.body.error], [400, 'InvalidRequest'])
  answers = () => Response.json({ error: 'Unsupported', message: 'no' }, { status: 400 })
  const refused = await call(nsid, { method: 'POST', input: input('did:web:view.example') })
  assert.deepEqual([refused.answer.status, refused.answer.body.error], [400, 'Unsupported'])
})

test('preferences are kept here, unless another app view is named', async () => {
  answers = () => Response.json({ preferences: [] })
  const own = { 'atproto-proxy': 'did:web:view.example#bsky_appview' }
  const other = { 'atproto-proxy': 'did:web:other.example#thing' }
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
  const put = (headers: Record<string, string>) =>
    call('app.bsky.actor.putPreferences', { method: 'POST', input: { preferences }, headers })
  const get = (headers: Record<string, string>) =>
    call('app.bsky.actor.getPreferences', { headers })
  assert.equal((await put(own)).sent, undefined)
  assert.deepEqual((await get({})).answer.body.preferences, preferences)
  assert.deepEqual((await get(own)).answer.body.preferences, preferences)
  assert.deepEqual((await get(other)).answer.body.preferences, [])
  assert.deepEqual(JSON.parse((await put(other)).sent!.body), { preferences })
})

test('a record of a repository elsewhere is asked of the app view, as nobody', async () => {
  const params = { repo: 'did:plc:bbbbbbbbbbbbbbbbbbbbbbbb', collection: 'a.b.c', rkey: 'x' }
  const uri = `at://${params.repo}/a.b.c/x`
  answers = () => Response.json({ uri, value: { n: 1 } })
  const get = (more = {}) => call('com.atproto.repo.getRecord', { params: { ...params, ...more } })
  const { answer, sent } = await get()
  assert.deepEqual([answer.status, answer.body], [200, { uri, value: { n: 1 } }])
  assert.equal(sent!.headers.authorization, undefined)
  answers = () => Response.json({ error: 'RecordNotFound', message: 'no' }, { status: 400 })
  assert.equal((await get()).answer.body.error, 'RecordNotFound')
  answers = () => Response.json({ error: 'MethodNotImplemented' }, { status: 501 })
  assert.equal((await get()).answer.body.error, 'RepoNotFound')
  heard = []
  const mine = await get({ repo: alice.did })
  assert.equal(mine.answer.body.error, 'RecordNotFound')
  assert.equal(heard.length, 0, 'what is here is here')
})

test('what relays answer is not answered here, and is asked of the relay that a caller names', async () => {
  answers = well
  const methods: [verb: 'GET' | 'POST', nsid: string][] = [
    ['GET', 'com.atproto.sync.listHosts'],
    ['GET', 'com.atproto.sync.getHostStatus'],
    ['POST', 'com.atproto.sync.requestCrawl'],
    ['POST', 'com.atproto.sync.notifyOfUpdate'],
  ]
  for (const [method, nsid] of methods) {
    for (const token of [undefined, alice.accessJwt]) {
      const { answer, sent } = await call(nsid, { method, token })
      assert.deepEqual([answer.status, answer.body.error], [501, 'MethodNotImplemented'], nsid)
      assert.equal(sent, undefined)
    }
    const headers = named('did:web:other.example#thing')
    const { answer, sent } = await call(nsid, { method, headers })
    assert.equal(answer.status, 200, nsid)
    assert.equal(sent!.url.href, `https://thing.example/base/xrpc/${nsid}`)
    await checkToken(sent, 'did:web:other.example', nsid)
    const { answer: stranger } = await call(nsid, { method, headers, token: undefined })
    assert.equal(stranger.status, 401, nsid)
  }
})

test('a deactivated owner may still look; one who was taken down only appeals', async () => {
  answers = well
  const dora = await host.signUp('dora')
  await host.post('com.atproto.server.deactivateAccount', {}, dora.accessJwt)
  const look = () => call('app.bsky.feed.getTimeline', { token: dora.accessJwt })
  assert.equal((await look()).answer.status, 200)
  await host.call('POST', 'com.atproto.admin.updateSubjectStatus', {
    headers: { authorization: `Basic ${btoa('admin:admin-pass')}` },
    input: {
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: dora.did },
      takedown: { applied: true },
    },
  })
  assert.equal((await look()).answer.status, 401)
  const { body: session } = await host.post('com.atproto.server.createSession', {
    identifier: dora.did,
    password: dora.password,
    allowTakendown: true,
  })
  const ask = (nsid: string) =>
    call(nsid, { method: 'POST', token: session.accessJwt, input: { reason: 'it was a joke' } })
  const { answer, sent } = await ask('com.atproto.moderation.createReport')
  assert.equal(answer.status, 200)
  assert.deepEqual(JSON.parse(sent!.body), { reason: 'it was a joke' })
  for (const nsid of ['com.atproto.moderation.other', 'chat.bsky.convo.sendMessage']) {
    assert.equal((await ask(nsid)).answer.body.error, 'InvalidToken', nsid)
  }
})
