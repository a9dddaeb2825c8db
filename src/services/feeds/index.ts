/**
 * Feed generators. Owns three feeds over the network's posts, follows and likes, and the records that
 * publish them. Gives skeletons only: whoever asks hydrates.
 * https://docs.bsky.app/docs/starter-templates/custom-feeds
 */
import type { Log, Metrics, Outside, Sealer, Service, Subscribe } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { fromHex, hex, importKey } from '#protocol/crypto'
import {
  cachedDirectory,
  keptServiceIdentity,
  networkDirectory,
  type PlcUrls,
} from '#protocol/identity'
import type { AtUri, Did, Handle } from '#protocol/syntax'
import { createRouter, failureLog, type HttpResponse } from '#protocol/xrpc'
import type { FeedsConfig } from './config.ts'
import { Intake } from './intake/index.ts'
import { methods } from './methods.ts'
import { Publisher } from './publish/index.ts'

export { type FeedsConfig, feedsConfig } from './config.ts'

/** Where the migrations of the feeds' database are. */
export const feedsMigrations = new URL('./migrations/', import.meta.url)

export interface FeedsDeps {
  publicUrl: string
  /** Opened with `feedsMigrations`. Can be filled again from a jetstream, but for its identity. */
  sql: Sql
  /** Seals the identity's keys and the account's password. */
  sealer: Sealer
  outside: Outside
  subscribe: Subscribe
  log: Log
  metrics: Metrics
  version: string
}

export interface FeedsService extends Service {
  readonly did: Did
  /** AT-URIs of the published feeds; empty until the host took them. */
  published(): readonly AtUri[]
}

const DAY_MS = 24 * 3_600_000
/** How long being ready waits for the records to be published; a host that is away holds nobody up. */
const READY_MS_MAX = 2_000

/** Builds the feeds; they fill by their loops. */
export async function createFeeds(
  config: Omit<FeedsConfig, 'plc'> & {
    plc: PlcUrls
    jetstream: string
    accountHost: string
    account: string
  },
  deps: FeedsDeps,
): Promise<FeedsService> {
  const { sql, sealer, outside, log, metrics } = deps
  const { now } = outside
  const identity = await loadIdentity(config.plc, deps)
  const { did } = identity
  const directory = cachedDirectory(
    networkDirectory({
      plcUrl: config.plc,
      fetch: (url, init) => outside.fetch(url, init),
      timers: outside.timers,
      resolveTxt: outside.resolveTxt,
      allowHttp: deps.publicUrl.startsWith('http:'),
    }),
    { now },
  )
  const intake = new Intake({
    sql,
    jetstream: config.jetstream,
    subscribe: deps.subscribe,
    outside,
    log,
    metrics,
    retentionDays: config.retentionDays,
    forget: (did) => directory.forget(did),
  })
  await intake.resume()
  const publisher = new Publisher({
    did,
    key: importKey('k256', fromHex(identity.signingKeyHex)),
    host: config.accountHost,
    handle: config.account as Handle,
    password: config.accountPassword,
    sql,
    sealer,
    outside,
    log,
  })
  await publisher.resume()
  const published = () => publisher.published
  const router = createRouter(methods({ did, sql, directory, now, published }), {
    health: () => ({ version: deps.version }),
    onFailure: failureLog(log),
  })
  return {
    name: 'feeds',
    did,
    published,
    handle: (request) =>
      request.path.startsWith('/xrpc/') ? router.handle(request) : otherPath(request.path),
    loops: [
      ...intake.loops,
      publisher.loop,
      {
        name: 'own-identity',
        async run(signal) {
          await identity.refresh()
          await outside.timers.sleep(DAY_MS, signal).catch(() => {})
        },
      },
    ],
    ready: () => publisher.firstAttempt(READY_MS_MAX),
    close: async () => {},
  }
}

const SETTING = 'identity'

function loadIdentity(plcUrl: PlcUrls, { sql, sealer, outside, publicUrl }: FeedsDeps) {
  return keptServiceIdentity({
    plcUrl,
    fetch: (url, init) => outside.fetch(url, init),
    random: outside.random,
    endpoint: publicUrl,
    serviceId: '#bsky_fg',
    serviceType: 'BskyFeedGenerator',
    async read() {
      const select = 'SELECT value FROM settings WHERE name = ?'
      const row = await sql.get<{ value: string }>(select, [SETTING])
      return row && sealer.open(fromHex(row.value), SETTING)
    },
    async write(bytes) {
      const sealed = hex(sealer.seal(bytes, SETTING))
      await sql.run('INSERT INTO settings (name, value) VALUES (?, ?)', [SETTING, sealed])
    },
  })
}

function otherPath(path: string): HttpResponse {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  if (path === '/') return { status: 200, headers, body: 'Feed generators of the AT Protocol\n' }
  return { status: 404, headers, body: 'Not found\n' }
}
