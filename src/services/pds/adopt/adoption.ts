/**
 * Turns the data directory of a reference PDS into ours. It is only read. An account is here whole or not
 * at all, and what is here is not done again: interrupted anywhere, the next call goes on.
 */
import { type Sealer, sealer } from '#platform/runtime'
import { type Blobs, type Sql, StorageError, type Streams } from '#platform/storage'
import { hex, importKey } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import type { TidClock } from '#protocol/syntax'
import { type AccountFile, AccountFiles } from '../account-files/index.ts'
import { Settings } from '../accounts/index.ts'
import { Directory, isOverdue, NO_HANDLE } from './adopted-rows.ts'
import { type ReferenceAccount, ReferenceRows, StoreRows } from './reference-rows.ts'
import { type ReferenceSource, SourceChanged } from './reference-source.ts'
import type { AdoptedAccount, AdoptionReport } from './report.ts'
import { takeBlobs } from './take-blobs.ts'
import { lastSeqOf, takeEvents } from './take-events.ts'
import { type TakenRepo, takeRepo } from './take-repo.ts'

const SETTING = 'adoption'
const PAGE = 100
const TOLD_MAX = 20
const FIRST_GENERATION = 1

/** The host that takes the place of the old one. */
export interface AdoptionTarget {
  sql: Sql
  streams: Streams
  blobs: Blobs
  accountsDirectory: string
  sealingKey: Uint8Array
}

export interface AdoptionOptions {
  source: ReferenceSource
  /** Undefined for a dry run: everything is read and verified, nothing is kept. */
  target: AdoptionTarget | undefined
  /** What the old host signed its sessions with; without it they end. */
  sessionSecret: Uint8Array | undefined
  /** Signs changes of identities, as it did there. */
  rotationKey: Uint8Array | undefined
  /** How far back events are kept for who reads them. */
  retentionMs: number
  /** Is content with what could be taken over: refused accounts stay behind. */
  leaveRefused: boolean
  now: () => number
  random: (byteCount: number) => Uint8Array
  clock: TidClock
  /** Also of those that an earlier call took over, which are not new. */
  onAccount(report: AdoptedAccount, isNew: boolean): void
  onProgress(progress: { done: number; total: number; bytes: number }): void
}

/** An adoption as the host remembers it. */
interface Noted {
  lastSeq: number
  accounts: number
  finishedMs: number | undefined
  /** Of a finished one: what came beside the accounts. */
  common?: Pick<AdoptionReport, 'invites' | 'reservedKeys' | 'events'>
}

/** Throws unless what was begun was brought to its end: half of a host's accounts are no host. */
export async function requireNoAdoption(settings: Settings): Promise<void> {
  const noted = await settings.get<Noted>(SETTING)
  if (noted === undefined || noted.finishedMs !== undefined) return
  throw new Error('accounts are being taken over into this folder: finish falaj pds adopt first')
}

/** Why an adoption does not begin. */
export class AdoptionRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'AdoptionRefused'
  }
}

/** Throws AdoptionRefused, SourceChanged. */
export async function adopt(options: AdoptionOptions): Promise<AdoptionReport> {
  const adoption = new Adoption(options)
  try {
    return await adoption.run()
  } finally {
    adoption.close()
  }
}

class Adoption {
  readonly #options: AdoptionOptions
  readonly #rows: ReferenceRows
  readonly #lastSeq: number
  readonly #sealer: Sealer | undefined
  readonly #directory: Directory | undefined
  readonly #settings: Settings | undefined
  readonly #files: AccountFiles | undefined
  readonly #report: AdoptionReport
  #bytes = 0
  #done = 0

  constructor(options: AdoptionOptions) {
    const { source, target, now } = options
    this.#options = options
    this.#rows = new ReferenceRows(source.accounts)
    this.#lastSeq = lastSeqOf(source.events)
    this.#report = { ...NOTHING, accounts: this.#rows.count(), lastSeq: this.#lastSeq, notes: [] }
    if (!target) return
    this.#sealer = sealer(target.sealingKey)
    this.#settings = new Settings(target.sql)
    this.#directory = new Directory({
      ...{ sql: target.sql, sealer: this.#sealer, source: this.#rows, now },
    })
    this.#files = new AccountFiles({
      directory: target.accountsDirectory,
      openMax: 1,
      closing: () => true,
      opened: () => {},
      damaged: (_did, _generation, error) => error,
      requireReadable: () => {},
    })
  }

  close(): void {
    this.#files?.close()
  }

  async run(): Promise<AdoptionReport> {
    const { source, now, leaveRefused } = this.#options
    const noted = await this.#begin()
    const isOver = noted?.finishedMs !== undefined
    Object.assign(this.#report, noted?.common)
    await this.#accounts()
    if (!isOver) await this.#common()
    if (await source.hasChanged()) throw new SourceChanged('the data directory')
    if (!isOver && (this.#report.refused === 0 || leaveRefused)) {
      await this.#note({ finishedMs: now() })
    }
    await this.#tellLeft()
    return this.#report
  }

  /** Notes what is taken over, or looks whether it is the same as when this was begun. */
  async #begin(): Promise<Noted | undefined> {
    const noted = await this.#settings?.get<Noted>(SETTING)
    if ((await this.#directory?.countOthers()) ?? 0) {
      throw new AdoptionRefused(
        'there are accounts in the data folder already: an empty one is needed',
      )
    }
    if (!noted) {
      await this.#note({})
      return undefined
    }
    const { accounts } = this.#report
    if (noted.lastSeq !== this.#lastSeq || noted.accounts !== accounts) {
      throw new AdoptionRefused(
        `the source has ${accounts} accounts and ${this.#lastSeq} events, and had ${noted.accounts} and ${noted.lastSeq} when this was begun: begin anew with an empty data folder`,
      )
    }
    return noted
  }

  async #note({ finishedMs }: { finishedMs?: number }): Promise<void> {
    const { accounts, invites, reservedKeys, events } = this.#report
    const common = { invites, reservedKeys, events }
    const noted = { lastSeq: this.#lastSeq, accounts, finishedMs, ...(finishedMs && { common }) }
    await this.#settings?.set(SETTING, noted)
  }

  async #accounts(): Promise<void> {
    const { onAccount } = this.#options
    const known = new Map((await this.#directory?.adopted())?.map((one) => [one.did, one]))
    for (let after = ''; ; ) {
      const page = this.#rows.page(after, PAGE)
      for (const account of page) {
        const report = known.get(account.did) ?? (await this.#account(account))
        this.#count(report)
        this.#progress(++this.#done)
        onAccount(report, !known.has(account.did))
      }
      if (page.length < PAGE) return
      after = page.at(-1)!.did
    }
  }

  #progress(done: number, more = 0): void {
    this.#bytes += more
    this.#options.onProgress({ done, total: this.#report.accounts, bytes: this.#bytes })
  }

  #count(one: AdoptedAccount): void {
    const report = this.#report
    if (one.refused !== undefined) {
      report.refused++
      return
    }
    report.adopted++
    report.records += one.records
    report.blobs += one.blobs
    report.blobBytes += one.blobBytes
    report.missingBlobs += one.missingBlobs.count
    report.sessions += one.sessions
    report.appPasswords += one.appPasswords
  }

  async #account(account: ReferenceAccount): Promise<AdoptedAccount> {
    const report = blankReport(account, this.#options.now())
    const held = this.#files && this.#stage(account)
    try {
      await this.#take(account, report, held?.file)
    } catch (error) {
      if (error instanceof SourceChanged || isOurs(error)) throw error
      report.refused = (error as Error).message
    } finally {
      held?.release()
      if (report.refused !== undefined) this.#files?.remove(account.did, FIRST_GENERATION)
      else this.#files?.shut(account.did, FIRST_GENERATION)
    }
    return report
  }

  /** A file of its own, without what an interrupted call left in it. */
  #stage({ did }: ReferenceAccount): { file: AccountFile; release(): void } {
    const files = this.#files!
    files.remove(did, FIRST_GENERATION)
    return files.hold(did, FIRST_GENERATION)
  }

  async #take(
    account: ReferenceAccount,
    report: AdoptedAccount,
    file: AccountFile | undefined,
  ): Promise<void> {
    const { source, target, clock, random, now, sessionSecret } = this.#options
    const { did } = account
    const keyBytes = await source.signingKey(did)
    if (!keyBytes) throw new Error('its signing key is missing')
    const opened = await source.store(did)
    if (!opened) throw new Error('its store is missing')
    try {
      const key = importKey('k256', keyBytes)
      const store = new StoreRows(opened.reader)
      const repo = takeRepo(store, file, { did, key, clock })
      noteRepo(report, repo)
      const dataKey = Uint8Array.from(random(32))
      const preferences = preferencesOf(store)
      report.preferences = preferences.length
      const blobs = await takeBlobs({
        ...{ did, source, store, blobs: target?.blobs },
        keep: (taken) =>
          file?.transaction(() => {
            // The wait of one that no record mentions begins anew.
            for (const { createdAt, isMentioned, ...blob } of taken) {
              file.blobs.put(blob, isMentioned ? Date.parse(createdAt) || now() : now())
            }
          }),
        onBytes: (count) => this.#progress(this.#done, count),
      })
      const { count, bytes: blobBytes, missing } = blobs
      const missingBlobs = { count: missing.length, cids: missing.slice(0, TOLD_MAX) }
      Object.assign(report, { blobs: count, blobBytes, missingBlobs })
      const apps = this.#rows.appsLetIn(did)
      if (apps > 0) report.notes.push(`${apps} apps have to be let in again`)
      if (!file || !target) return this.#tellRows(report, account, store)
      file.applying(this.#lastSeq, () => {
        if (preferences.length > 0) file.putPreferences(sealPreferences(dataKey, preferences))
        file.setHead(repo.head)
      })
      await file.sync()
      const rows = { account, key, dataKey, head: repo.head, lastSeq: this.#lastSeq, store, report }
      await this.#directory!.put(rows, { sessions: sessionSecret !== undefined })
    } finally {
      opened.close()
    }
  }

  /** What a real run would put into the directory. */
  #tellRows(
    report: AdoptedAccount,
    { did, takedownRef }: ReferenceAccount,
    store: StoreRows,
  ): void {
    const { sessionSecret, now } = this.#options
    const isGood = (row: { expiresAt: string; nextId: string | null }) =>
      row.nextId === null && Date.parse(row.expiresAt) > now()
    report.appPasswords = this.#rows.appPasswords(did).length
    report.sessions = sessionSecret ? this.#rows.sessions(did).filter(isGood).length : 0
    report.takedowns =
      store.recordTakedowns().length + store.blobTakedowns().length + (takedownRef === null ? 0 : 1)
  }

  /** What belongs to the host and to no account. */
  async #common(): Promise<void> {
    const { source, target, sessionSecret, rotationKey, retentionMs, now } = this.#options
    const report = this.#report
    const reserved = await source.reservedKeys()
    report.reservedKeys = reserved.length
    report.invites = this.#rows.invites().length
    if (!target) return
    await this.#directory!.putReservedKeys(reserved)
    await this.#directory!.putInvites()
    const seal = (name: string, bytes: Uint8Array) =>
      this.#settings!.set(name, hex(this.#sealer!.seal(bytes, name)))
    if (sessionSecret) await seal('session-secret', sessionSecret)
    if (rotationKey) await seal('plc-rotation-key', rotationKey)
    const since = new Date(now() - retentionMs).toISOString()
    const { lastSeq } = report
    report.events = await takeEvents(source.events, target.streams, { since, lastSeq })
    await this.#settings!.set('replay-point', lastSeq)
  }

  async #tellLeft(): Promise<void> {
    const { source, sessionSecret } = this.#options
    const { notes } = this.#report
    if (!sessionSecret) notes.push('everybody has to sign in again: sessions cannot be kept')
    notes.push('codes in letters that are on their way are not kept: they are asked for again')
    const orphans: string[] = []
    for (const did of await source.folders()) if (!this.#rows.has(did)) orphans.push(did)
    if (orphans.length > 0) {
      const named = orphans.slice(0, TOLD_MAX).join(', ')
      notes.push(`${orphans.length} folders are of no account, and are left: ${named}`)
    }
  }
}

const NOTHING = {
  ...{ adopted: 0, refused: 0, records: 0, blobs: 0, blobBytes: 0, missingBlobs: 0, invites: 0 },
  ...{ reservedKeys: 0, sessions: 0, appPasswords: 0, events: 0 },
}

function blankReport(account: ReferenceAccount, nowMs: number): AdoptedAccount {
  const { did, handle, takedownRef, deactivatedAt, passwordScrypt } = account
  const free = deactivatedAt === null ? 'active' : 'deactivated'
  const notes: string[] = []
  if (handle === null) notes.push('it has no handle')
  if (passwordScrypt === null) notes.push('no login belongs to it: its password has to be set')
  if (isOverdue(account, nowMs)) {
    notes.push(`it was to be deleted after ${account.deleteAfter} and is not by itself: decide`)
  }
  return {
    did,
    handle: handle ?? NO_HANDLE,
    status: takedownRef === null ? free : 'takendown',
    ...{ records: 0, blobs: 0, blobBytes: 0, missingBlobs: { count: 0, cids: [] } },
    ...{ preferences: 0, sessions: 0, appPasswords: 0, takedowns: 0, notes },
  }
}

function noteRepo(report: AdoptedAccount, { head, records, isSignedAnew }: TakenRepo): void {
  report.records = records
  report.root = cidText(head.data)
  report.rev = head.rev
  if (isSignedAnew) report.notes.push('its newest commit bore another key, and was made anew')
}

/** Those that this host keeps. */
const preferencesOf = (store: StoreRows): unknown[] =>
  store
    .preferences()
    .filter((one) => typeof (one as { $type?: unknown } | null)?.$type === 'string')

const sealPreferences = (dataKey: Uint8Array, preferences: readonly unknown[]): Uint8Array =>
  sealer(dataKey).seal(new TextEncoder().encode(JSON.stringify(preferences)), 'preferences')

/** A full disk, or a bucket that is away, is no fault of the account's. */
const isOurs = (error: unknown): boolean =>
  error instanceof StorageError && !['Corrupt', 'Conflict'].includes(error.code)
