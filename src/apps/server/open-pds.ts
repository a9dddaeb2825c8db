import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  ConfigError,
  createLog,
  createMetrics,
  guardedFetch,
  networkSubscribe,
  realOutside,
} from '#platform/runtime'
import { StorageError } from '#platform/storage'
import type { PdsService } from '#services/pds'
import { dataFolder } from './data-folder.ts'
import { UsageError } from './part.ts'
import { plan } from './plan.ts'
import { programVersion } from './serve.ts'

/** A host's data, opened by this process alone: nobody is served, and no loop runs. */
export interface OpenPds {
  checks: PdsService['checks']
  /** Its folder. */
  folder: string
  close(): Promise<void>
}

/** Nothing here asks the directory of identities; the host's settings want its name. */
const NO_DIRECTORY = 'http://localhost:1'

/**
 * Opens the data of `falaj pds` as its start would: locked, and followed up from the journal. Takes
 * the flags of the service. Throws ConfigError; StorageError Locked when another process has it.
 */
export async function openPds(args: readonly string[]): Promise<OpenPds> {
  try {
    return await open(args)
  } catch (error) {
    throw error instanceof UsageError ? new ConfigError(error.lines) : error
  }
}

async function open(args: readonly string[]): Promise<OpenPds> {
  const named = args.some((arg) => arg === '--plc' || arg.startsWith('--plc='))
  const planned = await plan(
    'pds',
    [...args, ...(named ? [] : ['--plc', NO_DIRECTORY])],
    process.env,
  )
  const { server, services } = planned
  const [service] = services
  if (!service || server.ephemeral) throw new UsageError('a check needs the --data of a host')
  const log = createLog({ level: server.logLevel })
  const data = dataFolder(server.data, false)
  if (!existsSync(join(server.data, service.name, 'directory.sqlite'))) {
    throw new UsageError(`there is no host in ${server.data}`)
  }
  const folder = locked(() => data.open(service.name))
  const rules = { allowPrivate: planned.dev, userAgent: `falaj/${programVersion()}` }
  const network = guardedFetch(rules)
  const url = service.publicUrl ?? `http://localhost:${service.port}`
  const peers = { url: () => undefined, urls: () => [], named: () => undefined, started: () => [] }
  const place = {
    name: service.name,
    index: 0,
    url,
    dataDir: folder,
    log,
    metrics: createMetrics(),
  }
  const local = { fetch: network.fetch, subscribe: networkSubscribe(rules) }
  const shared = {
    dev: planned.dev,
    outside: realOutside({ allowPrivate: planned.dev, local }),
    subscribe: local.subscribe,
    version: programVersion(),
    onFatal(error: unknown) {
      throw error
    },
    peers,
  }
  const values = service.loaded.wire(service.values, place, shared)
  const started = await service.loaded.start(values, place, shared)
  if (!('checks' in started.service)) {
    throw new UsageError('another host has taken the place of this one; see the log above')
  }
  const pds = started.service as PdsService
  return {
    checks: pds.checks,
    folder,
    async close() {
      await pds.close()
      await network.close()
      data.close()
    },
  }
}

/** A host that runs keeps its data to itself: a check beside it would see half of things. */
function locked(open: () => string): string {
  try {
    return open()
  } catch (error) {
    throw new StorageError('Locked', `${(error as Error).message}: stop the host first`)
  }
}
