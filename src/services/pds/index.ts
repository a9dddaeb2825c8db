/**
 * A Personal Data Server. Owns accounts, their repositories and blobs, and the event stream that
 * announces them. Does not own views, feeds, search or moderation: it passes calls on to them.
 */

import {
  createJobs,
  deriveForeign,
  type Fetch,
  hashPassword,
  isForeignHash,
  type JobRun,
  type Log,
  type MailTransport,
  type Metrics,
  type Outside,
  type Service,
  type Subscribe,
  sealer,
  verifyNothing,
  verifyPassword,
} from '#platform/runtime'
import type { Blobs, Kv, Sql, Streams } from '#platform/storage'
import { base32, hmacSha256, parseDidKey } from '#protocol/crypto'
import {
  cachedDirectory,
  identityOf,
  networkDirectory,
  type PlcSigner,
  type PlcUrls,
  plcClient,
} from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { TidClock } from '#protocol/syntax'
import { createRouter, encodeErrorFrame, failureLog } from '#protocol/xrpc'
import { Accounts, Invites, ReservedKeys, Settings } from './accounts/index.ts'
import { requireNoAdoption } from './adopt/index.ts'
import { AccountBlobs } from './blobs/index.ts'
import { Checks } from './check/index.ts'
import type { PdsConfig } from './config.ts'
import { Devices } from './devices/index.ts'
import { Exports } from './exports/index.ts'
import { Factors, Passkeys } from './factors/index.ts'
import { openFleets } from './fleets/index.ts'
import { HandleProofReader, Handles } from './handles/index.ts'
import { loadHostDid, loadSecrets } from './host/index.ts'
import { HostedDids } from './hosted-dids/index.ts'
import { MadeOperations, openWatch } from './identity-watch/index.ts'
import { Imports } from './imports/index.ts'
import { fenced, type Lease, leaseHealth } from './lease/index.ts'
import { pdsLoops } from './loops.ts'
import { DELIVERY_JOB, DELIVERY_PACE, Mail, mailRoute } from './mail/index.ts'
import { methods } from './methods.ts'
import { HeldWrites, OtherHosts, openMoves } from './moves/index.ts'
import { OAuth, OAuthEndpoints } from './oauth/index.ts'
import { Audit, Operators } from './operators/index.ts'
import { Cookies, type PageFiles, Pages } from './pages/index.ts'
import type { Pds } from './parts.ts'
import { PlcAgent } from './plc/index.ts'
import { Preferences } from './preferences/index.ts'
import { ServiceProxy, type Services, Targets } from './proxy/index.ts'
import { rateLimits, uncounted } from './rates.ts'
import { OwnWrites } from './read-after-write/index.ts'
import { RecoveryKeys } from './recovery-keys/index.ts'
import { Repos } from './repos/index.ts'
import { forgetRescue, Rescues } from './rescues/index.ts'
import { routes } from './routes.ts'
import {
  ACCESS_LIFETIME_S,
  anyApp,
  Callers,
  Codes,
  EndedSessions,
  Passwords,
  Sessions,
  SignIns,
} from './sign-in/index.ts'
import { Promotion, StandbyHost, type StandbySource } from './standby/index.ts'
import {
  Erasure,
  KEY_CHANGE_JOB,
  KEY_CHANGE_PACE,
  type KeyChange,
  KeyChanges,
  Standing,
  StandingEvents,
} from './standing/index.ts'
import {
  SUSPENSION_JOB,
  SUSPENSION_PACE,
  Suspensions,
  Takedowns,
  takedownKey,
} from './takedowns/index.ts'
import { forgetGrants, takePrivate, VaultGrants } from './vault-grants/index.ts'
import { openWritePath } from './write-path.ts'

export {
  type AdoptedAccount,
  type AdoptionOptions,
  AdoptionRefused,
  type AdoptionReport,
  adopt,
  type ReferenceSource,
  SourceChanged,
} from './adopt/index.ts'
export type { AccountReport } from './check/index.ts'
export { type PdsConfig, pdsConfig } from './config.ts'
export {
  fencedHost,
  type Lease,
  type LeaseDeps,
  type LeaseEnd,
  type LeaseMemory,
  type LeaseNote,
  type LeaseRefusal,
  LeaseRefused,
  type TakeOptions,
  takeLease,
  type WitnessAnswer,
  WitnessClient,
  type WitnessPlace,
} from './lease/index.ts'
export {
  type Promoted,
  Standby,
  type StandbyDeps,
  type StandbyLease,
  wasPromoted,
} from './standby/index.ts'

/** Where the migrations of the directory database are. */
export const pdsMigrations = new URL('./migrations/', import.meta.url)

/** Where the files are that pages need, beside fonts. */
export const pdsPageFiles = new URL('./pages/files/', import.meta.url)

export interface PdsDeps {
  /** Where this host is reached, as identities name it; without a trailing slash. */
  publicUrl: string
  /** Where app.bsky calls go, asked at each call: it may start later than this host. */
  appview(): { url: string; did: string } | undefined
  /** Where reports go, likewise. */
  moderation?(): { url: string; did: string } | undefined
  /** Who is asked for feeds when a call names nobody, likewise. */
  feeds?(): { url: string; did: string } | undefined
  /** The directory database, opened with `pdsMigrations` and full synchronisation. */
  sql: Sql
  streams: Streams
  blobs: Blobs
  /** Where calls are counted. */
  counts: Kv
  /** Folder of the account files. */
  accountsDirectory: string
  /** Signs changes of identities made here; the host makes a key of its own without it. */
  rotationKey?: PlcSigner | undefined
  /** 32 bytes: seals every secret in the directory database. */
  sealingKey: Uint8Array
  /** Takes letters to people; without it they stay in the outbox. */
  mail?: MailTransport | undefined
  /** Takes the operator's letters, where they go by another server. */
  moderationMail?: MailTransport | undefined
  /** The right to write under this name, taken before anything here was opened; always had without. */
  lease?: Lease | undefined
  /** What pages need, by name: `pdsPageFiles`, and the fonts `arabic.woff2` and `latin.woff2`. Plain without. */
  pageFiles?: PageFiles | undefined
  /** Reads the streams of directories: without it, nobody watches the identities. */
  subscribe?: Subscribe
  outside: Outside
  log: Log
  metrics: Metrics
  version: string
  /** Check answers against their lexicons; for tests. */
  validateOutput?: boolean
  /** Told when storage failed so that nothing can be trusted: the process has to end. */
  onFatal?: (error: unknown) => void
  /** What a standby is given; without it nobody may follow. */
  standby?: StandbySource | undefined
}

export interface PdsService extends Service {
  readonly did: Did
  /** For a host that nobody uses: its loops do not run. */
  readonly checks: Checks
  /** What apps were granted. */
  readonly oauth: OAuth
}

/** Builds a PDS, replays its journal, and finishes what a crash interrupted. */
export async function createPds(
  config: Omit<PdsConfig, 'plc'> & { plc: PlcUrls },
  deps: PdsDeps,
): Promise<PdsService> {
  const { lease } = deps
  return lease ? fenced(lease, deps, (held) => buildPds(config, held)) : buildPds(config, deps)
}

async function buildPds(
  config: Omit<PdsConfig, 'plc'> & { plc: PlcUrls },
  deps: PdsDeps,
): Promise<PdsService> {
  const { lease, sql, outside, log, metrics, publicUrl } = deps
  const { now, random } = outside
  const fetch = outside.fetch
  const settings = new Settings(sql)
  await requireNoAdoption(settings)
  const sealed = sealer(deps.sealingKey)
  const { didWeb } = config
  const { sessionSecret, rotationKey } = await loadSecrets({
    settings,
    sealer: sealed,
    random,
    rotationKey: deps.rotationKey,
  })
  const identity = await loadHostDid({
    publicUrl,
    didWeb,
    plcUrl: config.plc,
    settings,
    sealer: sealed,
    fetch,
    random,
  })
  const host = {
    did: identity.did,
    publicUrl,
    handleDomains: config.handleDomains,
    version: deps.version,
    blobBytesMax: config.blobBytesMax,
    imports: { accepted: config.acceptImports, bytesMax: config.importBytesMax },
    links: { privacyPolicy: config.privacyPolicyUrl, termsOfService: config.termsOfServiceUrl },
    contactEmail: config.contactEmail,
  }
  const net = {
    fetch: (url: string, init?: RequestInit) => fetch(url, init),
    timers: outside.timers,
  }
  const hostedDids = new HostedDids({
    sql,
    accounts: () => accounts,
    domains: config.handleDomains,
    publicUrl,
    isOn: config.hostedDids,
    now,
  })
  const network = networkDirectory({
    ...net,
    plcUrl: config.plc,
    resolveTxt: outside.resolveTxt,
    localHandleHosts: () => config.pdsHosts,
    allowHttp: publicUrl.startsWith('http:'),
  })
  const directory = cachedDirectory(hostedDids.before(network), { now })

  const jobs = createJobs({
    sql,
    kinds: {
      'erase-account': {
        run: ({ key, payload }: JobRun<{ seq: number }>) => erasure.run(key as Did, payload.seq),
      },
      [SUSPENSION_JOB]: {
        ...SUSPENSION_PACE,
        run: ({ key }: JobRun) => suspensions.endIfOver(key as Did),
      },
      [KEY_CHANGE_JOB]: {
        ...KEY_CHANGE_PACE,
        run: ({ key, payload }: JobRun<KeyChange>) => keyChanges.settle(key as Did, payload),
      },
    },
    outside,
    log,
    metrics,
  })
  // A mail server that hangs holds up letters only.
  const mailJobs = createJobs({
    sql,
    kinds: { [DELIVERY_JOB]: { ...DELIVERY_PACE, run: (job) => mail.deliver(job) } },
    outside,
    log,
    metrics,
  })
  const mail: Mail = new Mail({
    sql,
    jobs: mailJobs,
    sealer: sealed,
    host: publicUrl,
    now,
    random,
    accounts: mailRoute(deps.mail, config.emailFromAddress),
    moderation: mailRoute(deps.moderationMail, config.moderationEmailFromAddress),
  })
  const accounts = new Accounts({
    sql,
    sealer: sealed,
    now,
    async onDeleted(did, seq) {
      await oauth.revokeAllApps(did)
      await forgetRescue(sql, did)
      await forgetGrants(sql, did)
      await jobs.add('erase-account', did, { seq })
    },
    onDropped: (account) => invites.giveBack(account),
  })
  // Before the replay: what ends an account ends what apps may do in its name.
  const oauth = new OAuth({
    issuer: publicUrl,
    secret: sessionSecret,
    sql,
    fetch,
    directory,
    resolveTxt: outside.resolveTxt,
    accounts,
    isHeld: (account) => factors.isHeld(account),
    trusted: config.oauthTrustedClients,
    metrics,
    now,
    random,
  })
  await accounts.prepare()
  const invites = new Invites({
    sql,
    policy: {
      required: config.inviteRequired,
      intervalMs: config.inviteIntervalMs,
      epochMs: config.inviteEpochMs,
    },
    hostname: new URL(publicUrl).hostname,
    now,
    random,
  })
  const standbySecret = deps.standby && config.standbySecret
  const standby =
    deps.standby && standbySecret
      ? await StandbyHost.open({
          secret: standbySecret,
          mode: config.standbyMode,
          awayMs: config.standbyAwayMs,
          whenAway: config.standbyWhenAway,
          source: deps.standby,
          settings,
          publicUrl,
          version: deps.version,
          sealingKey: deps.sealingKey,
          leaseEpoch: lease?.epoch,
          outside,
          log,
          metrics,
        })
      : undefined
  const promotion = await Promotion.load(settings)
  const writePath = await openWritePath({
    accounts,
    copying: standby?.feed,
    aboveSeq: promotion.aboveSeq,
    streams: deps.streams,
    accountsDirectory: deps.accountsDirectory,
    openFilesMax: config.openFilesMax,
    lease,
    now,
    log,
    onFatal: deps.onFatal ?? endProcess,
  })
  const { files, hot, recovery, checkpoints, stream, journal } = writePath
  standby?.begin({ accounts, files, stream, recovery })

  const clock = new TidClock(now, clockId(random))
  const takedowns = await Takedowns.load({ sql, now })
  const blobs = new AccountBlobs({
    blobs: deps.blobs,
    files,
    repos: () => repos,
    now,
    bytesMax: config.blobBytesMax,
    quotaBytes: config.accountBlobBytesMax,
    isTakenDown: (did, cid) => takedowns.has(takedownKey({ did, cid })),
    ...(standby && { uploaded: (did, cid) => standby.feed.uploaded(did, cid) }),
  })
  const repos: Repos = new Repos({ accounts, hot, journal, clock, now, syncBlobs: blobs.sync })
  const erasure = new Erasure({ accounts, files, hot, checkpoints, blobs, stream })
  const events = new StandingEvents({ accounts, now })
  const recoveryKey = config.recoveryDidKey && parseDidKey(config.recoveryDidKey).didKey
  const plcDirectory = plcClient({ ...net, plcUrl: config.plc })
  const made = new MadeOperations({ sql, now })
  const plc = new PlcAgent({
    client: plcDirectory,
    rotationKey,
    recoveryKey,
    publicUrl,
    made: (did, cid) => made.note(did, cid),
  })
  const standing = new Standing({
    accounts,
    repos,
    events,
    plc,
    newestSeq: () => stream.bounds().durable,
    random,
  })
  const suspensions: Suspensions = new Suspensions({
    sql,
    accounts,
    standing,
    takedowns,
    jobs,
    now,
  })
  const keyChanges = new KeyChanges({
    accounts,
    repos,
    events,
    plc,
    jobs,
    sealer: sealed,
    async named(did) {
      const document = await directory.document(did, { fresh: true })
      return document && identityOf(document).signingKey
    },
    now,
  })
  const recoveryKeys = new RecoveryKeys({ sql, plc, organisation: recoveryKey, now })
  const watch = openWatch({
    sql,
    accounts,
    mail,
    made,
    client: plcDirectory,
    plc,
    recoveryKeys,
    standing,
    directory,
    subscribe: deps.subscribe,
    watched: config.watchIdentities ? [config.plc].flat() : [],
    outside,
    log,
    metrics,
  })
  const sessions = new Sessions({
    sql,
    ended: await EndedSessions.load({ sql, lifetimeMs: ACCESS_LIFETIME_S * 1000, now }),
    secret: sessionSecret,
    audience: host.did,
    onAllRevoked: (did) => oauth.revokeAllApps(did),
    now,
    random,
  })
  const operators = new Operators({ sql, now, random })
  const audit = new Audit({ sql, now })
  const heldWrites = new HeldWrites({ ...net, now, blobs })
  const callers = new Callers({
    sessions,
    accounts,
    directory,
    hostDid: host.did,
    adminPassword: config.adminPassword,
    moderators: config.moderators,
    operators,
    audit,
    apps: (request) => oauth.server.authenticate(request),
    isPassedOn: (did) => heldWrites.isPassedOn(did),
    now,
  })
  const proxy = new ServiceProxy({
    authorize: callers.account({ deactivated: true, app: anyApp }),
    authorizeReport: callers.account({ deactivated: true, takendown: true, app: anyApp }),
    directory,
    fetch,
    targets: new Targets({
      services: servicesOf(config, deps),
      directory,
      allowHttp: publicUrl.startsWith('http:'),
    }),
    ownWrites: new OwnWrites({
      files,
      takedowns,
      publicUrl,
      cdnUrlPattern: config.appviewCdnUrlPattern,
      now,
    }),
    onPrivateChange: (did) => vaultGrants.changed(did),
    now,
    random,
  })
  const cookies = new Cookies(publicUrl)
  const codes = new Codes({ sql, now, random })
  const passwords = new Passwords({
    sql,
    hashing: {
      hash: hashPassword,
      verify: verifyPassword,
      verifyNothing,
      isForeign: isForeignHash,
      deriveForeign,
    },
    now,
    random,
  })
  const ownKey = base32(random(20))
  const moving = { ...outside, fetch: uncounted(net.fetch, { publicUrl, ownKey }) as Fetch }
  const {
    moves,
    budgets,
    loop: moveLoop,
  } = openMoves({
    sql,
    sealer: sealed,
    host,
    accounts,
    imports: () => pds.imports,
    sessions,
    passwords,
    codes,
    mail,
    standing,
    directory,
    plc: plcDirectory,
    crawlers: config.crawlers,
    appview: () => deps.appview(),
    quota: { accountBlobBytes: config.accountBlobBytesMax, blobBytes: config.blobBytesMax },
    outside: moving,
    log,
    metrics,
  })
  const { fleets, loop: fleetLoop } = openFleets({
    sql,
    sealer: sealed,
    host,
    moves,
    budgets,
    accounts,
    handles: () => pds.handles,
    directory,
    plc: plcDirectory,
    outside: moving,
    log,
  })
  const factors: Factors = new Factors({
    sql,
    codes,
    policy: config.secondFactors,
    isOperator: async ({ did, handle }) =>
      config.moderators.includes(did) || (await operators.isNamed(handle)),
    now,
    random,
  })
  const preferences = new Preferences({ files, repos, now })
  const vaultGrants = new VaultGrants({
    ...{ sql, accounts, outside, fetch, log, ours: config.privateVaults },
    take: (account) => takePrivate({ passwords, preferences, proxy, publicUrl, now }, account),
  })
  const repoExports = new Exports({ files, hot, sleep: (ms) => outside.timers.sleep(ms) })
  const pds: Pds = {
    host,
    accounts,
    files,
    repos,
    blobs,
    checkpoints,
    journal,
    recovery,
    exports: repoExports,
    imports: new Imports({
      files,
      hot,
      journal,
      clock,
      now,
      accounts,
      directory,
      plc: plcDirectory,
      repos: () => repos,
    }),
    standing,
    takedowns,
    suspensions,
    operators,
    audit,
    sessions,
    oauth,
    passwords,
    moves,
    fleets,
    otherHosts: new OtherHosts({ fetch, directory, plc: plcDirectory }),
    heldWrites,
    codes,
    factors,
    passkeys: new Passkeys({ sealer: sealed, publicUrl, now, random }),
    signIns: new SignIns({ sql, now }),
    sealer: sealed,
    devices: new Devices({ sql, cookies, now, random }),
    callers,
    preferences,
    vaultGrants,
    proxy,
    plc,
    directory,
    mail,
    lease,
    handles: await Handles.load({
      sql,
      domains: config.handleDomains,
      reservedFor: config.reservedFor,
      directory,
      now,
    }),
    handleProofs: new HandleProofReader({ resolveTxt: outside.resolveTxt, fetch }),
    invites,
    keyChanges,
    keys: new ReservedKeys({ sql, sealer: sealed, now, random }),
    recoveryKeys,
    rescues: new Rescues({ sql, exports: repoExports, files, publicUrl, now }),
    standby,
    standbySecret,
    alarms: watch.alarms,
    hostedDids,
    undoing: watch.undoing,
    clock,
    now,
    random,
  }
  const answers = metrics.counter('pds_answers_total', 'Answers by method and status.', [
    'method',
    'status',
  ])
  metrics.gauge(
    'pds_stopped_accounts',
    'Accounts whose files are behind the journal.',
    [],
    () => recovery.stoppedCount,
  )
  metrics.gauge(
    'pds_unsynced_files',
    'Account files that may be ahead of the disk.',
    [],
    () => checkpoints.unsyncedCount,
  )
  const rates = rateLimits(config, deps.counts, now, ownKey)
  const onFailure = failureLog(log)
  const site = new Pages({
    table: async () => (await import('./pages.ts')).pages(pds),
    publicUrl,
    files: deps.pageFiles ?? new Map(),
    devices: pds.devices,
    cookies,
    secret: hmacSha256(sessionSecret, new TextEncoder().encode('pages')),
    rates,
    onFailure,
  })
  const endpoints = new OAuthEndpoints({ server: oauth.server, rates, onFailure })
  const router = createRouter(methods(pds), {
    validateOutput: deps.validateOutput === true,
    fallback: (request, nsid) => proxy.forward(request, nsid),
    rates,
    interceptProxy: (nsid, header) => proxy.intercepts(nsid, header),
    health: () => ({ version: deps.version, ...(lease && { lease: leaseHealth(lease) }) }),
    onAnswer: (nsid, status) => answers.with(nsid, String(status)).add(),
    onFailure,
  })
  return {
    name: 'pds',
    did: host.did,
    oauth,
    checks: new Checks({ accounts, files, blobs, hot, repos, journal, recovery, clock, now }),
    handle(request) {
      if (!request.path.startsWith('/xrpc/')) return routes(pds, { site, endpoints }, request)
      const response = router.handle(request)
      if (response instanceof Promise) return response.then((one) => oauth.withNonce(request, one))
      return oauth.withNonce(request, response)
    },
    subscribe: (request) => router.subscribe(request),
    tooSlowFrame: encodeErrorFrame('ConsumerTooSlow', 'The stream was read too slowly'),
    loops: pdsLoops({
      accounts,
      blobs,
      checkpoints,
      recovery,
      standing,
      sessions,
      oauth,
      devices: pds.devices,
      signIns: pds.signIns,
      stream,
      jobs: [
        jobs.loop,
        { ...mailJobs.loop, name: 'mail' },
        moveLoop,
        vaultGrants.loop,
        fleetLoop,
        ...watch.loops,
        ...(standby?.loops ?? []),
        {
          name: 'announce-promotion',
          run: (signal) => promotion.run({ accounts, repos, log }, signal),
        },
      ],
      mail,
      directory,
      identity,
      outside,
      log,
      crawlers: config.crawlers,
      publicUrl,
      retentionMs: config.retentionHours * 3_600_000,
      unusedBlobMs: config.unusedBlobHours * 3_600_000,
      droppedBlobMs: config.droppedBlobHours * 3_600_000,
      retentionBytes: config.retentionBytes,
    }),
    async close() {
      try {
        standby?.close()
        // What waits for a lease that is not held would wait for ever.
        if (lease && !lease.held()) await lease.release()
        await journal.idle()
        if (!lease?.end) await checkpoints.run()
      } finally {
        await stream.close()
        await journal.idle()
        for (const repo of [...hot.all()]) hot.evict(repo)
        files.close()
        await lease?.release()
      }
    },
  }
}

/** The services that calls without a name go to: those of the settings, else of this network. */
function servicesOf(
  config: Omit<PdsConfig, 'plc'>,
  { appview, moderation, feeds }: PdsDeps,
): Services {
  const given = (service: { url: string; did: string } | undefined) =>
    service && { url: service.url.replace(/\/+$/, ''), did: service.did as Did }
  return {
    appview: () => given(appview()),
    chat: () => given(config.chat),
    feeds: () => given(config.feeds ?? feeds?.()),
    moderation: () => given(moderation?.()),
    reports: () => given(config.reports),
  }
}

/** Ten bits, so that two hosts that share an account for a moment never make the same TID. */
function clockId(random: Outside['random']): number {
  const [high, low] = random(2) as unknown as [number, number]
  return ((high & 3) << 8) | low
}

/** Thrown out of everything, which ends the process: nothing after it can be trusted. */
function endProcess(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
