import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { ComAtprotoSyncListRepos } from '@atcute/atproto'
import {
  createMetrics,
  type FrameBatch,
  type HttpRequest,
  type LocalTransport,
  localTransport,
  type Metrics,
  type Outside,
  realOutside,
  type Service,
  silentLog,
  superviseLoops,
} from '#platform/runtime'
import { loadMigrations, openLocalStreams, openSqlite } from '#platform/storage'
import { cidForCbor, generateKey } from '#protocol/crypto'
import { encodeCbor, fromJson, parseCid } from '#protocol/data'
import { commitEvent, planCommit, Tree } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import { encodeFrame, xrpcClient } from '#protocol/xrpc'
import { appviewConfig, appviewMigrations, createAppview } from '#services/appview'
import { createJetstream } from '#services/jetstream'
import { createPlc, plcConfig, plcMigrations } from '#services/plc'
import { createRelay, relayConfig, relayMigrations } from '#services/relay'
import { eventually, temporaryFolder } from '../rig.ts'
import { vectorPath } from '../vectors.ts'

const corpus = vectorPath('firehose-corpus')

const upstreamUrl = 'https://upstream.example'
const plcUrl = 'https://plc.example'
const relayUrl = 'https://relay.example'
const jetstreamUrl = 'https://jetstream.example'
const appviewUrl = 'https://appview.example'

interface Manifest {
  seq_first: number
  frames: number
  commit_frames: number
  v1_events: number
  commit_dids: string[]
}

interface V1Event {
  did: string
  time_us?: number
  kind: string
  commit?: {
    rev: string
    operation: 'create' | 'update' | 'delete'
    collection: string
    rkey: string
    cid?: string
    record?: unknown
  }
  identity?: object
  account?: object
}

/** A stretch of the real network: what a relay sent, and what the production Jetstream made of it. */
function readCorpus(folder: string) {
  const read = (name: string) => readFileSync(join(folder, name))
  const bytes = zstdDecompressSync(read('frames.bin.zst'))
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at)
    frames.push(bytes.subarray(at + 4, end))
    at = end
  }
  return {
    frames,
    manifest: JSON.parse(read('manifest.json').toString()) as Manifest,
    documents: JSON.parse(zstdDecompressSync(read('did_docs.json.zst')).toString()) as object,
    expected: linesOf(read('expected_v1.jsonl')),
  }
}

function linesOf(file: Buffer): V1Event[] {
  return file
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

const withoutTime = ({ time_us: _, ...event }: V1Event) => event

/** Services on a transport that reaches nothing else. */
class ClosedWorld {
  readonly transport: LocalTransport = localTransport()
  readonly outside: Outside = {
    ...realOutside({ allowPrivate: false }),
    fetch: (url, init) => this.transport.fetch(url, init),
    resolveTxt: async () => [],
  }
  readonly #stop: (() => Promise<unknown>)[] = []

  async add(url: string, make: (metrics: Metrics) => Promise<Service>): Promise<Metrics> {
    const metrics = createMetrics()
    const service = await make(metrics)
    this.transport.add(url, service)
    const loops = superviseLoops(service.loops, { outside: this.outside, log: silentLog, metrics })
    this.onStop(async () => {
      await loops.stop()
      await service.close()
    })
    return metrics
  }

  /** Reads a stream until so many frames have come. */
  async take(url: string, count: number): Promise<(Uint8Array | string)[]> {
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), 20_000)
    const taken: (Uint8Array | string)[] = []
    for await (const batch of this.transport.subscribe(url, { signal: abort.signal })) {
      taken.push(...batch)
      if (taken.length >= count) break
    }
    clearTimeout(timer)
    abort.abort()
    return taken
  }

  onStop(end: () => Promise<unknown>): void {
    this.#stop.unshift(end)
  }

  async stop(): Promise<void> {
    for (const end of this.#stop) await end()
  }
}

describe('the real firehose', { skip: corpus === undefined }, () => {
  const { frames, manifest, documents, expected } = corpus
    ? readCorpus(corpus)
    : ({} as ReturnType<typeof readCorpus>)
  const world = new ClosedWorld()
  const { transport, outside } = world
  let relayMetrics: Metrics

  before(async () => {
    const folder = temporaryFolder()
    world.onStop(async () => folder.remove())
    const common = { outside, subscribe: transport.subscribe, log: silentLog, version: 'test' }
    const openStreams = (name: string) => openLocalStreams(join(folder.path, name))
    const openSql = (migrations: URL) =>
      openSqlite(':memory:', { migrations: loadMigrations(migrations) })

    await world.add(plcUrl, async (metrics) => {
      const sql = await openSql(plcMigrations)
      return withDocuments(
        await createPlc(plcConfig.with({ limits: false }), { ...common, metrics, sql }),
        documents as Record<string, unknown>,
      )
    })
    transport.add(upstreamUrl, upstream(frames))
    relayMetrics = await world.add(relayUrl, async (metrics) =>
      createRelay(
        {
          ...relayConfig.with({ trustedRelay: [upstreamUrl], firstSeq: manifest.seq_first }),
          plc: plcUrl,
        },
        {
          ...common,
          metrics,
          sql: await openSql(relayMigrations),
          streams: await openStreams('relay'),
          local: false,
        },
      ),
    )
    await world.add(jetstreamUrl, async (metrics) =>
      createJetstream(
        { retentionHours: 72, relay: relayUrl },
        { ...common, metrics, streams: await openStreams('jetstream') },
      ),
    )
    await world.add(appviewUrl, async (metrics) =>
      createAppview(
        { ...appviewConfig.with({}), plc: plcUrl, relay: relayUrl },
        {
          ...common,
          metrics,
          publicUrl: appviewUrl,
          sql: await openSql(appviewMigrations),
          sealingKey: outside.random(32),
        },
      ),
    )
  })
  after(() => world.stop())

  test('enters our relay whole: every commit verifies', async () => {
    const url = `${relayUrl}/xrpc/com.atproto.sync.subscribeRepos?cursor=${manifest.seq_first - 1}`
    const passed = await world.take(url, manifest.frames)
    const of = (type: string) => relayMetrics.value('relay_events_total', type, 'accepted')
    assert.equal(of('#commit'), manifest.commit_frames)
    assert.equal(of('#identity') + of('#account'), manifest.frames - manifest.commit_frames)
    // Numbered as upstream numbers, so byte for byte the same.
    assert.equal(passed.length, frames.length)
    assert.ok(passed.every((frame, i) => Buffer.from(frame as Uint8Array).equals(frames[i]!)))
  })

  test('lists every account that wrote', async () => {
    const client = xrpcClient({ service: relayUrl, fetch: transport.fetch })
    const dids = await eventually('all repositories', async () => {
      const { repos } = await client.get(ComAtprotoSyncListRepos.mainSchema, { limit: 1_000 })
      return repos.length >= manifest.commit_dids.length && repos.map(({ did }) => did)
    })
    assert.deepEqual(dids, manifest.commit_dids.toSorted())
  })

  test('comes out of our jetstream as it came out of the production one', async () => {
    const texts = await world.take(`${jetstreamUrl}/subscribe?cursor=0`, manifest.v1_events)
    const ours = texts.map((text) => withoutTime(JSON.parse(text as string)))
    assert.equal(ours.length, manifest.v1_events)
    assert.deepEqual(ours.toSorted(byPlace), expected.map(withoutTime).toSorted(byPlace))
  })

  test('can be read in our app view: its posts, under handles that nobody could check', async () => {
    const posts = expected.filter(({ commit }) => isPost(commit) && commit!.operation === 'create')
    const uris = posts.map(({ did, commit }) => `at://${did}/app.bsky.feed.post/${commit!.rkey}`)
    assert.ok(uris.length > 5)
    const found = await eventually('all posts in the index', async () => {
      const views: PostView[] = []
      for (let at = 0; at < uris.length; at += 25) {
        const query = uris.slice(at, at + 25).map((uri) => `uris=${encodeURIComponent(uri)}`)
        views.push(...(await ask<{ posts: PostView[] }>('getPosts', query.join('&'))).posts)
      }
      return views.length === uris.length && views
    })
    for (const [i, view] of found.entries()) {
      const { commit, did } = posts[i]!
      assert.deepEqual(view.record, commit!.record)
      assert.equal(view.cid, commit!.cid)
      assert.equal(view.author.did, did)
      assert.equal(view.author.handle, 'handle.invalid')
    }
    const { did } = posts[0]!
    const { feed } = await ask<{ feed: { post: PostView }[] }>('getAuthorFeed', `actor=${did}`)
    assert.ok(feed.some(({ post }) => post.uri === uris[0]))
  })

  interface PostView {
    uri: string
    cid: string
    record: unknown
    author: { did: string; handle: string }
  }

  async function ask<T>(method: string, query: string): Promise<T> {
    const response = await transport.fetch(`${appviewUrl}/xrpc/app.bsky.feed.${method}?${query}`)
    assert.equal(response.status, 200, method)
    return (await response.json()) as T
  }
})

const golden = vectorPath('jetstream-golden-v1.jsonl')

/** Events of the production service, made again out of what they show. */
describe('the wire form of Jetstream v1', { skip: golden === undefined }, () => {
  const events = golden ? linesOf(readFileSync(golden)) : []
  const world = new ClosedWorld()
  let texts: string[]

  before(async () => {
    const folder = temporaryFolder()
    world.onStop(async () => folder.remove())
    world.transport.add(upstreamUrl, upstream(events.map(frameOf)))
    await world.add(jetstreamUrl, async (metrics) =>
      createJetstream(
        { retentionHours: 72, relay: upstreamUrl },
        {
          outside: world.outside,
          subscribe: world.transport.subscribe,
          log: silentLog,
          version: 'test',
          metrics,
          streams: await openLocalStreams(folder.path),
        },
      ),
    )
    texts = (await world.take(`${jetstreamUrl}/subscribe?cursor=0`, events.length)) as string[]
  })
  after(() => world.stop())

  for (const [i, event] of events.entries()) {
    const { kind, commit } = event
    const what = commit ? `${commit.operation} of ${commit.collection}` : kind
    test(`is ours: ${i + 1}, ${what}`, () => {
      const ours = JSON.parse(texts[i]!) as V1Event
      assert.deepEqual(withoutTime(ours), withoutTime(event))
      assert.deepEqual(Object.keys(ours), Object.keys(event))
      assert.deepEqual(Object.keys(ours.commit ?? {}), Object.keys(commit ?? {}))
      assert.ok(Number.isSafeInteger(ours.time_us))
    })
  }
})

const key = generateKey('k256')

/** The frame that an event came from, as far as a jetstream looks. */
function frameOf(event: V1Event, index: number): Uint8Array {
  const { did, kind, commit } = event
  if (!commit) return encodeFrame(`#${kind}`, event[kind as 'identity' | 'account'])
  const { operation, collection, rkey, record, cid } = commit
  const path = `${collection}/${rkey}`
  const bytes = encodeCbor(fromJson(record ?? {}))
  const before = operation === 'create' ? Tree.empty() : Tree.build([[path, cidForCbor(bytes)]])
  const old = cidForCbor(encodeCbor({ old: true }))
  const tree = operation === 'update' ? before.put(path, old) : before
  const plan = planCommit({
    did: did as Did,
    tree,
    writes: [{ action: operation, path, cid: cid ? parseCid(cid) : undefined, bytes }],
    rev: commit.rev,
    key,
  })
  return commitEvent({ plan, seq: index + 1, time: new Date().toISOString() })
}

const isPost = (commit: V1Event['commit']) => commit?.collection === 'app.bsky.feed.post'

function byPlace(a: V1Event, b: V1Event): number {
  return placeOf(a) < placeOf(b) ? -1 : 1
}

function placeOf({ did, kind, commit }: V1Event): string {
  return [did, kind, commit?.collection, commit?.rkey, commit?.operation].join(' ')
}

/** A relay that sends what was recorded, and then stays silent. */
function upstream(frames: readonly Uint8Array[]): Pick<Service, 'handle' | 'subscribe'> {
  return {
    handle: () => ({ status: 404 }),
    async *subscribe({ query, signal }: HttpRequest): AsyncGenerator<FrameBatch> {
      if (new URLSearchParams(query).get('cursor') === '0') {
        for (let at = 0; at < frames.length; at += 40) yield frames.slice(at, at + 40)
      }
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    },
  }
}

/** A directory that also knows these documents, and lets nobody change them. */
function withDocuments(plc: Service, documents: Record<string, unknown>): Service {
  return {
    ...plc,
    handle(request) {
      const document = documents[decodeURIComponent(request.path.slice(1))]
      if (!document) return plc.handle(request)
      if (request.method !== 'GET') return { status: 403 }
      return { status: 200, body: JSON.stringify(document) }
    },
  }
}
