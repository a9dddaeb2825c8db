/** A host's data folder, kept as the copy of another host's until it takes its place. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Fetch, guardedFetch, type Outside, type Service } from '#platform/runtime'
import type { PdsConfig, StandbyLease } from '#services/pds'
import { keepHostKey } from './host-key.ts'
import { leaseMemory } from './lease.ts'
import { openBlobs } from './open-blobs.ts'
import { type Place, type Shared, UsageError } from './part.ts'

/** A secret goes into a header as it is, and has to be worth guessing at. */
const SECRET = /^[A-Za-z0-9._~+/-]{24,512}=*$/

/** Throws UsageError for settings of a standby that cannot be meant. */
export function requireStandbySettings(values: PdsConfig): void {
  const { standbyOf, standbySecret } = values
  if (standbySecret !== undefined && !SECRET.test(standbySecret)) {
    throw new UsageError(
      '--standby-secret takes 24 characters or more, of letters, digits and . _ ~ + / -',
    )
  }
  if (standbyOf !== undefined && standbySecret === undefined) {
    throw new UsageError('a standby needs the --standby-secret that its first host has')
  }
}

/** Whether this folder is a standby's that has not become the host. */
export async function isStandby(
  { standbyOf }: PdsConfig,
  dataDir: string,
  services: Pick<typeof import('#services/pds'), 'wasPromoted'>,
): Promise<boolean> {
  if (standbyOf === undefined) return false
  const memory = join(dataDir, 'standby.sqlite')
  if (existsSync(memory)) return !services.wasPromoted(memory)
  if (!existsSync(join(dataDir, 'directory.sqlite'))) return true
  throw new UsageError(`${dataDir} holds a host: a standby begins with an empty folder`)
}

/** Opens the standby; promoted, it opens the host by `openHost`, on the same folder. */
export async function openStandby(
  values: PdsConfig,
  place: Place,
  { outside, onFatal, version }: Shared,
  from: {
    storage: typeof import('#platform/storage')
    Standby: typeof import('#services/pds').Standby
    openHost: () => Promise<Service>
  },
): Promise<Service> {
  const { storage, Standby } = from
  const { dataDir, log, metrics } = place
  // The operator named the address: it may lie in a private network.
  const network = guardedFetch({ allowPrivate: true, userAgent: `falaj/${version}` })
  const [streams, blobs] = await Promise.all([
    storage.openLocalStreams(join(dataDir, 'streams'), { now: outside.now, onFatal }),
    openBlobs(values, storage, { dataDir, folder: values.blobsFolder ?? join(dataDir, 'blobs') }),
  ])
  const service = await Standby.open({
    of: new URL(values.standbyOf!).origin,
    secret: values.standbySecret!,
    directoryPath: join(dataDir, 'directory.sqlite'),
    memoryPath: join(dataDir, 'standby.sqlite'),
    accountsDirectory: join(dataDir, 'accounts'),
    openFilesMax: values.openFilesMax,
    retentionMs: values.retentionHours * 3_600_000,
    retentionBytes: values.retentionBytes,
    streams,
    blobs,
    fetch: network.fetch,
    keepHostKey: (key) => keepHostKey(join(dataDir, 'host.key'), key),
    lease: leaseOf(values, place, network.fetch, outside),
    async openHost() {
      await streams.close()
      return from.openHost()
    },
    outside,
    log,
    metrics,
    version,
    onFatal,
  })
  const close = service.close.bind(service)
  service.close = async () => {
    await close()
    await streams.close()
    await network.close()
  }
  return service
}

/** What the standby has to do with the lease of the name; the host it becomes takes it. */
function leaseOf(
  { leaseWitness: witness, leaseSecret: secret }: PdsConfig,
  { dataDir, url }: Place,
  fetch: Fetch,
  { timers, random }: Outside,
): StandbyLease | undefined {
  if (witness === undefined || secret === undefined) return undefined
  const hostname = new URL(url).hostname
  return {
    keepEpoch: (epoch) => leaseMemory(dataDir).write({ epoch, claim: undefined }),
    async endFirst() {
      const { WitnessClient } = await import('#services/pds')
      const client = new WitnessClient({ witness, hostname, secret, fetch, timers, random })
      const { state, epoch } = await client.look()
      if (state === 'held') await client.release({ epoch })
    },
  }
}

/** Copies for a standby that a crash left behind. */
export function dropCopies(dataDir: string): string {
  const folder = join(dataDir, 'copies')
  rmSync(folder, { recursive: true, force: true })
  return folder
}
