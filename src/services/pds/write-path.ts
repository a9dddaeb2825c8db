/** The write path, wired: the journal, the account files that reflect it, and what keeps them in step. */

import type { Log } from '#platform/runtime'
import type { Stream, Streams } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { type AccountFile, AccountFiles } from './account-files/index.ts'
import type { Accounts } from './accounts/index.ts'
import { Checkpoints, type Copying, Journal, Recovery } from './journal/index.ts'
import type { Lease } from './lease/index.ts'
import { replayEntry } from './replay.ts'
import { HotRepos, TreeEdits } from './repos/index.ts'

export interface WritePath {
  files: AccountFiles
  hot: HotRepos
  recovery: Recovery
  checkpoints: Checkpoints
  stream: Stream
  journal: Journal
}

export interface WritePathOptions {
  accounts: Accounts
  streams: Streams
  /** Folder of the account files. */
  accountsDirectory: string
  openFilesMax: number
  /** The right to write; always had without. */
  lease?: Lease | undefined
  now: () => number
  log: Log
  /** Told when nothing can be trusted any more. */
  onFatal: (error: unknown) => void
  /** Hands entries to a standby. */
  copying?: (Copying & { attach(stream: Stream): void }) | undefined
  /** The next seq is above this: of a host whose place was taken. */
  aboveSeq?: number
}

/** More than a journal can have held beyond what the directory knew, when it was lost. */
const LOST_SEQS_MAX = 1_000_000

/** Opens the journal and replays what account files lack of it. */
export async function openWritePath(options: WritePathOptions): Promise<WritePath> {
  const { accounts, streams, accountsDirectory, openFilesMax, now, log, onFatal, copying } = options
  const files = new AccountFiles({
    directory: accountsDirectory,
    openMax: openFilesMax,
    closing: (did) => hot.release(did),
    opened: (did, generation, opened) => refuseOlder(did, generation, opened),
    damaged: (did, generation, error) => damage(did, generation, error),
    requireReadable: (did) => recovery.requireReadable(did),
  })
  const file = (did: Did, generation: number) => files.openToRepair(did, generation)
  const checkpoints = new Checkpoints({
    savedPoint: await accounts.replayPoint(),
    hold: (did, generation) => files.hold(did, generation),
    before: (did) => hot.storeNow(did),
    save: (point, synced) => accounts.saveCheckpoint(point, synced),
    waiting: () => recovery.lowestSeq(),
    onFatal,
  })
  const changed = (did: Did, generation: number, seq: number) =>
    checkpoints.changed(did, generation, seq)
  const edits = new TreeEdits()
  const recovery = new Recovery({
    replay: replayEntry(accounts, edits),
    file,
    changed,
    log,
  })
  const hot = new HotRepos({ accounts, files, recover: (did) => recovery.recover(did), edits })
  const stop = (did: Did, seq: number, reason: unknown) => {
    recovery.stop(did, seq, reason)
    hot.fail(did)
  }
  /** A file with other bytes than were written: its account stops, and only that. */
  const damage = (did: Did, generation: number, error: unknown) => {
    if ((accounts.peek(did)?.generation ?? generation) !== generation) return error
    hot.fail(did)
    return recovery.damage(did, error)
  }
  /** A file that reflects less than was known to be on the disk is an older copy of itself. */
  const refuseOlder = (did: Did, generation: number, opened: AccountFile) => {
    const account = accounts.peek(did)
    if (account?.generation !== generation) return
    const seq = opened.appliedSeq()
    if (seq >= account.syncedSeq) return
    const reason = new Error(`the file reflects ${seq}, it was synced at ${account.syncedSeq}`)
    recovery.stop(did, Math.max(seq, account.bornSeq) + 1, reason, { unreadable: true })
    hot.fail(did)
  }
  const stream = await streams.open('journal', {
    manualRelease: true,
    // Microseconds: no host writes so many entries that the clock could not overtake a lost one. A
    // clock that went back is overruled by what the directory remembers.
    floor: Math.max(
      now() * 1000,
      (await accounts.newestSeq()) + LOST_SEQS_MAX,
      (options.aboveSeq ?? 0) + 1,
    ),
    onFailed: () => hot.failAll(),
  })
  const journal = new Journal(
    stream,
    {
      file,
      isStopped: (did) => recovery.isStopped(did),
      stop,
      changed,
      applied: (seq) => checkpoints.applied(seq),
      together: (work) => accounts.together(work),
      copying,
    },
    options.lease,
  )
  copying?.attach(stream)
  const replayed = await recovery.start(journal, checkpoints.savedPoint)
  checkpoints.applied(stream.bounds().durable)
  if (replayed > 0) log.info('journal replayed', { entries: replayed })
  return { files, hot, recovery, checkpoints, stream, journal }
}
