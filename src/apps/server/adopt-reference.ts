/** Takes the data directory of a reference PDS over into the data folder of a host that does not run. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ConfigError, realOutside } from '#platform/runtime'
import * as storage from '#platform/storage'
import { fromHex } from '#protocol/crypto'
import { TidClock } from '#protocol/syntax'
import {
  type AdoptedAccount,
  AdoptionRefused,
  type AdoptionReport,
  adopt,
  type PdsConfig,
  pdsMigrations,
  SourceChanged,
} from '#services/pds'
import { dataFolder } from './data-folder.ts'
import { UsageError } from './part.ts'
import { openPdsStorage } from './parts/pds.ts'
import { type PlannedService, plan } from './plan.ts'
import {
  isWithin,
  openReference,
  type ReferencePlaces,
  referencePlaces,
} from './reference-folder.ts'

export interface AdoptionCall {
  /** The reference's data directory. */
  source: string
  /** Flags of the service that takes its place. */
  args: readonly string[]
  isDryRun: boolean
  /** Finishes although some accounts could not be taken over. */
  leaveRefused: boolean
  onAccount(report: AdoptedAccount, isNew: boolean): void
  onProgress(progress: { done: number; total: number; bytes: number }): void
}

const HOUR_MS = 3_600_000
const NO_DIRECTORY = 'http://localhost:1'

/** Throws ConfigError for misuse, and where nothing can be taken over as it is. */
export async function adoptReference(call: AdoptionCall): Promise<AdoptionReport> {
  try {
    return await run(call)
  } catch (error) {
    if (error instanceof UsageError) throw new ConfigError(error.lines)
    const isTold = error instanceof AdoptionRefused || error instanceof SourceChanged
    throw isTold ? new ConfigError([error.message]) : error
  }
}

async function run(call: AdoptionCall): Promise<AdoptionReport> {
  const source = resolve(call.source)
  const usual = join(source, 'pds.env')
  const isNamed = call.args.some((arg) => /^--(env-file|config)(=|$)/.test(arg))
  const settings = !isNamed && existsSync(usual) ? ['--env-file', usual] : []
  const hasPlc = call.args.some((arg) => /^--plc(=|$)/.test(arg))
  const { server, services, environment, dev } = await plan(
    'pds',
    [...call.args, ...settings, ...(hasPlc ? [] : ['--plc', NO_DIRECTORY])],
    process.env,
  )
  const [service] = services as [PlannedService]
  const values = service.values as PdsConfig
  const places = referencePlaces(source, environment)
  const folder = join(server.data, service.name)
  if (!call.isDryRun)
    refuseInside(
      [source, environment.PDS_BLOBSTORE_DISK_LOCATION, ...Object.values(places)],
      folder,
      values,
    )
  const data = call.isDryRun ? undefined : dataFolder(server.data, false)
  const dataDir = data?.open(service.name)
  const scratch = dataDir
    ? join(dataDir, 'adopting')
    : mkdtempSync(join(tmpdir(), 'falaj-adopting-'))
  const outside = realOutside({ allowPrivate: dev })
  try {
    return await between({ call, places, environment, scratch, dataDir, service, values, outside })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
    data?.close()
  }
}

async function between(parts: {
  call: AdoptionCall
  places: ReferencePlaces
  environment: Readonly<Record<string, string | undefined>>
  scratch: string
  dataDir: string | undefined
  service: PlannedService
  values: PdsConfig
  outside: ReturnType<typeof realOutside>
}): Promise<AdoptionReport> {
  const { call, places, environment, scratch, dataDir, service, values, outside } = parts
  const { now, random } = outside
  const onFatal = (error: unknown) => {
    throw error
  }
  const reference = await openReference(places, environment, scratch)
  const target = dataDir
    ? await openPdsStorage(values, { dataDir, now, onFatal }, { storage, pdsMigrations })
    : undefined
  try {
    const report = await adopt({
      source: reference.source,
      target,
      sessionSecret: sessionSecret(environment, service, values),
      rotationKey: values.rotationKeyHex ? fromHex(values.rotationKeyHex) : undefined,
      retentionMs: values.retentionHours * HOUR_MS,
      leaveRefused: call.leaveRefused,
      now,
      random,
      clock: new TidClock(now, random(1)[0]!),
      onAccount: call.onAccount,
      onProgress: call.onProgress,
    })
    return report
  } finally {
    reference.close()
    await target?.streams.close()
    await target?.sql.close()
  }
}

/** What is read stays as it is: nothing of ours may lie in it, now or when the host runs. */
function refuseInside(theirs: readonly (string | undefined)[], folder: string, values: PdsConfig) {
  const isTheirs = (path: string) =>
    theirs.some((one) => one !== undefined && (isWithin(path, one) || isWithin(one, path)))
  if (isTheirs(folder)) {
    throw new UsageError(`${folder} lies in what is taken over: give a --data folder beside it`)
  }
  if (values.blobsFolder && isTheirs(values.blobsFolder)) {
    throw new UsageError(
      `blobs would be written to ${values.blobsFolder}, which is taken over: give a --blobs-folder beside it`,
    )
  }
}

/** Sessions go on where the host has the name they were made for. */
function sessionSecret(
  environment: Readonly<Record<string, string | undefined>>,
  { publicUrl }: PlannedService,
  { didWeb }: PdsConfig,
): Uint8Array | undefined {
  const { PDS_JWT_SECRET: secret, PDS_SERVICE_DID: did, PDS_HOSTNAME: name } = environment
  if (!secret || !publicUrl || !didWeb) return undefined
  const theirs = did || `did:web:${name ?? 'localhost'}`
  const ours = `did:web:${encodeURIComponent(new URL(publicUrl).host)}`
  return theirs === ours ? new TextEncoder().encode(secret) : undefined
}
