/**
 * An app view: indexes app.bsky records from a relay's events and answers the reads of clients.
 * https://atproto.com/guides/applications
 */
import {
  createJobs,
  type HttpRequest,
  type HttpResponse,
  type Log,
  type Loop,
  type Metrics,
  type Outside,
  type Service,
  type Subscribe,
  sealer,
} from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { cachedDirectory, type Directory, networkDirectory, type PlcUrls } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { createRouter, failureLog } from '#protocol/xrpc'
import { operatorAuth } from './auth/operator.ts'
import { loadOwnIdentity, type OwnIdentity } from './auth/own-identity.ts'
import { Bookmarks } from './bookmarks/bookmarks.ts'
import type { AppviewConfig } from './config.ts'
import { Drafts } from './drafts/drafts.ts'
import { Handles } from './handles/handles.ts'
import { Originals } from './images/originals.ts'
import { EventIndexer } from './index/apply.ts'
import { collectionsWith } from './index/collections.ts'
import { createConsumer } from './index/consumer.ts'
import { IndexWriter, type Rest } from './index/writer.ts'
import { LabelerReader } from './labelers/follow-labeler.ts'
import { LabelStore } from './labelers/label-store.ts'
import { Labelers } from './labelers/labelers.ts'
import { methods } from './methods.ts'
import { Mutes } from './mutes/mutes.ts'
import { ThreadMutes } from './mutes/thread-mutes.ts'
import { ActivitySubscriptions } from './notifications/activity-subscriptions.ts'
import { NoticeSettings } from './notifications/notice-settings.ts'
import { PushTokens } from './notifications/push-tokens.ts'
import { PrivateState } from './private-state/private-state.ts'
import { createReader } from './reader.ts'
import type { IndexFiles } from './rebuild/index-files.ts'
import { type Generation, Rebuild } from './rebuild/rebuild.ts'
import { BACKFILL_JOB, backfillJobs } from './repair/backfill.ts'
import { repairJobs } from './repair/repair.ts'
import { otherPaths } from './routes.ts'
import { Scope, scopeRule } from './scope/scope.ts'
import { forgetJobs, upkeepLoop } from './scope/upkeep.ts'
import { Visitors } from './scope/visitors.ts'

export { type AppviewConfig, appviewConfig } from './config.ts'
export type { IndexFiles } from './rebuild/index-files.ts'
export { scopeRule } from './scope/scope.ts'

/** Where the migrations of the index are. */
export const appviewMigrations = new URL('./migrations/', import.meta.url)

export interface AppviewDeps {
  /** Where clients and other services reach it; without a trailing slash. */
  publicUrl: string
  /** Our own moderation service, asked again and again: it may start later. */
  moderation?(): { did: string } | undefined
  /** Opened with `appviewMigrations`. What it holds can be indexed again, so it need not be fsynced. */
  sql: Sql
  /** Where `sql` is one of several files: then the index can be made anew beside it. */
  files?: IndexFiles
  /** 32 bytes: seals the keys of its identity in the database. */
  sealingKey: Uint8Array
  outside: Outside
  subscribe: Subscribe
  log: Log
  metrics: Metrics
  version: string
}

export interface AppviewService extends Service {
  readonly did: Did
}

type Config = Omit<AppviewConfig, 'plc'> & { plc: PlcUrls; relay: string }

/**
 * Builds an app view. It makes itself a did:plc on its first start; the index fills by its loops, and
 * can be made anew where it has files.
 */
export async function createAppview(config: Config, deps: AppviewDeps): Promise<AppviewService> {
  const { files, log, metrics, outside } = deps
  let rebuild: Rebuild | undefined
  const serving = await createIndex(config, deps, { rebuild: () => rebuild })
  if (files !== undefined)
    rebuild = new Rebuild({
      ...{ files, serving, log, metrics, outside },
      make: (sql) => createIndex(config, { ...deps, sql }, { isNew: true, rebuild: () => rebuild }),
      source: config.relay,
      hasScope: config.scope !== 'all',
    })
  return {
    name: 'appview',
    did: serving.did,
    handle: (request) => (rebuild ?? serving).handle(request),
    loops: (rebuild ?? serving).loops,
    // The database that was handed in is closed by whoever did, unless another took its place.
    close: async () => {
      if (rebuild !== undefined && rebuild.sql !== deps.sql) await rebuild.sql.close()
    },
  }
}

/** An index with all that fills it and answers from it. `isNew`: it is being filled, and serves nobody yet. */
async function createIndex(
  config: Config,
  deps: AppviewDeps,
  { isNew = false, rebuild }: { isNew?: boolean; rebuild(): Rebuild | undefined },
): Promise<Generation & { did: Did }> {
  const { publicUrl, sql, outside, log, metrics } = deps
  const { now, random } = outside
  const fetch: Outside['fetch'] = (url, init) => outside.fetch(url, init)
  const identity = await loadOwnIdentity({
    sql,
    sealer: sealer(deps.sealingKey),
    plcUrl: config.plc,
    publicUrl,
    fetch,
    random,
  })
  const directory = cachedDirectory(
    networkDirectory({
      plcUrl: config.plc,
      fetch: (url, init) => fetch(url, init),
      timers: outside.timers,
      resolveTxt: outside.resolveTxt,
      localHandleHosts: () => config.pdsHosts,
      allowHttp: publicUrl.startsWith('http:'),
    }),
    { now },
  )
  const own = ownLabelers(config, deps)
  const labelers = new Labelers({
    own,
    follow: (did, signal) =>
      new LabelerReader(did, {
        store: labelStore,
        directory,
        subscribe: deps.subscribe,
        outside,
        metrics,
        log,
      }).follow(signal, { isOwn: own().includes(did) }),
    now,
    metrics,
  })
  const reader = createReader({
    sql,
    directory,
    mediaUrl: config.images ?? publicUrl,
    fetch,
    timers: outside.timers,
    searchUrl: config.search,
    now,
    did: identity.did,
    labelers,
    verifiers: config.verifiers,
    missed: config.scope === 'all' ? undefined : (uris) => visitors.missed(uris),
  })
  const scope = scopeOf(config, { directory, now })
  const news = createNews()
  const writer = new IndexWriter({
    sql,
    now,
    scope,
    rest: isNew ? restFor(config.rebuildShare, outside) : undefined,
    committed(changed) {
      reader.forget(changed)
      news.tell()
      if (changed.handlesDue) handles.wake()
      if (changed.jobsDue) jobs.wake()
    },
  })
  const labelStore = new LabelStore({ sql, writer })
  const handles = new Handles({ sql, writer, directory, outside, metrics, log })
  const collections = collectionsWith(config.rawCollections)
  const kinds = {
    ...repairJobs({ writer, collections, directory, fetch, metrics, log }),
    ...forgetJobs({ writer, collections }),
    ...backfillJobs({ writer, fetch, log }),
  }
  const jobs = createJobs({ sql, kinds, outside, log, metrics })
  const forget = (did: Did) => {
    directory.forget(did)
    reader.auth.forget(did)
    scope?.forget(did)
  }
  const indexer = new EventIndexer({
    writer,
    collections,
    directory,
    forget,
    scope,
    metrics,
    log,
    now,
  })
  const consumer = createConsumer({
    sql,
    subscribe: deps.subscribe,
    indexer,
    upstream: { source: config.relay, verify: config.verify },
    timers: outside.timers,
    metrics,
    log,
  })
  if ((config.backfill || isNew) && scope === undefined) await jobs.add(BACKFILL_JOB, config.relay)
  const retentionDays = config.scopeRetentionDays
  const upkeep = scope ? [upkeepLoop({ scope, writer, outside, fetch, retentionDays, log })] : []
  const originals = new Originals({ actors: reader.actors, directory })
  const answers = metrics.counter('appview_answers', 'Answers by method', ['method', 'status'])
  const { resolver } = reader
  const visitors = new Visitors({ scope, sql, writer, collections, directory, fetch, now })
  const parts = {
    ...reader,
    ageRegions: config.ageRegions,
    bookmarks: new Bookmarks({ sql, writer, resolver }),
    drafts: new Drafts({ sql, writer, now }),
    mutes: new Mutes({ sql, writer }),
    activitySubscriptions: new ActivitySubscriptions({ writer }),
    noticeSettings: new NoticeSettings({ writer }),
    privateState: new PrivateState({ sql, writer }),
    operator: operatorAuth(config.adminPassword, now),
    pushTokens: new PushTokens({ writer }),
    rebuild,
    threadMutes: new ThreadMutes({ writer }),
    visitors,
  }
  const router = createRouter(methods(parts), {
    async health() {
      await sql.get('select 1 as one')
      return { version: deps.version }
    },
    onAnswer: (nsid, status) => answers.with(nsid, String(status)).add(),
    onFailure: failureLog(log),
  })
  return {
    sql,
    writer,
    did: identity.did,
    news: () => news.next(),
    handle: (request) =>
      request.path.startsWith('/xrpc/')
        ? withLabelers(router.handle(request), request, labelers)
        : (originals.handle(request) ?? otherPaths(request.path, identity.did)),
    loops: [
      ...[consumer, handles.loop, labelers.loop, jobs.loop],
      ...(isNew ? [] : [identityLoop(identity, log)]),
      ...upkeep,
    ],
  }
}

/** Lets others wait for the next transaction. */
function createNews(): { next(): Promise<void>; tell(): void } {
  let tell = () => {}
  const wait = () => new Promise<void>((resolve) => (tell = resolve))
  let next = wait()
  return {
    next: () => next,
    tell() {
      tell()
      next = wait()
    },
  }
}

/** Leaves the rest of the time to those who are served: `share` of it, in percent, is spent writing. */
function restFor(share: number, { now, timers }: Outside): Rest | undefined {
  if (share === 100) return undefined
  return async (startedMs, signal) => {
    const spentMs = Math.max(1, now() - startedMs)
    await timers.sleep(Math.ceil((spentMs * (100 - share)) / share), signal).catch(() => {})
  }
}

/** Undefined where everybody is indexed. */
function scopeOf(
  { scope, members }: Pick<AppviewConfig, 'scope' | 'members'>,
  parts: { directory: Directory; now: () => number },
): Scope | undefined {
  if (scope === 'all') return undefined
  const rule = scopeRule(members, { hasNeighbours: scope === 'neighbourhood' })
  return new Scope({ rule, ...parts })
}

/** Labelers of the operator's choosing. The list is made once, when all of it is known. */
function ownLabelers(
  config: Pick<AppviewConfig, 'labelers' | 'moderation'>,
  { moderation }: Pick<AppviewDeps, 'moderation'>,
): () => readonly Did[] {
  let known: readonly Did[] | undefined
  return () => {
    if (known !== undefined) return known
    const first = config.moderation ?? moderation?.()
    const dids = [...(first ? [first.did] : []), ...config.labelers] as Did[]
    if (first || !moderation) known = dids
    return dids
  }
}

/** Says whose labels an answer can hold. */
async function withLabelers(
  answer: HttpResponse | Promise<HttpResponse>,
  { headers }: HttpRequest,
  labelers: Labelers,
): Promise<HttpResponse> {
  const response = await answer
  const accepted = labelers.accepted(headers['atproto-accept-labelers'])
  if (response.status !== 200 || accepted.length === 0) return response
  const value = labelers.contentHeader(accepted)
  if (value === '') return response
  return { ...response, headers: { ...response.headers, 'atproto-content-labelers': value } }
}

/** Brings our DID document up to date once; tried again by its supervisor until that worked. */
function identityLoop(identity: OwnIdentity, log: Log): Loop {
  return {
    name: 'identity',
    async run() {
      await identity.refresh()
      log.debug('identity is up to date', { did: identity.did })
    },
  }
}
