/**
 * A moderation service: takes reports in, keeps the history of decisions, says them as signed
 * labels, and has takedowns carried out. https://atproto.com/specs/label
 */
import {
  createJobs,
  type Log,
  type Metrics,
  type Outside,
  type Service,
  sealer,
} from '#platform/runtime'
import type { Sql, Streams } from '#platform/storage'
import { fromHex, importKey } from '#protocol/crypto'
import { cachedDirectory, networkDirectory, type PlcUrls } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { createRouter, failureLog } from '#protocol/xrpc'
import { Callers } from './auth/callers.ts'
import { loadOwnIdentity } from './auth/own-identity.ts'
import type { ModerationConfig } from './config.ts'
import { Ledger, Records } from './decisions/index.ts'
import { loadDeclaration } from './declaration.ts'
import { LabelPublisher, Labels } from './labels/index.ts'
import { methods } from './methods.ts'
import { MyStatus } from './my-status.ts'
import { DeskPage } from './page/desk-page.ts'
import type { Moderation } from './parts.ts'
import { Reports } from './reports.ts'
import { readPdsAdmin, Takedowns } from './takedowns/index.ts'

export { type ModerationConfig, moderationConfig } from './config.ts'
export { readPdsAdmin } from './takedowns/index.ts'

/** Where the migrations of its database are. */
export const moderationMigrations = new URL('./migrations/', import.meta.url)

export interface ModerationDeps {
  /** Where people and other services reach it; without a trailing slash. */
  publicUrl: string
  /** Opened with `moderationMigrations` and full synchronisation: decisions must not be lost. */
  sql: Sql
  streams: Streams
  /** 32 bytes: seals the keys of its identity in the database. */
  sealingKey: Uint8Array
  outside: Outside
  log: Log
  metrics: Metrics
  version: string
  /** Check answers against their lexicons; for tests. */
  validateOutput?: boolean
}

export interface ModerationService extends Service {
  readonly did: Did
}

/** Nobody tells this service of changes: identities are asked for again after so long. */
const IDENTITY_MS = 5 * 60_000

/** Builds a moderation service. It makes itself a did:plc on its first start. */
export async function createModeration(
  config: Omit<ModerationConfig, 'plc'> & { plc: PlcUrls },
  deps: ModerationDeps,
): Promise<ModerationService> {
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
  const { did } = identity
  const directory = cachedDirectory(
    networkDirectory({
      plcUrl: config.plc,
      fetch: (url, init) => fetch(url, init),
      timers: outside.timers,
      resolveTxt: outside.resolveTxt,
      allowHttp: publicUrl.startsWith('http:'),
    }),
    { now, ttlMs: IDENTITY_MS },
  )
  const stream = await deps.streams.open('labels')
  const publisher = new LabelPublisher({ sql, stream })
  const labels = new Labels({
    sql,
    did,
    key: importKey('k256', fromHex(identity.signingKeyHex)),
    now,
  })
  const takedowns = new Takedowns({
    sql,
    directory,
    fetch,
    hosts: config.pdsAdmin.map(readPdsAdmin),
    now,
    ask: (...job) => jobs.add(...job),
    async expire(subject) {
      const event = {
        $type: 'tools.ozone.moderation.defs#modEventReverseTakedown',
        comment: 'Its time is over',
      }
      await ledger.append({
        subject: { ...subject, collection: undefined, cid: undefined },
        event,
        by: did,
      })
    },
  })
  const jobs = createJobs({ sql, kinds: takedowns.kinds, outside, log, metrics })
  const counted = metrics.counter('moderation_events', 'Reports and decisions', ['type'])
  const ledger = new Ledger({
    sql,
    labels,
    takedowns,
    now,
    appended(name) {
      counted.with(name).add()
      publisher.wake()
    },
  })
  const records = new Records({ sql })
  const callers = new Callers({
    did,
    adminPassword: config.adminPassword,
    moderators: config.moderators,
    directory,
    now,
  })
  const moderation: Moderation = {
    did,
    callers,
    declaration: await loadDeclaration(sql, now()),
    labels,
    ledger,
    myStatus: new MyStatus({ sql, now }),
    records,
    reports: new Reports({ ledger, records, now, perHour: config.reportsPerHour }),
    stream,
  }
  const desk = new DeskPage({ did, callers, directory, fetch, labels, ledger, records })
  metrics.gauge('moderation_newest_label', 'Newest label published', [], () => stream.bounds().last)
  const answers = metrics.counter('moderation_answers', 'Answers by method', ['method', 'status'])
  const router = createRouter(methods(moderation), {
    validateOutput: deps.validateOutput === true,
    health: () => ({ version: deps.version }),
    onAnswer: (nsid, status) => answers.with(nsid, String(status)).add(),
    onFailure: failureLog(log),
  })
  return {
    name: 'moderation',
    did,
    handle: (request) =>
      request.path.startsWith('/xrpc/') ? router.handle(request) : desk.handle(request),
    subscribe: (request) => router.subscribe(request),
    loops: [
      publisher.loop,
      jobs.loop,
      {
        name: 'identity',
        run: async () => identity.refresh(),
      },
    ],
    close: () => stream.close(),
  }
}
