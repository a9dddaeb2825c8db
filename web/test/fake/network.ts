/**
 * A network that is not one: every service of the client's world on its own port, answering from
 * memory. For the client's tests and pictures; the real services are tested with the real thing.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import type { Gone, Post, PostRecord, ThreadNode } from '../../src/data/views.ts'
import { type Account, moderator, type World } from './world.ts'

type Name = 'web' | 'plc' | 'pds' | 'two' | 'relay' | 'view' | 'feeds' | 'search' | 'moderation'

export interface FakeNetwork {
  world: World
  urls: Record<Name, string>
  /** Services that do not answer at the moment. */
  down: Set<Name>
  /** Access tokens issued before this are expired: the client has to refresh. */
  expireTokens(): void
  /** Every XRPC call made, as `GET nsid`. */
  calls: string[]
  /** Whom calls of the view's methods were to be passed on to, and whose labels they asked for. */
  asked: { nsid: string; proxy: string; labelers: string }[]
  /** Errors to answer next, by method name. */
  fail: Map<string, { status: number; error: string; message?: string }>
  close(): Promise<void>
}

interface Call {
  world: World
  params: URLSearchParams
  body: Record<string, unknown>
  bytes: Uint8Array
  type: string
  viewer: Account | undefined
  host: number
  /** Whom the call was to be passed on to, and whose labels were asked for. */
  proxy: string
  labelers: string
}

class Refusal extends Error {
  readonly status: number
  readonly error: string
  constructor(status: number, error: string, message = error) {
    super(message)
    this.status = status
    this.error = error
  }
}

/** Starts every service on a free port; `dist` is the built client. */
export async function startFakeNetwork(dist: string, world: World): Promise<FakeNetwork> {
  const down = new Set<Name>()
  const calls: string[] = []
  const asked: FakeNetwork['asked'] = []
  const fail: FakeNetwork['fail'] = new Map()
  let generation = 0
  const servers: Server[] = []
  const urls = {} as Record<Name, string>

  async function listen(
    name: Name,
    handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  ) {
    const server = createServer((request, response) => {
      if (down.has(name)) return request.socket.destroy()
      handle(request, response).catch((error) => answer(response, error))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    servers.push(server)
    urls[name] = `http://localhost:${(server.address() as AddressInfo).port}`
  }

  const xrpc = (host: number) => async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://x')
    if (request.method === 'OPTIONS') return send(response, 204, '')
    const nsid = url.pathname.replace('/xrpc/', '')
    if (nsid === '_health') return json(response, { version: 'fake' })
    if (url.pathname.startsWith('/media/')) return media(response, world, url.pathname.slice(7))
    calls.push(`${request.method} ${nsid}`)
    const planned = fail.get(nsid)
    if (planned) throw new Refusal(planned.status, planned.error, planned.message)
    const bytes = await read(request)
    const type = request.headers['content-type'] ?? ''
    const body = type.includes('json') && bytes.length > 0 ? JSON.parse(bytes.toString()) : {}
    const viewer = authorised(world, request.headers.authorization, generation, nsid)
    const method = methods[nsid]
    if (!method) throw new Refusal(501, 'MethodNotImplemented')
    const proxy = String(request.headers['atproto-proxy'] ?? '')
    const labelers = String(request.headers['atproto-accept-labelers'] ?? '')
    asked.push({ nsid, proxy, labelers })
    const params = url.searchParams
    const call = { world, params, body, bytes, type, viewer, host, proxy, labelers }
    const result = method(call, generation)
    if (result instanceof Uint8Array) return send(response, 200, result, 'application/vnd.ipld.car')
    json(response, result)
  }

  await listen('view', xrpc(-1))
  world.media = `${urls.view}/media`
  await listen('pds', xrpc(0))
  await listen('two', xrpc(1))
  await listen('relay', xrpc(-2))
  // What these answer passes through the view; by themselves they only say how they are.
  for (const name of ['feeds', 'search', 'moderation'] as const) await listen(name, xrpc(-3))
  await listen('plc', async (request, response) => {
    if (request.url === '/_health') return json(response, { version: 'fake' })
    const did = decodeURIComponent(request.url?.slice(1) ?? '')
    const service = services(urls)[did]
    if (service) return json(response, { id: did, service: [service] })
    const account = world.account(did)
    if (!account) throw new Refusal(404, 'NotFound')
    json(response, didDocument(account, [urls.pds, urls.two][account.host] ?? ''))
  })
  await listen('web', async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname
    if (path === '/config.json') return json(response, config(urls, world))
    await page(response, dist, path)
  })

  return {
    world,
    urls,
    down,
    calls,
    asked,
    fail,
    expireTokens: () => {
      generation += 1
    },
    async close() {
      for (const server of servers) {
        server.closeAllConnections()
        await new Promise((done) => server.close(done))
      }
    },
  }
}

function config(urls: Record<Name, string>, world: World) {
  return {
    pds: [
      { url: urls.pds, handleDomains: ['.test'] },
      { url: urls.two, handleDomains: ['.two.test'] },
    ],
    plc: urls.plc,
    appview: { url: urls.view, did: 'did:plc:viewviewviewviewviewview' },
    relay: { url: urls.relay },
    feeds: {
      url: urls.feeds,
      did: 'did:plc:feedsfeedsfeedsfeedsfeed',
      uris: world.generators.map(({ uri }) => uri),
    },
    search: { url: urls.search },
    moderation: { url: urls.moderation, did: moderator },
    languages: ['ar', 'en'],
  }
}

/** Services with an identity of their own; a second view and second moderators are there to choose. */
function services(urls: Record<Name, string>) {
  const entry = (id: string, serviceEndpoint: string) => ({ id, type: 'Service', serviceEndpoint })
  return {
    'did:plc:otherviewotherviewotherv': entry('#bsky_appview', urls.relay),
    'did:plc:otherlabelotherlabelothe': entry('#atproto_labeler', urls.two),
  } as Record<string, ReturnType<typeof entry>>
}

function didDocument(account: Account, host: string) {
  return {
    id: account.did,
    alsoKnownAs: [`at://${account.handle}`],
    verificationMethod: [],
    service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: host }],
  }
}

const common = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers':
    'authorization, content-type, atproto-proxy, atproto-accept-labelers',
  'access-control-allow-methods': 'GET, POST',
}

function send(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  type = 'text/plain',
) {
  response.writeHead(status, { ...common, 'content-type': type })
  response.end(body)
}

function json(response: ServerResponse, value: unknown, status = 200) {
  send(response, status, JSON.stringify(value), 'application/json')
}

function answer(response: ServerResponse, error: unknown) {
  if (error instanceof Refusal) {
    return json(response, { error: error.error, message: error.message }, error.status)
  }
  console.error(error)
  json(response, { error: 'InternalServerError', message: String(error) }, 500)
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function media(response: ServerResponse, world: World, name: string) {
  const blob = world.blobs.get(name)
  if (!blob) return send(response, 404, '')
  send(response, 200, blob.bytes, blob.type)
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

async function page(response: ServerResponse, dist: string, path: string) {
  const asset = path.startsWith('/assets/')
  const file = asset ? path.slice(1) : 'index.html'
  send(response, 200, await readFile(join(dist, file)), types[extname(file)])
}

const token = (account: Account, kind: string, generation: number) =>
  `${kind}.${account.did}.${generation}`

function authorised(world: World, header: string | undefined, generation: number, nsid: string) {
  if (!header) return undefined
  const [kind, did, made] = header.replace('Bearer ', '').split('.')
  if (kind === 'access' && Number(made) < generation) throw new Refusal(400, 'ExpiredToken')
  if (kind === 'refresh' && !nsid.endsWith('Session')) throw new Refusal(400, 'InvalidToken')
  return world.account(did ?? '')
}

function session(account: Account, generation: number) {
  const { did, handle, email, active } = account
  const accessJwt = token(account, 'access', generation)
  const refreshJwt = token(account, 'refresh', generation)
  return { did, handle, email, active, accessJwt, refreshJwt }
}

function mine(viewer: Account | undefined): Account {
  if (!viewer) throw new Refusal(401, 'AuthMissing', 'sign in')
  return viewer
}

const methods: Record<string, (call: Call, generation: number) => unknown> = {
  'com.atproto.server.describeServer': ({ host }) => ({
    did: 'did:web:localhost',
    availableUserDomains: [host === 1 ? '.two.test' : '.test'],
  }),
  'com.atproto.identity.resolveHandle': ({ world, params }) => {
    const account = world.account(params.get('handle') ?? '')
    if (!account) throw new Refusal(400, 'HandleNotFound', 'Unable to resolve handle')
    return { did: account.did }
  },
  'com.atproto.server.createSession': ({ world, body, host }, generation) => {
    const account = world.accounts.find(
      ({ did, handle, email }) =>
        did === body.identifier || handle === body.identifier || email === body.identifier,
    )
    if (!account || account.host !== host || account.password !== body.password) {
      throw new Refusal(401, 'AuthenticationRequired', 'Invalid identifier or password')
    }
    return session(account, generation)
  },
  'com.atproto.server.refreshSession': ({ viewer }, generation) =>
    session(mine(viewer), generation),
  'com.atproto.server.deleteSession': () => ({}),
  'com.atproto.server.createAccount': ({ world, body, host }, generation) => {
    const { handle, password, email } = body as Record<string, string>
    if (world.account(handle ?? '')) throw new Refusal(400, 'HandleNotAvailable')
    const createdAt = world.at(0)
    return session(
      world.addAccount({ handle: handle!, password, email, host, createdAt }),
      generation,
    )
  },
  'com.atproto.server.checkAccountStatus': ({ world, viewer }) => {
    const { did, active } = mine(viewer)
    const held = world.posts.filter((post) => post.did === did).length
    return {
      activated: active,
      validDid: true,
      repoCommit: 'bafyfake',
      repoRev: '3mqkz7p2f2k2b',
      repoBlocks: 4000,
      indexedRecords: 12_480 + held,
      privateStateValues: 2,
      expectedBlobs: 1_204,
      importedBlobs: 1_204,
    }
  },
  'com.atproto.server.activateAccount': ({ viewer }) => {
    mine(viewer).active = true
    return {}
  },
  'com.atproto.repo.describeRepo': () => ({
    collections: [
      'app.bsky.actor.profile',
      'app.bsky.feed.like',
      'app.bsky.feed.post',
      'app.bsky.graph.follow',
    ],
  }),
  'com.atproto.sync.getLatestCommit': () => ({ cid: 'bafyfake', rev: '3mqkz7p2f2k2b' }),
  'com.atproto.sync.getRepo': () => new Uint8Array(48_213),
  'com.atproto.sync.listRepos': ({ world, host }) => ({
    repos: world.accounts
      .filter((one) => one.host === host)
      .map(({ did }) => ({ did, active: true })),
  }),
  'com.atproto.repo.uploadBlob': ({ world, bytes, type }) => {
    const link = `bafkreifake${world.blobs.size}`
    world.blobs.set(link, { bytes, type })
    return { blob: { $type: 'blob', ref: { $link: link }, mimeType: type, size: bytes.length } }
  },
  'com.atproto.repo.listRecords': ({ world, params }) => {
    const did = params.get('repo')
    const found = world.posts.filter((post) => post.did === did)
    return {
      records: found.slice(0, 1).map(({ uri, cid, record }) => ({ uri, cid, value: record })),
    }
  },
  'com.atproto.repo.getRecord': ({ world, params }) => {
    const uri = ['repo', 'collection', 'rkey'].map((name) => params.get(name)).join('/')
    const post = world.posts.find((one) => one.uri === `at://${uri}`)
    const account = world.account(params.get('repo') ?? '')
    if (account && params.get('collection') === 'app.bsky.actor.profile') {
      const blob = (link: string | undefined) => link && { ref: { $link: link } }
      const { name, bio, avatar, banner } = account
      const pictures = { avatar: blob(avatar), banner: blob(banner) }
      return { value: { displayName: name, description: bio, ...pictures, pinnedPost: 'kept' } }
    }
    if (!post) throw new Refusal(400, 'RecordNotFound')
    return { uri: post.uri, cid: post.cid, value: post.record }
  },
  'com.atproto.repo.createRecord': ({ world, viewer, body }) => {
    const { did } = mine(viewer)
    const { collection, rkey, record } = body as {
      collection: string
      rkey: string
      record: PostRecord & { subject: string & { uri: string } }
    }
    if (collection === 'app.bsky.feed.post') return ref(world.addPost(did, record, rkey))
    if (collection === 'app.bsky.feed.like') {
      return ref(world.edge('likes', did, record.subject.uri, undefined, rkey))
    }
    if (collection === 'app.bsky.feed.repost') {
      return ref(world.edge('reposts', did, record.subject.uri, undefined, rkey))
    }
    const kind = collection === 'app.bsky.graph.block' ? 'blocks' : 'follows'
    return ref(world.edge(kind, did, record.subject, undefined, rkey))
  },
  'com.atproto.repo.deleteRecord': ({ world, viewer, body }) => {
    world.remove(`at://${mine(viewer).did}/${body.collection}/${body.rkey}`)
    return {}
  },
  'com.atproto.repo.putRecord': ({ viewer, body }) => {
    const account = mine(viewer)
    interface Blob {
      ref: { $link: string }
    }
    const record = body.record as Pick<Account, 'bio'> & {
      displayName?: string
      description?: string
      avatar?: Blob
      banner?: Blob
    }
    account.avatar = record.avatar?.ref.$link
    account.banner = record.banner?.ref.$link
    account.name = record.displayName
    account.bio = record.description
    return { uri: `at://${account.did}/app.bsky.actor.profile/self`, cid: 'bafyfake' }
  },
  'app.bsky.feed.getTimeline': ({ world, viewer, params }) => {
    const { did } = mine(viewer)
    const follows = new Set(
      world.follows.filter(({ by }) => by === did).map(({ subject }) => subject),
    )
    const shown = world.posts.filter((post) => post.did === did || follows.has(post.did))
    const items = shown
      .filter(({ record }) => !record.reply || follows.has(authority(record.reply.parent.uri)))
      .map(({ uri }) => item(world, uri, did))
    const reposted = world.reposts
      .filter(({ by, subject }) => follows.has(by) && subject.includes(did) === false)
      .slice(0, 1)
      .map(({ by, subject, at }) => ({
        ...item(world, subject, did),
        reason: {
          $type: 'app.bsky.feed.defs#reasonRepost',
          by: world.person(by, did),
          indexedAt: at,
        },
      }))
    const all = [...items]
    all.splice(2, 0, ...reposted)
    return { feed: all.slice(0, Number(params.get('limit') ?? 50)) }
  },
  'app.bsky.feed.getAuthorFeed': ({ world, viewer, params }) => {
    const did = world.account(params.get('actor') ?? '')?.did
    const filter = params.get('filter')
    const found = world.posts.filter(
      (post) =>
        post.did === did &&
        (filter !== 'posts_no_replies' || !post.record.reply) &&
        (filter !== 'posts_with_media' || post.record.embed !== undefined),
    )
    return { feed: found.map(({ uri }) => item(world, uri, viewer?.did)) }
  },
  'app.bsky.feed.getPosts': ({ world, viewer, params }) => ({
    posts: params.getAll('uris').flatMap((uri) => world.postView(uri, viewer?.did) ?? []),
  }),
  'app.bsky.feed.getPostThread': ({ world, viewer, params }) => {
    const uri = params.get('uri') ?? ''
    const node = threadUp(world, uri, viewer?.did)
    if (!('post' in node)) return { thread: node }
    return { thread: { ...node, replies: repliesTo(world, uri, viewer?.did) } }
  },
  'app.bsky.feed.getLikes': ({ world, viewer, params }) => ({
    likes: world.likes
      .filter(({ subject }) => subject === params.get('uri'))
      .map(({ by }) => ({ actor: world.person(by, viewer?.did) })),
  }),
  'app.bsky.feed.getRepostedBy': ({ world, viewer, params }) => ({
    repostedBy: world.reposts
      .filter(({ subject }) => subject === params.get('uri'))
      .map(({ by }) => world.person(by, viewer?.did)),
  }),
  'app.bsky.actor.getProfile': ({ world, viewer, params }) => {
    const account = world.account(params.get('actor') ?? '')
    if (!account) throw new Refusal(400, 'InvalidRequest', 'Profile not found')
    return world.profile(account.did, viewer?.did)
  },
  'app.bsky.actor.getProfiles': ({ world, viewer, params }) => ({
    profiles: params
      .getAll('actors')
      .flatMap((did) => (world.account(did) ? world.profile(did, viewer?.did) : [])),
  }),
  'com.atproto.moderation.createReport': ({ world, viewer, body, proxy }) => {
    world.reports.push({ by: mine(viewer).did, to: proxy, body })
    return {
      id: world.reports.length,
      ...body,
      reportedBy: mine(viewer).did,
      createdAt: world.at(0),
    }
  },
  'app.bsky.labeler.getServices': ({ world, params }) => ({
    views: params.getAll('dids').flatMap((did) => {
      const policies = world.policies.get(did)
      const creator = { did, handle: 'handle.invalid' }
      return policies ? [{ creator, policies }] : []
    }),
  }),
  'app.falaj.moderation.getMyStatus': ({ world, viewer, proxy }) => {
    if (!proxy.startsWith(moderator)) throw new Refusal(501, 'MethodNotImplemented')
    return { decisions: world.decisions.get(mine(viewer).did) ?? [] }
  },
  'app.bsky.graph.muteActor': ({ world, viewer, body }) => {
    const { did } = mine(viewer)
    world.mutes.set(did, new Set([...(world.mutes.get(did) ?? []), String(body.actor)]))
    return {}
  },
  'app.bsky.graph.unmuteActor': ({ world, viewer, body }) => {
    world.mutes.get(mine(viewer).did)?.delete(String(body.actor))
    return {}
  },
  'app.bsky.graph.getMutes': ({ world, viewer }) => {
    const { did } = mine(viewer)
    return { mutes: [...(world.mutes.get(did) ?? [])].map((one) => world.person(one, did)) }
  },
  'app.bsky.graph.getBlocks': ({ world, viewer }) => {
    const { did } = mine(viewer)
    const found = world.blocks.filter(({ by }) => by === did)
    return { blocks: found.map(({ subject }) => world.person(subject, did)) }
  },
  'app.bsky.actor.getPreferences': ({ world, viewer }) => ({
    preferences: world.preferences.get(mine(viewer).did) ?? [],
  }),
  'app.bsky.actor.putPreferences': ({ world, viewer, body }) => {
    const { preferences } = body as { preferences: { $type: string }[] }
    world.preferences.set(mine(viewer).did, preferences)
    return {}
  },
  'app.bsky.feed.getFeedGenerators': ({ world, params }) => ({
    feeds: world.generators.filter(({ uri }) => params.getAll('feeds').includes(uri)),
  }),
  'app.bsky.feed.getSuggestedFeeds': ({ world }) => ({ feeds: world.generators }),
  'app.bsky.feed.getFeed': ({ world, viewer, params }) => {
    const feed = params.get('feed') ?? ''
    if (!world.generators.some(({ uri }) => uri === feed)) throw new Refusal(400, 'UnknownFeed')
    const photos = feed.endsWith('/photos')
    const found = world.posts.filter(({ record }) => !photos || hasPictures(record))
    return { feed: found.slice(0, 30).map(({ uri }) => item(world, uri, viewer?.did)) }
  },
  'app.bsky.feed.searchPosts': ({ world, viewer, params }) => {
    const words = wordsOf(params.get('q') ?? '')
    const has = ({ record }: { record: PostRecord }) =>
      words.every((word) => record.text.toLowerCase().includes(word))
    const found = world.posts.filter(has).map(({ uri }) => world.postView(uri, viewer?.did)!)
    if (params.get('sort') !== 'top') return { posts: found }
    return { posts: found.toSorted((a, b) => (b.likeCount ?? 0) - (a.likeCount ?? 0)) }
  },
  'app.bsky.actor.searchActors': ({ world, viewer, params }) => ({
    actors: peopleWith(world, params).map(({ did }) => world.person(did, viewer?.did)),
  }),
  'app.bsky.actor.searchActorsTypeahead': ({ world, viewer, params }) => ({
    actors: peopleWith(world, params).map(({ did }) => world.person(did, viewer?.did)),
  }),
  'app.bsky.graph.getFollowers': ({ world, viewer, params }) => {
    const did = world.account(params.get('actor') ?? '')?.did
    const found = world.follows.filter(({ subject }) => subject === did)
    return { followers: found.map(({ by }) => world.person(by, viewer?.did)) }
  },
  'app.bsky.graph.getFollows': ({ world, viewer, params }) => {
    const did = world.account(params.get('actor') ?? '')?.did
    const found = world.follows.filter(({ by }) => by === did)
    return { follows: found.map(({ subject }) => world.person(subject, viewer?.did)) }
  },
  'app.bsky.notification.listNotifications': ({ world, viewer }) => ({
    notifications: mine(viewer).handle === 'sara.test' ? world.notes : [],
  }),
  'app.bsky.notification.getUnreadCount': ({ world, viewer }) => ({
    count:
      mine(viewer).handle === 'sara.test'
        ? world.notes.filter(({ isRead, indexedAt }) => !isRead && indexedAt > world.seenAt).length
        : 0,
  }),
  'app.bsky.notification.updateSeen': ({ world, body }) => {
    world.seenAt = String(body.seenAt)
    return {}
  },
}

const wordsOf = (text: string) => text.toLowerCase().split(/\s+/).filter(Boolean)

function peopleWith(world: World, params: URLSearchParams): Account[] {
  const words = wordsOf(params.get('q') ?? '')
  return world.accounts.filter(({ handle, name = '' }) =>
    words.every((word) => `${handle} ${name}`.toLowerCase().includes(word)),
  )
}

const hasPictures = ({ embed }: PostRecord) =>
  (embed as { $type?: string } | undefined)?.$type === 'app.bsky.embed.images'

const ref = ({ uri, cid }: { uri: string; cid: string }) => ({ uri, cid })
const authority = (uri: string) => uri.split('/')[2] ?? ''

function item(world: World, uri: string, viewer?: string) {
  const post = world.postView(uri, viewer)!
  const reply = post.record.reply
  if (!reply) return { post }
  const parent: Post | Gone = world.postView(reply.parent.uri, viewer) ?? gone(reply.parent.uri)
  const root: Post | Gone = world.postView(reply.root.uri, viewer) ?? gone(reply.root.uri)
  return { post, reply: { parent, root } }
}

const gone = (uri: string): Gone => ({
  $type: 'app.bsky.feed.defs#notFoundPost',
  uri,
  notFound: true,
})

function threadUp(world: World, uri: string, viewer?: string): ThreadNode | Gone {
  const post = world.postView(uri, viewer)
  if (!post) return gone(uri)
  const parent = post.record.reply?.parent.uri
  return { post, ...(parent ? { parent: threadUp(world, parent, viewer) } : {}) }
}

function repliesTo(world: World, uri: string, viewer?: string): ThreadNode[] {
  return world.posts
    .filter(({ record }) => record.reply?.parent.uri === uri)
    .map((post) => ({
      post: world.postView(post.uri, viewer)!,
      replies: repliesTo(world, post.uri, viewer),
    }))
}
