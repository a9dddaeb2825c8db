/** What somebody just wrote shows in their views, before the app view has heard of it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Answer, type Person, TestHost } from '../testing/host.test-support.ts'

// biome-ignore lint/suspicious/noExplicitAny: views of every shape
type Json = any

const VIEW = { url: 'https://view.example', did: 'did:web:view.example' }
const LONG_AGO = '2020-01-01T00:00:00.000Z'

let host: TestHost
let alice: Person
/** The rev the app view says it has of the one who asks; none when undefined. */
let rev: string | undefined
let views: Record<string, Json> = {}
let asked: string[] = []
let isPacked = false

before(async () => {
  host = await TestHost.open({
    appview: VIEW,
    fetch: async (target, init) => {
      const url = new URL(String(target))
      const nsid = url.pathname.replace('/xrpc/', '')
      asked.push(`${nsid}${url.search}`)
      const view = views[`${nsid}${decodeURIComponent(url.search)}`] ?? views[nsid]
      if (!view)
        return Response.json(
          { error: 'NotFound', message: 'none' },
          { status: 400, headers: revHeader() },
        )
      if (typeof view === 'string')
        return new Response(view, { headers: { 'content-type': 'text/plain', ...revHeader() } })
      if (!isPacked) return Response.json(view, { headers: revHeader() })
      assert.equal(new Headers(init?.headers).get('accept-encoding'), 'gzip')
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
      return new Response(gzipSync(JSON.stringify(view)), {
        headers: { ...headers, ...revHeader() },
      })
    },
  })
  alice = await host.signUp('alice')
})
after(() => host.close())

const revHeader = (): Record<string, string> =>
  rev === undefined ? {} : { 'atproto-repo-rev': rev }

async function ask(nsid: string, params = {}, headers = {}, person = alice): Promise<Answer> {
  asked = []
  return host.call('GET', nsid, { params, headers, token: person.accessJwt })
}

/** The newest rev of a person, as an app view that has everything would say it. */
async function revNow(person = alice): Promise<string> {
  return (await host.get('com.atproto.sync.getLatestCommit', { did: person.did })).body.rev
}

async function post(
  text: string,
  extra = {},
  person = alice,
): Promise<{ uri: string; cid: string }> {
  await host.outside.advance(1000)
  const createdAt = new Date(host.outside.now()).toISOString()
  const record = { $type: 'app.bsky.feed.post', text, createdAt, ...extra }
  const { body } = await host.write(person, '', { record })
  assert.ok(body.uri, JSON.stringify(body))
  return { uri: body.uri, cid: body.cid }
}

/** A post of somebody else, as an app view shows it. */
const other = (name: string, indexedAt = LONG_AGO): Json => ({
  post: {
    uri: `at://did:web:other.example/app.bsky.feed.post/${name}`,
    cid: 'bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454',
    author: { did: 'did:web:other.example', handle: 'other.example' },
    record: { $type: 'app.bsky.feed.post', text: name, createdAt: indexedAt },
    indexedAt,
  },
})

const textsOf = (body: Json): string[] => body.feed.map(({ post }: Json) => post.record.text)

test('a timeline holds the posts it lacks, each in its place, and no others', async () => {
  await post('known')
  rev = await revNow()
  views = { 'app.bsky.feed.getTimeline': { feed: [other('early')], cursor: 'c' } }
  const same = await ask('app.bsky.feed.getTimeline')
  assert.deepEqual(same.body, views['app.bsky.feed.getTimeline'], 'nothing is newer')
  assert.equal(same.headers['atproto-upstream-lag'], undefined)
  const first = await post('first')
  const between = new Date(host.outside.now() + 500).toISOString()
  await post('second')
  views = {
    'app.bsky.feed.getTimeline': { feed: [other('between', between), other('early')], cursor: 'c' },
  }
  const { body, headers } = await ask('app.bsky.feed.getTimeline')
  assert.deepEqual(textsOf(body), ['second', 'between', 'first', 'early'])
  assert.equal(body.cursor, 'c')
  assert.equal(headers['atproto-upstream-lag'], '1000')
  assert.equal(headers['atproto-repo-rev'], rev)
  const view = body.feed[2].post
  assert.deepEqual([view.uri, view.cid], [first.uri, first.cid])
  assert.deepEqual(view.author, { did: alice.did, handle: 'alice.test' })
  assert.deepEqual(
    [view.likeCount, view.replyCount, view.repostCount, view.quoteCount],
    [0, 0, 0, 0],
  )
  const older = await ask('app.bsky.feed.getTimeline', { cursor: 'c' })
  assert.deepEqual(textsOf(older.body), ['between', 'early'], 'a later page stays as it is')
  views = { 'app.bsky.feed.getTimeline': { feed: [{ post: view }, other('early')] } }
  const known = await ask('app.bsky.feed.getTimeline')
  assert.deepEqual(textsOf(known.body), ['second', 'first', 'early'], 'nothing stands there twice')
})

test('what does not come with a rev, as JSON, or in the known form stays as it came', async () => {
  rev = undefined
  views = { 'app.bsky.feed.getTimeline': { feed: [] } }
  assert.deepEqual((await ask('app.bsky.feed.getTimeline')).body, { feed: [] })
  rev = '2222222222222'
  for (const view of ['text', { feed: 'none' }, { feed: [{ post: 1 }] }, [1], { other: 1 }]) {
    views = { 'app.bsky.feed.getTimeline': view }
    const { status, body } = await ask('app.bsky.feed.getTimeline')
    assert.deepEqual([status, body], [200, view])
  }
})

test('a packed view is unpacked only to be completed', async () => {
  isPacked = true
  views = { 'app.bsky.feed.getTimeline': { feed: [other('early')] } }
  rev = await revNow()
  const headers = { 'accept-encoding': 'gzip, br' }
  const same = await ask('app.bsky.feed.getTimeline', {}, headers)
  assert.equal(same.headers['content-encoding'], 'gzip')
  await post('unpacked')
  const { body, headers: answered } = await ask('app.bsky.feed.getTimeline', {}, headers)
  assert.equal(answered['content-encoding'], undefined)
  assert.deepEqual(textsOf(body), ['unpacked', 'early'])
  isPacked = false
})

test('an author feed shows the author’s own newest posts, by its filter', async () => {
  rev = await revNow()
  const plain = await post('plain')
  const mine = { root: plain, parent: plain }
  const foreign = { uri: other('x').post.uri, cid: other('x').post.cid }
  await post('my thread', { reply: mine })
  await post('an answer', { reply: { root: foreign, parent: foreign } })
  const image = await host.upload(alice, 'a picture')
  const images = [{ image, alt: 'words', aspectRatio: { width: 2, height: 1 } }]
  await post('picture', { embed: { $type: 'app.bsky.embed.images', images } })
  views = { 'app.bsky.feed.getAuthorFeed': { feed: [] } }
  const feed = async (params: object) =>
    textsOf((await ask('app.bsky.feed.getAuthorFeed', { actor: alice.did, ...params })).body)
  const all = ['picture', 'an answer', 'my thread', 'plain']
  assert.deepEqual(await feed({}), all)
  assert.deepEqual(await feed({ actor: 'ALICE.test' }), all)
  assert.deepEqual(await feed({ filter: 'posts_with_replies' }), all)
  assert.deepEqual(await feed({ filter: 'posts_no_replies' }), ['picture', 'plain'])
  assert.deepEqual(await feed({ filter: 'posts_with_media' }), ['picture'])
  assert.deepEqual(await feed({ filter: 'posts_with_video' }), [])
  assert.deepEqual(await feed({ filter: 'posts_and_author_threads' }), [
    'picture',
    'my thread',
    'plain',
  ])
  assert.deepEqual(await feed({ actor: 'did:web:other.example' }), [], 'of others: as it came')
  const { body } = await ask('app.bsky.feed.getAuthorFeed', { actor: alice.did })
  const url = `https://pds.test/xrpc/com.atproto.sync.getBlob?${new URLSearchParams({ did: alice.did, cid: image.ref.$link })}`
  assert.deepEqual(body.feed[0].post.embed, {
    $type: 'app.bsky.embed.images#view',
    images: [{ thumb: url, fullsize: url, alt: 'words', aspectRatio: { width: 2, height: 1 } }],
  })
})

test('what a new post quotes is asked of the app view; without it the quote is not found', async () => {
  rev = await revNow()
  const quoted = other('quoted').post
  const strongRef = { uri: quoted.uri, cid: quoted.cid }
  const quote = { $type: 'app.bsky.embed.record', record: strongRef }
  const external = { uri: 'https://water.example', title: 'Water', description: 'it runs' }
  const media = { $type: 'app.bsky.embed.external', external }
  await post('quote', { embed: quote })
  await post('both', { embed: { $type: 'app.bsky.embed.recordWithMedia', record: quote, media } })
  const viewRecord = {
    $type: 'app.bsky.embed.record#viewRecord',
    uri: quoted.uri,
    cid: quoted.cid,
    author: quoted.author,
    value: quoted.record,
    indexedAt: quoted.indexedAt,
  }
  const embeds = async () => {
    const { body } = await ask('app.bsky.feed.getTimeline')
    return body.feed.slice(0, 2).map(({ post }: Json) => post.embed)
  }
  views = {
    'app.bsky.feed.getTimeline': { feed: [] },
    'app.bsky.feed.getPosts': { posts: [quoted] },
  }
  const record = { $type: 'app.bsky.embed.record#view', record: viewRecord }
  assert.deepEqual(await embeds(), [
    {
      $type: 'app.bsky.embed.recordWithMedia#view',
      record,
      media: { $type: 'app.bsky.embed.external#view', external },
    },
    record,
  ])
  views = { 'app.bsky.feed.getTimeline': { feed: [] } }
  const gone = { $type: 'app.bsky.embed.record#viewNotFound', uri: quoted.uri, notFound: true }
  assert.deepEqual((await embeds())[1].record, gone)
})

test('a thread shows a reply at once, below what it answers', async () => {
  const root = await post('root')
  rev = await revNow()
  const first = await post('reply', { reply: { root, parent: root } })
  await post('reply to the reply', { reply: { root, parent: first } })
  await post('elsewhere')
  const $type = 'app.bsky.feed.defs#threadViewPost'
  const thread = {
    $type,
    post: { uri: root.uri, record: { text: 'root' } },
    replies: [{ $type, ...other('hers') }],
  }
  views = { 'app.bsky.feed.getPostThread': { thread } }
  const { body } = await ask('app.bsky.feed.getPostThread', { uri: root.uri })
  const shape = (view: Json): Json => [view.post.record.text, (view.replies ?? []).map(shape)]
  assert.deepEqual(shape(body.thread), [
    'root',
    [
      ['reply', [['reply to the reply', []]]],
      ['hers', []],
    ],
  ])
})

test('a thread of a post that the app view has not met is made here, its parents asked for', async () => {
  const theirs = other('theirs').post
  const root = { uri: theirs.uri, cid: theirs.cid }
  rev = await revNow()
  const mine = await post('mine', { reply: { root, parent: root } })
  const next = await post('next', { reply: { root, parent: mine } })
  const $type = 'app.bsky.feed.defs#threadViewPost'
  const key = `app.bsky.feed.getPostThread?uri=${theirs.uri}&depth=0`
  views = { [key]: { thread: { $type, post: theirs } } }
  const get = (uri: string, person = alice) =>
    ask('app.bsky.feed.getPostThread', { uri }, {}, person)
  const { status, body } = await get(next.uri)
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(body.thread.post.record.text, 'next')
  assert.equal(body.thread.parent.post.record.text, 'mine')
  assert.equal(body.thread.parent.parent.post.record.text, 'theirs')
  const above = await get(mine.uri.replace(alice.did, alice.handle))
  assert.equal(above.body.thread.post.uri, mine.uri)
  assert.equal(above.body.thread.replies[0].post.uri, next.uri)
  const never = await get(`at://${alice.did}/app.bsky.feed.post/3l2jkcq6kwc2k`)
  assert.deepEqual([never.status, never.body.error], [400, 'NotFound'])
  const bob = await host.signUp('bob')
  assert.equal((await get(mine.uri, bob)).status, 400, 'for others it is not there yet')
})

test('a changed profile shows in profiles and beside posts, for its owner', async () => {
  const avatar = await host.upload(alice, 'a face')
  rev = await revNow()
  const old = {
    did: alice.did,
    handle: alice.handle,
    displayName: 'Old',
    banner: 'https://old.example',
  }
  const bob = { did: 'did:web:bob.example', handle: 'bob.example', displayName: 'Bob' }
  const feed = [{ post: { ...other('x').post, author: old } }, other('y')]
  views = {
    'app.bsky.actor.getProfile': old,
    'app.bsky.actor.getProfiles': { profiles: [bob, old] },
    'app.bsky.feed.getActorLikes': { feed },
    'app.bsky.feed.getAuthorFeed': { feed },
  }
  await host.outside.advance(1000)
  const record = {
    $type: 'app.bsky.actor.profile',
    displayName: 'New',
    description: 'water',
    avatar,
  }
  const input = { repo: alice.did, collection: 'app.bsky.actor.profile', rkey: 'self', record }
  const put = await host.post('com.atproto.repo.putRecord', input, alice.accessJwt)
  assert.equal(put.status, 200, JSON.stringify(put.body))
  const face = (await ask('app.bsky.actor.getProfile', { actor: alice.did })).body
  assert.deepEqual([face.displayName, face.description, face.banner], ['New', 'water', undefined])
  assert.match(face.avatar, /com\.atproto\.sync\.getBlob\?did=/)
  const { body } = await ask('app.bsky.actor.getProfiles', { actors: ['bob.example', alice.did] })
  assert.deepEqual(
    body.profiles.map(({ displayName }: Json) => displayName),
    ['Bob', 'New'],
  )
  for (const nsid of ['app.bsky.feed.getActorLikes', 'app.bsky.feed.getAuthorFeed']) {
    const items = (await ask(nsid, { actor: alice.did })).body.feed
    const names = items.map(({ post }: Json) => post.author.displayName)
    assert.deepEqual(names, ['New', undefined], nsid)
  }
  views['app.bsky.actor.getProfile'] = bob
  assert.deepEqual((await ask('app.bsky.actor.getProfile', { actor: bob.did })).body, bob)
})

test('what the operator took down, and an account that is not active, add nothing', async () => {
  rev = await revNow()
  const { uri, cid } = await post('bad')
  await post('good')
  await host.call('POST', 'com.atproto.admin.updateSubjectStatus', {
    headers: { authorization: `Basic ${btoa('admin:admin-pass')}` },
    input: {
      subject: { $type: 'com.atproto.repo.strongRef', uri, cid },
      takedown: { applied: true },
    },
  })
  views = { 'app.bsky.feed.getTimeline': { feed: [] } }
  assert.deepEqual(textsOf((await ask('app.bsky.feed.getTimeline')).body), ['good'])
  await host.post('com.atproto.server.deactivateAccount', {}, alice.accessJwt)
  assert.deepEqual((await ask('app.bsky.feed.getTimeline')).body, { feed: [] })
  await host.post('com.atproto.server.activateAccount', undefined, alice.accessJwt)
})

test('pictures are where the app view serves them, when that is set', async () => {
  const own = await TestHost.open({
    appview: VIEW,
    config: { appviewCdnUrlPattern: 'https://cdn.example/img/%s/plain/%s/%s@jpeg' },
    fetch: async () =>
      Response.json({ did: carol.did }, { headers: { 'atproto-repo-rev': '2222222222222' } }),
  })
  const carol = await own.signUp('carol')
  const avatar = await own.upload(carol, 'a face')
  const record = { $type: 'app.bsky.actor.profile', avatar }
  const input = { repo: carol.did, collection: 'app.bsky.actor.profile', rkey: 'self', record }
  await own.post('com.atproto.repo.putRecord', input, carol.accessJwt)
  const { body } = await own.get('app.bsky.actor.getProfile', { actor: carol.did }, carol.accessJwt)
  assert.equal(
    body.avatar,
    `https://cdn.example/img/avatar/plain/${carol.did}/${avatar.ref.$link}@jpeg`,
  )
  await own.close()
})
