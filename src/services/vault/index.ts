/**
 * A vault: keeps verified copies of accounts, sealed with a key of each, and gives them back as they
 * were at any instant it saw.
 */
import {
  createJobs,
  createLru,
  type Log,
  type Loop,
  type Metrics,
  type Outside,
  type Service,
  type Subscribe,
  sealer,
} from '#platform/runtime'
import type { Blobs, Sql } from '#platform/storage'
import { fromHex, importKey } from '#protocol/crypto'
import {
  cachedDirectory,
  Identities,
  networkDirectory,
  type PlcUrls,
  plcClient,
} from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { createRouter, failureLog, type HttpResponse } from '#protocol/xrpc'
import { ask, BLOB_JOB, COPY_JOB, ERASE_JOB, LIST_JOB, PRIVATE_JOB, TIDY_JOB } from './ask.ts'
import { Callers, loadOwnIdentity } from './auth/index.ts'
import type { VaultConfig } from './config.ts'
import {
  askPrivate,
  copyBlob,
  copyPrivate,
  copyRepo,
  eraseRest,
  listHost,
} from './copying/index.ts'
import { Drills } from './drills/index.ts'
import { Hosts, Intake } from './following/index.ts'
import {
  Accounts,
  type Damaged,
  Instants,
  InTurn,
  type KeptAccount,
  KeptBlobs,
  Packs,
  PrivateStates,
} from './kept/index.ts'
import { methods } from './methods.ts'
import { vaultPage } from './page/index.ts'
import { askTidy, mend, removeLeftovers, tidyAccount } from './tidying/index.ts'
import { Views } from './views.ts'
import { openWitness } from './witness-service.ts'

export { type VaultConfig, vaultConfig, type WitnessConfig, witnessConfig } from './config.ts'
export { createWitness, type WitnessDeps } from './witness-service.ts'

/** Where the migrations of a vault's database are. */
export const vaultMigrations = new URL('./migrations/', import.meta.url)

export interface VaultDeps {
  publicUrl: string
  /** Opened with `vaultMigrations`, fully synchronous. */
  sql: Sql
  /** Packs and blobs, all sealed. */
  store: Blobs
  /** Wraps the accounts' keys; 32 bytes. Whoever has it, and only they, can read the vault. */
  sealingKey: Uint8Array
  outside: Outside
  subscribe: Subscribe
  log: Log
  metrics: Metrics
  version: string
  /** Local mode: hosts and directories on this machine may be asked over plain http. */
  local: boolean
}

export type VaultService = Service & { did: Did }

/** A host that is away for days must not lose its blobs for that: tried for about two weeks. */
const PATIENT = {
  maxAttempts: 300,
  pauseMs: (failures: number) => Math.min(1_000 * 2 ** Math.min(failures, 12), 3_600_000),
}

/** How often accounts are looked for that were not put in order for a day. */
const UPKEEP_MS = 3_600_000

/** Builds a vault; it fills by its loops. */
export async function createVault(
  config: Omit<VaultConfig, 'plc'> & { plc: PlcUrls },
  deps: VaultDeps,
): Promise<VaultService> {
  const { sql, store, outside, subscribe, log, metrics, local } = deps
  const { now, random } = outside
  const vaultKey = sealer(deps.sealingKey)
  await sql.run('pragma secure_delete = on')
  const own = await loadOwnIdentity({
    ...{ sql, sealer: vaultKey, plcUrl: config.plc, publicUrl: deps.publicUrl, random },
    fetch: outside.fetch,
  })
  const directory = cachedDirectory(
    networkDirectory({
      plcUrl: config.plc,
      fetch: (url, init) => outside.fetch(url, init),
      timers: outside.timers,
      resolveTxt: outside.resolveTxt,
      allowHttp: local,
    }),
    { now, negativeTtlMs: 10_000 },
  )
  const identities = new Identities({ directory, now })
  const accounts = new Accounts({
    ...{ sql, vaultKey, random, max: config.accountsMax },
    onAdded: (sql, did) => ask(sql, PRIVATE_JOB, [did], now()),
  })
  const packs = new Packs({ sql, store, random })
  const blobs = new KeptBlobs(store)
  const instants = new Instants({ sql })
  const privateStates = new PrivateStates({ sql, now })
  const inTurn = new InTurn()
  const asked = () => {
    repoJobs.wake()
    blobJobs.wake()
    tidyJobs.wake()
  }
  const copyParts = { sql, accounts, packs, inTurn, directory, outside, log, asked }
  const blobParts = { sql, accounts, blobs, directory, outside, bytesMax: config.blobBytesMax }
  const repoJobs = createJobs({
    ...{ sql, outside, log, metrics, concurrency: 3 },
    kinds: {
      [COPY_JOB]: { ...PATIENT, run: (job) => copyRepo(copyParts, job) },
      [LIST_JOB]: { run: (job) => listHost({ sql, accounts, outside, log, asked }, job) },
      [ERASE_JOB]: { run: (job) => eraseRest({ sql, store, accounts, inTurn }, job) },
    },
  })
  const privateParts = {
    ...{ sql, accounts, privateStates, directory, outside },
    own: { did: own.did, key: importKey('k256', fromHex(own.signingKeyHex)) },
    deaf: createLru<string, number>({ maxEntries: 10_000 }),
  }
  const blobJobs = createJobs({
    ...{ sql, outside, log, metrics, concurrency: 6 },
    kinds: {
      [BLOB_JOB]: { ...PATIENT, run: (job) => copyBlob(blobParts, job) },
      [PRIVATE_JOB]: { ...PATIENT, maxAttempts: 20, run: (job) => copyPrivate(privateParts, job) },
    },
  })
  const tidyParts = { sql, store, packs, accounts, inTurn, policy: config, now, metrics, log }
  await removeLeftovers(tidyParts)
  const damaged = (account: KeptAccount, damage: Damaged) =>
    void mend(tidyParts, account, damage)
      .then(asked)
      .catch((error) => log.error('damage could not be noted', { did: account.did, error }))
  const tidyJobs = createJobs({
    ...{ sql, outside, log, metrics, concurrency: 1 },
    kinds: { [TIDY_JOB]: { run: (job) => tidyAccount(tidyParts, job) } },
  })
  const drills = new Drills({
    ...{ sql, accounts, packs, blobs, inTurn, outside, damaged, metrics, log },
    everyHours: config.drillEveryHours,
    sample: config.drillAccounts,
  })
  const intake = new Intake({ sql, accounts, packs, identities, now, metrics, asked })
  const hosts = new Hosts({ sql, intake, subscribe, outside, metrics, log, asked })
  await hosts.configure(config.followHost.map((url) => new URL(url).origin))

  const callers = new Callers({
    ...{ did: own.did, adminPassword: config.adminPassword, directory, now },
    plc: plcClient({ plcUrl: config.plc, fetch: outside.fetch, timers: outside.timers }),
  })
  const views = new Views({ sql, instants, privateStates })
  const router = createRouter(
    methods({
      ...{ accounts, blobs, callers, config, did: own.did, directory, hosts, instants },
      ...{ outside, packs, privateStates, sql, views, asked, damaged, drills },
      ...openWitness(config, { sql, outside, log }),
    }),
    { health: () => ({ version: deps.version }), onFailure: failureLog(log) },
  )
  return {
    name: 'vault',
    did: own.did,
    handle(request) {
      if (request.path.startsWith('/xrpc/')) return router.handle(request)
      if (request.path === '/') return vaultPage({ sql, drills }, request)
      return NOT_FOUND
    },
    loops: [
      hosts.loop,
      named('copies', repoJobs.loop),
      named('blobs', blobJobs.loop),
      named('tidying', tidyJobs.loop),
      {
        name: 'upkeep',
        async run(signal) {
          while (!signal.aborted) {
            await askTidy(tidyParts)
            tidyJobs.wake()
            await askPrivate(privateParts, config.privateEveryHours)
            blobJobs.wake()
            await outside.timers.sleep(UPKEEP_MS, signal).catch(() => {})
          }
        },
      },
      drills.loop,
      { name: 'identity', run: () => own.refresh() },
    ],
    close: async () => {},
  }
}

const named = (name: string, { run }: Loop): Loop => ({ name, run })

const NOT_FOUND: HttpResponse = {
  status: 404,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: 'Not found\n',
}
