/** What an app may do, method by method; and sets of permissions as others publish them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testOutside } from '#platform/runtime'
import type { Did } from '#protocol/syntax'
import { Browser, plainText } from '../pages/browser.test-support.ts'
import { FakePlc } from '../testing/fake-plc.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { TestApp } from './oauth.test-support.ts'

const HOUR_MS = 60 * 60_000
const VIEW = 'did:web:view.example'
const SET = 'com.example.cards.authFull'
const setDocument = {
  $type: 'com.atproto.lexicon.schema',
  lexicon: 1,
  id: SET,
  defs: {
    main: {
      type: 'permission-set',
      title: 'Play cards',
      'title:lang': { ar: 'لعب الورق' },
      permissions: [
        { type: 'permission', resource: 'repo', collection: ['com.example.cards.game'] },
        { type: 'permission', resource: 'rpc', lxm: ['com.example.cards.deal'], inheritAud: true },
        { type: 'permission', resource: 'repo', collection: ['app.bsky.feed.post'] },
      ],
    },
  },
}

let host: TestHost
let authors: TestHost
let alice: Person
let author: Person
let authorsAway = false
let calls: { url: string; headers: Headers }[] = []
const txt: Record<string, string[]> = {}

before(async () => {
  const plc = new FakePlc()
  authors = await TestHost.open({ plc, publicUrl: 'https://authors.test', seed: 2 })
  author = await authors.signUp('author')
  const outside = testOutside({ seed: 1, txt })
  host = await TestHost.open({
    plc,
    outside,
    appview: { url: 'https://view.example', did: VIEW },
    async fetch(target, init) {
      const url = new URL(String(target))
      if (url.origin !== authors.url) {
        calls.push({ url: url.href, headers: new Headers(init?.headers) })
        return Response.json({ preferences: [], feed: [] })
      }
      if (authorsAway) throw new Error('away')
      const { status, headers, bytes } = await authors.call('GET', url.pathname.slice(6), {
        params: Object.fromEntries(url.searchParams),
      })
      return new Response(bytes as BodyInit, { status, headers })
    },
  })
  alice = await host.signUp('alice')
  await publish(setDocument)
})
after(async () => {
  await host.close()
  await authors.close()
})

async function publish(record: { id: string }) {
  const { id: rkey } = record
  const collection = 'com.atproto.lexicon.schema'
  const input = { repo: author.did, collection, rkey, record, validate: false }
  const answer = await authors.post('com.atproto.repo.putRecord', input, author.accessJwt)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  txt['_lexicon.cards.example.com'] = [`did=${author.did}`]
}

/** An app under development that may ask for `scope`, and got it. */
async function appWith(scope: string): Promise<{ app: TestApp; token: string; refresh: string }> {
  const query = new URLSearchParams({ redirect_uri: 'http://127.0.0.1/callback', scope })
  const app = await TestApp.of(host, { clientId: `http://localhost/?${query}` })
  const { access_token: token, refresh_token: refresh } = await app.signIn(alice, scope)
  return { app, token, refresh }
}

const post = (collection = 'app.bsky.feed.post') => ({
  repo: alice.did,
  collection,
  record: { $type: collection, text: 'x', createdAt: '2026-01-01T00:00:00.000Z' },
  validate: false,
})

type Try = [method: 'GET' | 'POST', nsid: string, call?: object]
const code = async ({ app, token }: { app: TestApp; token: string }, [method, nsid, call]: Try) => {
  const answer = await app.call(method, nsid, token, call)
  return answer.status === 200 ? 'ok' : `${answer.status} ${answer.body.error}`
}

test('writes need a permission for their collection and action', async () => {
  const some = await appWith(
    'atproto repo:app.bsky.feed.post?action=create repo:app.bsky.feed.like repo?collection=app.bsky.graph.list&action=update',
  )
  const NSID = 'com.atproto.repo'
  const missing = '403 ScopeMissingError'
  const write = ($type: string, collection: string) => ({
    $type: `com.atproto.repo.applyWrites#${$type}`,
    collection,
    rkey: 'a',
    ...($type !== 'delete' && { value: post(collection).record }),
  })
  const apply = (...writes: object[]) => ({ input: { repo: alice.did, writes, validate: false } })
  const like = 'app.bsky.feed.like'
  const table: [Try, string][] = [
    [['POST', `${NSID}.createRecord`, { input: post() }], 'ok'],
    [['POST', `${NSID}.createRecord`, { input: post('app.bsky.graph.list') }], missing],
    [['POST', `${NSID}.putRecord`, { input: { ...post(), rkey: 'a' } }], missing],
    [['POST', `${NSID}.putRecord`, { input: { ...post(like), rkey: 'a' } }], 'ok'],
    [['POST', `${NSID}.deleteRecord`, { input: { ...post(), rkey: 'a' } }], missing],
    [['POST', `${NSID}.deleteRecord`, { input: { ...post(like), rkey: 'a' } }], 'ok'],
    [['POST', `${NSID}.applyWrites`, apply(write('create', 'app.bsky.feed.post'))], 'ok'],
    [['POST', `${NSID}.applyWrites`, apply(write('update', 'app.bsky.feed.post'))], missing],
    [
      [
        'POST',
        `${NSID}.applyWrites`,
        apply(write('create', like), write('delete', 'app.bsky.feed.post')),
      ],
      missing,
    ],
  ]
  for (const [one, expected] of table)
    assert.equal(await code(some, one), expected, JSON.stringify(one))
})

test('blobs need a permission for what they say they are, and for what they are', async () => {
  const some = await appWith('atproto blob:image/*')
  const upload = (input: Uint8Array, type: string): Try => [
    'POST',
    'com.atproto.repo.uploadBlob',
    { input, headers: { 'content-type': type } },
  ]
  const png = Uint8Array.from([
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52,
  ])
  const mp4 = Uint8Array.from([0, 0, 0, 24, ...new TextEncoder().encode('ftypisom'), 0, 0, 2, 0])
  assert.equal(await code(some, upload(png, 'image/png')), 'ok')
  assert.equal(await code(some, upload(mp4, 'video/mp4')), '403 ScopeMissingError')
  assert.equal(await code(some, upload(mp4, 'image/png')), '403 ScopeMissingError', 'disguised')
})

test('calls of other services need a permission for method and service', async () => {
  const reads = await appWith(
    `atproto rpc:app.bsky.feed.getTimeline?aud=${VIEW}%23bsky_appview rpc:app.bsky.actor.getProfile?aud=*`,
  )
  const missing = '403 ScopeMissingError'
  calls = []
  assert.equal(await code(reads, ['GET', 'app.bsky.feed.getTimeline']), 'ok')
  assert.equal(new URL(calls[0]!.url).pathname, '/xrpc/app.bsky.feed.getTimeline')
  assert.match(calls[0]!.headers.get('authorization')!, /^Bearer ey/, 'a token of its own')
  assert.equal(calls[0]!.headers.get('dpop'), null)
  const elsewhere = { headers: { 'atproto-proxy': 'did:web:other.example#bsky_appview' } }
  assert.equal(await code(reads, ['GET', 'app.bsky.feed.getTimeline', elsewhere]), missing)
  assert.equal(await code(reads, ['GET', 'app.bsky.feed.getAuthorFeed']), missing)
  assert.equal(await code(reads, ['GET', 'chat.bsky.convo.listConvos']), '501 MethodNotImplemented')
  const preferences: Try = ['GET', 'app.bsky.actor.getPreferences']
  assert.equal(await code(reads, preferences), missing)
  const own = await appWith(`atproto rpc:app.bsky.actor.getPreferences?aud=${VIEW}%23bsky_appview`)
  assert.equal(await code(own, preferences), 'ok')
  assert.equal(await code(await appWith('atproto transition:generic'), preferences), 'ok')
})

test('a token for another service needs the same permission as the call', async () => {
  const some = await appWith('atproto rpc:com.example.read?aud=did:web:api.example%23svc')
  const serviceAuth = (aud: string, lxm?: string): Try => [
    'GET',
    'com.atproto.server.getServiceAuth',
    { params: { aud, ...(lxm && { lxm }) } },
  ]
  const missing = '403 ScopeMissingError'
  assert.equal(await code(some, serviceAuth('did:web:api.example#svc', 'com.example.read')), 'ok')
  assert.equal(
    await code(some, serviceAuth('did:web:api.example#svc', 'com.example.write')),
    missing,
  )
  assert.equal(
    await code(some, serviceAuth('did:web:other.example#svc', 'com.example.read')),
    missing,
  )
  assert.equal(await code(some, serviceAuth('did:web:api.example#svc')), missing)
  const generic = await appWith('atproto transition:generic')
  assert.equal(
    await code(generic, serviceAuth('did:web:chat.example', 'chat.bsky.convo.getLog')),
    missing,
  )
  assert.equal(await code(generic, serviceAuth('did:web:api.example', 'com.example.read')), 'ok')
  const admin = serviceAuth('did:web:api.example', 'com.atproto.admin.getAccountInfo')
  assert.equal(await code(generic, admin), '400 InvalidRequest')
})

test('the address, the name and the identity each need their own', async () => {
  const nothing = await appWith('atproto')
  const missing = '403 ScopeMissingError'
  const session = async (some: { app: TestApp; token: string }) =>
    (await some.app.call('GET', 'com.atproto.server.getSession', some.token)).body.email
  assert.equal(await session(nothing), undefined)
  assert.equal(await session(await appWith('atproto transition:email')), alice.email)
  assert.equal(await session(await appWith('atproto account:email')), alice.email)
  const table: [scope: string, Try, unlike: string][] = [
    [
      'account:email?action=manage',
      ['POST', 'com.atproto.server.requestEmailUpdate'],
      'account:email',
    ],
    [
      'identity:handle',
      ['POST', 'com.atproto.identity.updateHandle', { input: { handle: 'alice-b.test' } }],
      'transition:generic',
    ],
    [
      'identity:*',
      ['POST', 'com.atproto.identity.requestPlcOperationSignature'],
      'identity:handle',
    ],
  ]
  for (const [scope, call, unlike] of table) {
    assert.equal(await code(await appWith(`atproto ${unlike}`), call), missing, unlike)
    assert.equal(await code(await appWith(`atproto ${scope}`), call), 'ok', scope)
  }
})

test('what is the owner’s alone no app may do, whatever it was granted', async () => {
  const everything = await appWith(
    'atproto transition:generic transition:chat.bsky transition:email account:email?action=manage account:repo?action=manage identity:* repo:* blob:*/*',
  )
  const input = { input: {} }
  const table: Try[] = [
    ['POST', 'com.atproto.server.createAppPassword', { input: { name: 'x' } }],
    ['GET', 'com.atproto.server.listAppPasswords'],
    ['POST', 'com.atproto.server.revokeAppPassword', { input: { name: 'x' } }],
    ['POST', 'com.atproto.server.deactivateAccount', input],
    ['POST', 'com.atproto.server.activateAccount'],
    ['POST', 'com.atproto.server.requestAccountDelete'],
    ['GET', 'com.atproto.server.getAccountInviteCodes'],
    ['POST', 'app.falaj.account.confirmPassword', { input: { password: 'x' } }],
  ]
  for (const one of table) assert.equal(await code(everything, one), '403 Forbidden', one[1])
  for (const one of [
    ['POST', 'com.atproto.server.refreshSession'],
    ['POST', 'com.atproto.server.deleteSession'],
    ['GET', 'com.atproto.admin.getAccountInfo', { params: { did: alice.did } }],
  ] as Try[])
    assert.match(await code(everything, one), /^4/, one[1])
})

test('an app of a deactivated account reads what its owner may, and writes nothing', async () => {
  const dora = await host.signUp('dora')
  const app = await TestApp.of(host)
  const { access_token: token } = await app.signIn(dora)
  await host.post('com.atproto.server.deactivateAccount', {}, dora.accessJwt)
  const session = await app.call('GET', 'com.atproto.server.getSession', token)
  assert.equal(session.body.status, 'deactivated')
  const input = { ...post(), repo: dora.did }
  const written = await app.call('POST', 'com.atproto.repo.createRecord', token, { input })
  assert.equal(written.body.error, 'AccountDeactivated')
})

const setScope = `include:${SET}?aud=did:web:cards.example%23svc`

test('a published set gives what it holds, proven by its author’s key', async () => {
  const player = await appWith(`atproto ${setScope}`)
  const write = (collection: string): Try => [
    'POST',
    'com.atproto.repo.createRecord',
    { input: post(collection) },
  ]
  assert.equal(await code(player, write('com.example.cards.game')), 'ok')
  assert.equal(await code(player, write('app.bsky.feed.post')), '403 ScopeMissingError')
  const deal: Try = [
    'GET',
    'com.atproto.server.getServiceAuth',
    { params: { aud: 'did:web:cards.example#svc', lxm: 'com.example.cards.deal' } },
  ]
  assert.equal(await code(player, deal), 'ok')
  const listed = await host.service.oauth.listAuthorizedApps(alice.did)
  assert.ok(
    listed.some(({ scope }) => scope === `atproto ${setScope}`),
    'kept as it was granted',
  )
})

test('a set is told in words in both languages, where it is asked for and where it was given', async () => {
  const person = await host.signUp('reader')
  const own = `include:com.example.cards.authFull?aud=did:web:cards.example%23svc`
  const official = 'include:app.bsky.authViewAll?aud=did:web:view.example%23bsky_appview'
  const scope = `atproto ${own} ${official}`
  const lxm = ['app.bsky.feed.getTimeline', 'app.bsky.actor.getProfile', 'app.bsky.feed.getPosts']
  await publish({
    $type: 'com.atproto.lexicon.schema',
    lexicon: 1,
    id: 'app.bsky.authViewAll',
    defs: {
      main: {
        type: 'permission-set',
        title: 'Read-only access to all content',
        permissions: [
          { type: 'permission', resource: 'rpc', lxm, inheritAud: true },
          { type: 'permission', resource: 'repo', collection: ['app.bsky.graph.block'] },
        ],
      },
    },
  } as never)
  txt['_lexicon.bsky.app'] = [`did=${author.did}`]
  const query = new URLSearchParams({ redirect_uri: 'http://127.0.0.1/callback', scope })
  const app = await TestApp.of(host, { clientId: `http://localhost/?${query}` })
  const said = {
    ar: [
      ...['لعب الورق com.example.cards.authFull', 'أن يكتب ويغيّر ويحذف com.example.cards.game'],
      ...['أن يرى كل ما تراه، ولا يكتب شيئًا app.bsky.authViewAll', 'ويحذف الحظر'],
      'أن يسأل view.example باسمك: المنشورات والخلاصات، الملفات التعريفية وتفضيلاتك',
    ],
    en: [
      ...[
        'Play cards com.example.cards.authFull',
        'Write, change and delete com.example.cards.game',
      ],
      ...['Read-only access to all content app.bsky.authViewAll', 'delete blocks'],
      'Ask view.example in your name: posts and feeds, profiles and your preferences',
    ],
  }
  const assertSaid = (text: string, language: 'ar' | 'en') => {
    for (const words of said[language])
      assert.ok(plainText(text).includes(words), `${words}: ${text}`)
    assert.ok(!plainText(text).includes('include:'), 'no scope as the app writes it')
  }
  for (const language of ['ar', 'en'] as const) {
    const browser = new Browser(host, { 'accept-language': language })
    const pushed = await app.par({ scope })
    const { request_uri } = pushed.body
    const page = new URLSearchParams({ client_id: app.clientId, request_uri })
    await browser.signIn(person, `/oauth/authorize?${page}`)
    assertSaid(browser.seen!.text, language)
    await browser.send('decision', { decision: 'allow', scope: ['0', '1'] })
    const code = new URL(browser.seen!.headers.location!).searchParams.get('code')!
    assert.equal((await app.exchange(code)).body.scope, scope)
    authorsAway = true
    assertSaid((await browser.open('/account/apps')).text, language)
    authorsAway = false
  }
})

test('a set that cannot be found ends the request, and one not proven is not found', async () => {
  const ask = async (nsid: string) => {
    const scope = `atproto include:${nsid}`
    const query = new URLSearchParams({ redirect_uri: 'http://127.0.0.1/callback', scope })
    const app = await TestApp.of(host, { clientId: `http://localhost/?${query}` })
    return (await app.par({ scope })).body.error
  }
  assert.equal(await ask('com.example.nowhere.authFull'), 'invalid_scope')
  assert.equal(await ask('com.example.cards.authOther'), 'invalid_scope')
  txt['_lexicon.stolen.example.com'] = [`did=${alice.did}`]
  assert.equal(await ask('com.example.stolen.authFull'), 'invalid_scope')
  txt['_lexicon.two.example.com'] = [`did=${author.did}`, `did=${alice.did as Did}`]
  assert.equal(await ask('com.example.two.authFull'), 'invalid_scope')
})

test('a set that grew gives more at the next renewal, and goes on while its author is away', async () => {
  const player = await appWith(`atproto ${setScope}`)
  const grown = structuredClone(setDocument)
  grown.defs.main.permissions[0]!.collection!.push('com.example.cards.score')
  await publish(grown)
  const write: Try = [
    'POST',
    'com.atproto.repo.createRecord',
    { input: post('com.example.cards.score') },
  ]
  assert.equal(await code(player, write), '403 ScopeMissingError')
  await host.outside.advance(25 * HOUR_MS)
  authorsAway = true
  const first = (await player.app.refresh(player.refresh)).body
  assert.equal(first.token_type, 'DPoP', 'the old one is good')
  assert.equal(
    await code({ app: player.app, token: first.access_token }, write),
    '403 ScopeMissingError',
  )
  authorsAway = false
  await host.outside.advance(HOUR_MS)
  const second = (await player.app.refresh(first.refresh_token)).body
  assert.equal(await code({ app: player.app, token: second.access_token }, write), 'ok')
})
