import { join } from 'node:path'
import { type Log, type Outside, smtpTransport } from '#platform/runtime'
import type { Kv } from '#platform/storage'
import type { PdsConfig } from '#services/pds'
import { closing } from '../closing.ts'
import { directoriesOf } from '../directories.ts'
import { refuseForeignFolders } from '../foreign-folder.ts'
import { hostKey } from '../host-key.ts'
import { openLease } from '../lease.ts'
import { openBlobs } from '../open-blobs.ts'
import { dropCopies, isStandby, openStandby, requireStandbySettings } from '../open-standby.ts'
import { readPageFiles } from '../page-files.ts'
import { type Place, type ServicePart, type Shared, type Started, UsageError } from '../part.ts'
import { openRotationKey } from '../rotation-key.ts'

/** PDS 1 issues `.test`, PDS 2 `.two.test`, …: the contract of local mode. */
const COUNT_WORDS = ['', '.two', '.three', '.four', '.five', '.six', '.seven', '.eight', '.nine']

/**
 * A Personal Data Server: a directory database (fully synchronous), the journal's stream, blobs in
 * a folder or a bucket, one SQLite file per account, and the key that seals its secrets.
 */
export const pdsPart: ServicePart<PdsConfig> = {
  kind: 'pds',
  defaultPort: 2583,
  portStep: 10,
  async load() {
    const [services, storage] = await Promise.all([
      import('#services/pds'),
      import('#platform/storage'),
    ])
    const { createPds, fencedHost, LeaseRefused, pdsConfig, pdsMigrations, pdsPageFiles } = services
    const { Standby } = services
    const openHost = async (
      values: PdsConfig,
      place: Place,
      shared: Shared,
    ): Promise<Pick<Started, 'service' | 'did'>> => {
      const { dataDir, log, metrics, url } = place
      const { outside, onFatal, peers, subscribe, version } = shared
      // Before anything here is opened: opening writes.
      let lease: Awaited<ReturnType<typeof openLease>>
      try {
        lease = await openLease(values, { dataDir, url, log, outside })
      } catch (error) {
        if (!(error instanceof LeaseRefused)) throw error
        const { message, epoch } = error
        log.error('this host does not begin: it may not write', { reason: message, epoch })
        return { service: fencedHost({ reason: message, epoch, version }) }
      }
      const rotation = await openRotationKey(values, log)
      const { sql, streams, blobs, accountsDirectory, sealingKey, standby } = await openPdsStorage(
        values,
        { dataDir, now: outside.now, onFatal },
        { storage, pdsMigrations },
      )
      const counts = await countsOf(values, storage, outside, log)
      const [mail, moderationMail] = [values.emailSmtpUrl, values.moderationEmailSmtpUrl].map(
        (to) => (to === undefined ? undefined : smtpTransport(to)),
      )
      const mailers = [mail, moderationMail].filter((one) => one !== undefined)
      const service = await createPds(values, {
        publicUrl: url,
        appview: () => values.appview ?? peers.named('appview'),
        moderation: () => values.moderation ?? peers.named('moderation'),
        feeds: () => peers.named('feeds'),
        sql,
        streams,
        blobs,
        counts,
        accountsDirectory,
        rotationKey: rotation.signer,
        sealingKey,
        mail,
        moderationMail,
        lease,
        pageFiles: readPageFiles(pdsPageFiles),
        subscribe,
        outside,
        log,
        metrics,
        version,
        standby,
      })
      const owned = [...mailers, streams, sql, counts, rotation, ...(lease ? [lease] : [])]
      return { service: closing(service, owned), did: service.did }
    }
    return {
      table: pdsConfig,
      wire(values, { index, url }, { dev, peers }) {
        const plc = directoriesOf(values, peers)
        if (plc.length === 0) throw new UsageError('falaj pds needs a directory: give --plc URL')
        if (values.s3Bucket && values.blobsFolder) {
          throw new UsageError('blobs are kept in a bucket or in a folder, not in both')
        }
        requirePairs(values)
        requireStandbySettings(values)
        return {
          ...values,
          plc,
          handleDomains: handleDomains(values, index, url, dev),
          crawlers: values.crawlers.length > 0 ? values.crawlers : peers.urls('relay'),
          privateVaults:
            values.privateVaults.length > 0 ? values.privateVaults : peers.urls('vault'),
          pdsHosts: values.pdsHosts.length > 0 ? values.pdsHosts : peers.urls('pds'),
          rateLimits: values.rateLimits === 'auto' ? (dev ? 'off' : 'on') : values.rateLimits,
          adminPassword: values.adminPassword ?? (dev ? 'admin-pass' : undefined),
        }
      },
      async start(values, place, shared) {
        refuseForeignFolders([place.dataDir, values.blobsFolder])
        const about = { handleDomains: values.handleDomains }
        if (await isStandby(values, place.dataDir, services)) {
          const later = async () => {
            const { service, did } = await openHost(values, place, shared)
            // A host without its lease has no name of its own, and serves nobody.
            if (did === undefined) throw new Error('another host has the lease of this name')
            return service
          }
          const from = { storage, Standby, openHost: later }
          return { service: await openStandby(values, place, shared, from), about }
        }
        return { ...(await openHost(values, place, shared)), about }
      },
    }
  },
}

/** What a host keeps its data in. */
export async function openPdsStorage(
  values: PdsConfig,
  place: { dataDir: string; now: () => number; onFatal(error: unknown): void },
  from: { storage: typeof import('#platform/storage'); pdsMigrations: URL },
) {
  const { dataDir, now, onFatal } = place
  const { storage, pdsMigrations } = from
  const directoryPath = join(dataDir, 'directory.sqlite')
  const listening: ((changes: Uint8Array) => void)[] = []
  const told = (changes: Uint8Array) => {
    for (const heard of listening) heard(changes)
  }
  const hasStandby = values.standbySecret !== undefined
  const [sql, streams, blobs] = await Promise.all([
    storage.openSqlite(directoryPath, {
      migrations: storage.loadMigrations(pdsMigrations),
      synchronous: 'FULL',
      ...(hasStandby && { onChanges: told }),
    }),
    storage.openLocalStreams(join(dataDir, 'streams'), { now, onFatal }),
    openBlobs(values, storage, { dataDir, folder: values.blobsFolder ?? join(dataDir, 'blobs') }),
  ])
  const standby = {
    listen: (heard: (changes: Uint8Array) => void) => void listening.push(heard),
    directoryPath,
    copiesFolder: dropCopies(dataDir),
  }
  return {
    sql,
    streams,
    blobs,
    accountsDirectory: join(dataDir, 'accounts'),
    sealingKey: hostKey(join(dataDir, 'host.key')),
    standby: hasStandby ? standby : undefined,
  }
}

/** A shared store that says nothing for so long is passed over. */
const SHARED_TIMEOUT_MS = 250
const SHARED_COMPLAINT_MS = 60_000

/** Counts of this process; or, where a server is named, of all that name it. */
async function countsOf(
  { redis }: PdsConfig,
  { memoryKv, openRedisKv, kvWithFallback }: typeof import('#platform/storage'),
  { now, timers }: Outside,
  log: Log,
): Promise<Kv> {
  const local = memoryKv({ now })
  if (redis === undefined) return local
  let complainedMs = Number.NEGATIVE_INFINITY
  const onError = (error: Error) => {
    if (now() - complainedMs < SHARED_COMPLAINT_MS) return
    complainedMs = now()
    log.warn('calls are counted in this process alone: the shared store fails', { error })
  }
  const shared = await openRedisKv({ url: redis, prefix: 'falaj:pds:', onError })
  return kvWithFallback({ shared, local, timeoutMs: SHARED_TIMEOUT_MS, timers })
}

/** A mail server without a sender, or the other way round, would keep every letter here unsaid. */
function requirePairs(values: PdsConfig): void {
  for (const [server, sender, flags] of [
    [values.emailSmtpUrl, values.emailFromAddress, 'email'],
    [values.moderationEmailSmtpUrl, values.moderationEmailFromAddress, 'moderation-email'],
  ] as const) {
    if ((server === undefined) === (sender === undefined)) continue
    const [given, missing] = server ? ['smtp-url', 'from-address'] : ['from-address', 'smtp-url']
    throw new UsageError(`--${flags}-${given} needs --${flags}-${missing} beside it`)
  }
  if ((values.leaseWitness === undefined) !== (values.leaseSecret === undefined)) {
    throw new UsageError('a lease needs both --lease-witness URL and --lease-secret SECRET')
  }
}

function handleDomains(
  { handleDomains: given }: PdsConfig,
  index: number,
  url: string,
  dev: boolean,
): readonly string[] {
  const isDefault = given.join() === '.test'
  if (dev) return index > 0 || isDefault ? [`${COUNT_WORDS[index]}.test`] : given
  return isDefault ? [`.${new URL(url).hostname}`] : given
}
