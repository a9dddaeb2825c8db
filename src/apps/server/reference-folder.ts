/** The data directory of a reference PDS, read through copies: the original is never opened to write. */
import { constants, copyFileSync, createReadStream, existsSync, mkdirSync, rmSync } from 'node:fs'
import { chmod, readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { type Blobs, openS3Blobs, openSqliteReader, type SqliteReader } from '#platform/storage'
import { hex, sha256 } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { type ReferenceSource, SourceChanged } from '#services/pds'
import { UsageError } from './part.ts'

type Env = Readonly<Record<string, string | undefined>>

/** A week: longer than anything here takes. */
const DEADLINE_MS = 7 * 24 * 60 * 60 * 1000
/** A database is these files together. */
const PARTS = ['', '-wal'] as const

/** Where its parts lie, by its own settings. */
export interface ReferencePlaces {
  accounts: string
  events: string
  actors: string
  /** Undefined: in a bucket. */
  blobs: string | undefined
  waiting: string
}

/** Its settings name places as its own machine or container has them; `folder` is where they are here. */
export function referencePlaces(folder: string, env: Env): ReferencePlaces {
  const within = env.PDS_DATA_DIRECTORY && resolve(env.PDS_DATA_DIRECTORY)
  const here = (given: string) => {
    const path = resolve(given)
    const inside = within && isWithin(path, within)
    return inside ? join(folder, relative(within, path)) : path
  }
  const place = (name: string, usual: string) => {
    const given = env[name]
    return given ? here(given) : join(folder, usual)
  }
  const blobs = env.PDS_BLOBSTORE_S3_BUCKET
    ? undefined
    : place('PDS_BLOBSTORE_DISK_LOCATION', 'blocks')
  return {
    accounts: place('PDS_ACCOUNT_DB_LOCATION', 'account.sqlite'),
    events: place('PDS_SEQUENCER_DB_LOCATION', 'sequencer.sqlite'),
    actors: place('PDS_ACTOR_STORE_DIRECTORY', 'actors'),
    blobs,
    waiting: env.PDS_BLOBSTORE_DISK_TMP_LOCATION
      ? here(env.PDS_BLOBSTORE_DISK_TMP_LOCATION)
      : join(blobs ?? folder, 'tempt'),
  }
}

/** Whether a path is a folder, or inside of it. */
export const isWithin = (path: string, folder: string): boolean =>
  `${resolve(path)}${sep}`.startsWith(`${resolve(folder)}${sep}`)

export interface OpenReference {
  source: ReferenceSource
  close(): void
}

/** Opens it; copies lie in `scratch` and are gone at the end. Throws UsageError when there is none. */
export async function openReference(
  places: ReferencePlaces,
  env: Env,
  scratch: string,
): Promise<OpenReference> {
  for (const path of [places.accounts, places.events, places.actors]) {
    if (!existsSync(path))
      throw new UsageError(`there is no reference PDS here: ${path} is missing`)
  }
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(scratch, { recursive: true, mode: 0o700 })
  const watched = [places.accounts, places.events]
  const before = await Promise.all(watched.map(traceOf))
  const copies: SqliteReader[] = []
  const copy = async (path: string, name: string) => {
    const reader = await copied(path, join(scratch, name))
    copies.push(reader)
    return reader
  }
  const source: ReferenceSource = {
    accounts: await copy(places.accounts, 'accounts.sqlite'),
    events: await copy(places.events, 'events.sqlite'),
    ...storesIn(places.actors, scratch),
    ...(places.blobs === undefined
      ? await bucketOf(env, join(scratch, 'uploads'))
      : diskBlobs(places.blobs, places.waiting)),
    async hasChanged() {
      const now = await Promise.all(watched.map(traceOf))
      return now.join() !== before.join()
    },
  }
  return {
    source,
    close() {
      for (const reader of copies) reader.close()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

/** Changes with everything that is written to a database. */
async function traceOf(path: string): Promise<string> {
  const parts = PARTS.map(async (part) => {
    const found = await stat(`${path}${part}`).catch(() => undefined)
    return found ? `${found.size} ${found.mtimeMs}` : ''
  })
  return (await Promise.all(parts)).join()
}

/** A database as it is now, with what lies in its write-ahead file. Throws SourceChanged. */
async function copied(path: string, to: string): Promise<SqliteReader> {
  const before = await traceOf(path)
  for (const part of ['-wal', '-shm', '']) rmSync(`${to}${part}`, { force: true })
  for (const part of PARTS) {
    if (!existsSync(`${path}${part}`)) continue
    copyFileSync(`${path}${part}`, `${to}${part}`, constants.COPYFILE_FICLONE)
    await chmod(`${to}${part}`, 0o600)
  }
  if ((await traceOf(path)) !== before) throw new SourceChanged(path)
  return openSqliteReader(to, { deadlineMs: DEADLINE_MS })
}

function storesIn(actors: string, scratch: string) {
  const shardOf = (did: string) => hex(sha256(Buffer.from(did)).subarray(0, 1))
  const folderOf = (did: string) => join(actors, shardOf(did), did)
  const reserved = join(actors, 'reserved_keys')
  const ifThere = async (path: string) => (existsSync(path) ? await readFile(path) : undefined)
  const namesIn = (path: string) => readdir(path).catch(() => [] as string[])
  return {
    async store(did) {
      const path = join(folderOf(did), 'store.sqlite')
      if (!existsSync(path)) return undefined
      const reader = await copied(path, join(scratch, 'store.sqlite'))
      return { reader, close: () => reader.close() }
    },
    signingKey: (did) => ifThere(join(folderOf(did), 'key')),
    async reservedKeys() {
      const names = await namesIn(reserved)
      return Promise.all(
        names.map(async (name) => ({ name, key: await readFile(join(reserved, name)) })),
      )
    },
    async folders() {
      const shards = (await namesIn(actors)).filter((name) => /^[0-9a-f]{2}$/.test(name))
      const found = await Promise.all(shards.map((shard) => namesIn(join(actors, shard))))
      return found.flat().sort()
    },
  } satisfies Partial<ReferenceSource>
}

type BlobPlaces = Pick<ReferenceSource, 'blob' | 'quarantined' | 'waiting'>

function diskBlobs(location: string, waiting: string): BlobPlaces {
  const file = async (path: string) => {
    const found = await stat(path).catch(() => undefined)
    return found?.isFile() ? { size: found.size, body: createReadStream(path) } : undefined
  }
  return {
    blob: (did, cid) => file(join(location, did, cidText(cid))),
    quarantined: (did, cid) => file(join(location, 'quarantine', did, cidText(cid))),
    waiting: (did, key) => file(join(waiting, did, key)),
  }
}

/** The bucket's own objects; ours get other names. */
async function bucketOf(env: Env, waitingDirectory: string): Promise<BlobPlaces> {
  const { PDS_BLOBSTORE_S3_ACCESS_KEY_ID: id, PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY: secret } = env
  if (!id || !secret) {
    throw new UsageError('a bucket for blobs needs both an access key and its secret')
  }
  const open = (prefix: string): Promise<Blobs> =>
    openS3Blobs({
      bucket: env.PDS_BLOBSTORE_S3_BUCKET!,
      endpoint: env.PDS_BLOBSTORE_S3_ENDPOINT,
      region: env.PDS_BLOBSTORE_S3_REGION ?? 'us-east-1',
      pathStyle: /^(true|1)$/.test(env.PDS_BLOBSTORE_S3_FORCE_PATH_STYLE ?? ''),
      accessKeyId: id,
      secretAccessKey: secret,
      prefix,
      waitingDirectory,
    })
  const [stored, quarantine, temporary] = await Promise.all(
    ['blocks/', 'quarantine/', 'tmp/'].map(open),
  )
  return {
    blob: (did, cid) => stored!.get(`${did}/${cidText(cid)}`),
    quarantined: (did, cid) => quarantine!.get(`${did}/${cidText(cid)}`),
    waiting: (did, key) => temporary!.get(`${did}/${key}`),
  }
}
