/** Everything of an account in one archive, taken at any host and taken back in at any other. */
import {
  ComAtprotoRepoImportRepo,
  ComAtprotoRepoListMissingBlobs,
  ComAtprotoRepoListRecords,
  ComAtprotoRepoUploadBlob,
  ComAtprotoServerActivateAccount,
  ComAtprotoServerCheckAccountStatus,
  ComAtprotoServerDeactivateAccount,
  ComAtprotoServerGetSession,
  ComAtprotoSyncGetBlob,
  ComAtprotoSyncGetRepo,
  ComAtprotoSyncListBlobs,
} from '@atcute/atproto'
import * as AppBskyActorGetPreferences from '@atcute/bluesky/types/app/actor/getPreferences'
import * as AppBskyActorPutPreferences from '@atcute/bluesky/types/app/actor/putPreferences'
import * as AppBskyGraphGetMutes from '@atcute/bluesky/types/app/graph/getMutes'
import * as AppBskyGraphMuteActor from '@atcute/bluesky/types/app/graph/muteActor'
import { cidForRaw } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import {
  ARCHIVE_FORMAT,
  type ArchiveAbout,
  type ArchiveLanguage,
  archiveIndex,
  type IndexedRecord,
} from './archive-index.ts'
import { givePrivateState, type PrivateState, takePrivateState } from './private-copy.ts'
import type { OwnerSession } from './session.ts'

/** A file of an archive; its name has slashes. */
export interface ArchiveFile {
  name: string
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

export interface ArchiveRun {
  language: ArchiveLanguage
  now(): number
  /** Told of each blob that is there, of all that the host lists so far. */
  progress?(count: { done: number }): void
}

/** What others keep for the owner, and did not give. */
export interface TakenArchive {
  blobs: number
  /** CIDs of blobs that the host lists and does not give. */
  missingBlobs: string[]
  silent: string[]
}

const BLOB_PAGE = 500
const LIST_PAGE = 100
/** Of lists that services keep; what is longer is cut, and said to be. */
const MUTES_MAX = 100_000

/** What `takePrivateState` takes, in an archive. */
export const PRIVATE_STATE_FILE = 'private/state.json'

export const archiveAbout = (about: ArchiveAbout): Uint8Array =>
  json({ ...ARCHIVE_FORMAT, ...about })

const json = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)

/** The files of an archive, as they are read from the host; `taken` is filled on the way. */
export async function* takeArchive(
  { client, state }: OwnerSession,
  { language, now, progress }: ArchiveRun,
  taken: TakenArchive,
): AsyncGenerator<ArchiveFile> {
  const { did, service: host } = state
  const { handle, email } = await client.get(ComAtprotoServerGetSession.mainSchema, {})
  const about = { did, handle, host, email, takenAt: new Date(now()).toISOString() }
  yield { name: 'account.json', body: [archiveAbout(about)] }
  const { body } = await client.getStream(ComAtprotoSyncGetRepo.mainSchema, { did })
  yield { name: 'repo.car', body }
  yield { name: 'index.html', body: archiveIndex(about, language, posts(client, did)) }
  const { preferences } = await client.get(AppBskyActorGetPreferences.mainSchema, {})
  yield { name: 'preferences.json', body: [json(preferences)] }
  const beside = await takePrivateState({ client, did, host }, now)
  yield { name: PRIVATE_STATE_FILE, body: [json(beside)] }
  if (!beside.appview) {
    taken.silent.push('bookmarks', 'drafts')
    const mutes = await mutesOf(client)
    if (mutes) yield { name: 'private/mutes.json', body: [json(mutes)] }
    else taken.silent.push('mutes')
  }
  yield* blobs({ client, state }, taken, progress)
}

async function* posts(client: OwnerSession['client'], repo: string): AsyncGenerator<IndexedRecord> {
  let cursor: string | undefined
  do {
    const params = {
      repo: repo as never,
      collection: 'app.bsky.feed.post',
      limit: LIST_PAGE,
    } as const
    const page = await client.get(ComAtprotoRepoListRecords.mainSchema, { ...params, cursor })
    yield* page.records
    cursor = page.records.length === LIST_PAGE ? page.cursor : undefined
  } while (cursor !== undefined)
}

/** DIDs; undefined where no app view answers for them. */
async function mutesOf(client: OwnerSession['client']): Promise<string[] | undefined> {
  const dids: string[] = []
  try {
    let cursor: string | undefined
    do {
      const page = await client.get(AppBskyGraphGetMutes.mainSchema, { limit: LIST_PAGE, cursor })
      dids.push(...page.mutes.map(({ did }) => did))
      cursor = page.mutes.length === 0 ? undefined : page.cursor
    } while (cursor !== undefined && dids.length < MUTES_MAX)
    return dids
  } catch (error) {
    if (error instanceof XrpcError) return undefined
    throw error
  }
}

async function* blobs(
  { client, state: { did } }: Pick<OwnerSession, 'client' | 'state'>,
  taken: TakenArchive,
  progress: ArchiveRun['progress'],
): AsyncGenerator<ArchiveFile> {
  let cursor: string | undefined
  do {
    const schema = ComAtprotoSyncListBlobs.mainSchema
    const page = await client.get(schema, { did, limit: BLOB_PAGE, cursor })
    for (const cid of page.cids) {
      const answer = await client
        .getStream(ComAtprotoSyncGetBlob.mainSchema, { did, cid })
        .catch((error: unknown) => {
          if (error instanceof XrpcError && error.status === 400) return undefined
          throw error
        })
      if (!answer) {
        taken.missingBlobs.push(cid)
        continue
      }
      yield { name: `blobs/${cid}`, body: answer.body }
      taken.blobs++
      progress?.({ done: taken.blobs })
    }
    cursor = page.cids.length === BLOB_PAGE ? page.cursor : undefined
  } while (cursor !== undefined)
}

/** An archive that can be read in any order. */
export interface ArchiveToRestore {
  repo(): AsyncIterable<Uint8Array>
  blob(cid: string): Promise<Uint8Array | undefined>
  preferences(): Promise<unknown[] | undefined>
  /** What only the owner could read of the account; undefined where nobody took it. */
  privateState(): Promise<PrivateState | undefined>
  /** A file by its name; undefined when there is none. */
  file(name: string): Promise<Uint8Array | undefined>
}

export type ArchiveStep = 'pause' | 'repo' | 'blobs' | 'private' | 'open'

export interface ArchiveProgress {
  step: ArchiveStep
  done?: number
  total?: number
}

export interface RestoredArchive {
  records: number
  blobs: number
  /** CIDs of blobs that records mention and the archive does not have. */
  missingBlobs: string[]
  preferences: number
  /** What its app view alone keeps: mutes, bookmarks, drafts, what it wants to be told. */
  appviewItems: number
  /** Muted again one by one, by an archive that has no more than their names. */
  mutes: number
}

/**
 * Takes an archive back into the account it is of, in place of all the account has there. The account
 * is paused meanwhile, and open again at the end, also when something failed: what was there before
 * stays until the whole repository was verified. Throws WrongArchive for one of another account.
 */
export async function* restoreArchive(
  { client, state }: OwnerSession,
  archive: ArchiveToRestore,
): AsyncGenerator<ArchiveProgress, RestoredArchive> {
  const about = await archive.file('account.json')
  const of = about && (JSON.parse(new TextDecoder().decode(about)) as { did?: unknown }).did
  if (of !== undefined && of !== state.did) {
    throw new ProtocolError('WrongArchive', `the archive is of ${String(of)}, not of ${state.did}`)
  }
  const status = () => client.get(ComAtprotoServerCheckAccountStatus.mainSchema, {})
  const wasActive = (await status()).activated
  yield { step: 'pause' }
  if (wasActive) await client.post(ComAtprotoServerDeactivateAccount.mainSchema, {})
  try {
    yield { step: 'repo' }
    const input = { encoding: 'application/vnd.ipld.car', body: archive.repo() }
    await client.post(ComAtprotoRepoImportRepo.mainSchema, input as never)
    const missingBlobs = yield* bringBlobs(client, archive)
    yield { step: 'private' }
    const chosen = await archive.preferences()
    if (chosen) {
      const preferences = { preferences: chosen }
      await client.post(AppBskyActorPutPreferences.mainSchema, preferences as never)
    }
    const { indexedRecords, importedBlobs } = await status()
    yield { step: 'open' }
    if (wasActive) await client.post(ComAtprotoServerActivateAccount.mainSchema, undefined)
    const given = wasActive ? await giveToAppview(client, archive) : { appviewItems: 0, mutes: 0 }
    return {
      records: indexedRecords,
      blobs: importedBlobs,
      missingBlobs,
      preferences: chosen?.length ?? 0,
      ...given,
    }
  } catch (error) {
    if (wasActive && !(await status()).activated) {
      await client.post(ComAtprotoServerActivateAccount.mainSchema, undefined)
    }
    throw error
  }
}

async function* bringBlobs(
  client: OwnerSession['client'],
  archive: ArchiveToRestore,
): AsyncGenerator<ArchiveProgress, string[]> {
  const lost: string[] = []
  const { expectedBlobs: total, importedBlobs } = await client.get(
    ComAtprotoServerCheckAccountStatus.mainSchema,
    {},
  )
  let done = importedBlobs
  let cursor: string | undefined
  do {
    yield { step: 'blobs', done, total }
    const schema = ComAtprotoRepoListMissingBlobs.mainSchema
    const page = await client.get(schema, { limit: BLOB_PAGE, cursor })
    for (const { cid } of page.blobs) {
      const body = await archive.blob(cid)
      if (body === undefined || cidText(cidForRaw(body)) !== cid) {
        lost.push(cid)
        continue
      }
      const input = { encoding: 'application/octet-stream', body }
      await client.post(ComAtprotoRepoUploadBlob.mainSchema, input as never)
      done++
    }
    cursor = page.blobs.length < BLOB_PAGE ? undefined : page.cursor
  } while (cursor !== undefined)
  yield { step: 'blobs', done, total }
  return lost
}

/** The app view is asked in the account's name, which has to be awake. What is there already stays. */
async function giveToAppview(client: OwnerSession['client'], archive: ArchiveToRestore) {
  const state = await archive.privateState()
  if (!state?.appview) return { appviewItems: 0, mutes: await muteAgain(client, archive) }
  const { did, host, takenAt, appview } = state
  const parts = await givePrivateState(client, { did, host, takenAt, appview })
  return { appviewItems: parts.find(({ part }) => part === 'appview')?.count ?? 0, mutes: 0 }
}

/** How many were muted again; none where no app view answers. */
async function muteAgain(
  client: OwnerSession['client'],
  archive: ArchiveToRestore,
): Promise<number> {
  const bytes = await archive.file('private/mutes.json')
  const dids = bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as string[]) : []
  let count = 0
  for (const actor of dids.slice(0, MUTES_MAX)) {
    try {
      await client.post(AppBskyGraphMuteActor.mainSchema, { actor: actor as never })
      count++
    } catch (error) {
      if (!(error instanceof XrpcError)) throw error
      if (error.status >= 500) break
    }
  }
  return count
}
