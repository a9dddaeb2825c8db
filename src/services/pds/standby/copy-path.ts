/** The write path of a copy: a journal that another host writes, and the files that reflect it. */
import type { Log } from '#platform/runtime'
import type { Entry, Stream, Streams } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { AccountFiles } from '../account-files/index.ts'
import { Checkpoints, Recovery } from '../journal/index.ts'
import { type ReplayedAccounts, replayEntry } from '../replay.ts'
import { TreeEdits } from '../repos/index.ts'
import type { DirectoryCopy } from './directory-copy.ts'
import type { StandbyMemory } from './memory.ts'

export interface CopyPathOptions {
  directory: DirectoryCopy
  memory: StandbyMemory
  streams: Streams
  accountsDirectory: string
  openFilesMax: number
  log: Log
  onFatal: (error: unknown) => void
}

/**
 * The journal here has the first host's entries at their seqs. They are applied as a host applies
 * its own after a crash: above a file's `appliedSeq`, where they follow; an account whose file they
 * do not follow stops, loudly.
 */
export class CopyPath {
  readonly files: AccountFiles
  readonly recovery: Recovery
  readonly checkpoints: Checkpoints
  readonly stream: Stream
  readonly accounts: ReplayedAccounts
  readonly #memory: StandbyMemory
  /** Entries up to here are whole here: with the changes of the directory that came before them. */
  #takenSeq: number
  #appliedSeq: number
  #applying: Promise<void> = Promise.resolve()

  private constructor(options: CopyPathOptions, stream: Stream) {
    const { directory, memory, log, onFatal } = options
    this.#memory = memory
    this.stream = stream
    this.accounts = accountsOf(directory)
    this.files = new AccountFiles({
      directory: options.accountsDirectory,
      openMax: options.openFilesMax,
      closing: () => true,
      opened() {},
      damaged: (did, _generation, error) => this.recovery.damage(did, error),
      requireReadable: (did) => this.recovery.requireReadable(did),
    })
    this.recovery = new Recovery({
      replay: replayEntry(this.accounts, new TreeEdits()),
      file: (did, generation) => this.files.openToRepair(did, generation),
      changed: (did, generation, seq) => this.checkpoints.changed(did, generation, seq),
      log,
    })
    const savedPoint = memory.number('replay-point') ?? memory.number('seed-from') ?? 0
    this.checkpoints = new Checkpoints({
      savedPoint,
      hold: (did, generation) => this.files.hold(did, generation),
      before() {},
      save: async (point) => memory.set('replay-point', point),
      waiting: () => this.recovery.lowestSeq(),
      onFatal,
    })
    const here = Math.max(stream.bounds().durable, memory.number('journal-from') ?? 0)
    this.#takenSeq = Math.min(here, memory.number('whole-seq') ?? here)
    this.#appliedSeq = savedPoint
  }

  static async open(options: CopyPathOptions): Promise<CopyPath> {
    const stream = await options.streams.open('journal', { manualRelease: true })
    return new CopyPath(options, stream)
  }

  /** Newest entry on this disk. */
  get seq(): number {
    return Math.max(this.stream.bounds().durable, this.#memory.number('journal-from') ?? 0)
  }

  /** Everything up to here is in the account files, but for what stopped accounts wait for. */
  get appliedSeq(): number {
    return this.#appliedSeq
  }

  /** Entries up to `seq` may be applied. */
  taken(seq: number): void {
    this.#takenSeq = Math.max(this.#takenSeq, seq)
  }

  /** Every file is here: what came since the first of them was copied is applied. */
  async begin(): Promise<void> {
    const from = this.#memory.number('replay-point') ?? this.#memory.number('seed-from') ?? 0
    this.#appliedSeq = from
    await this.#inTurn(() => this.recovery.start(this.#journal, from))
    await this.apply()
  }

  /** Applies what was taken. */
  apply(): Promise<void> {
    return this.#inTurn(async () => {
      const upTo = this.#takenSeq
      if (upTo > this.#appliedSeq) await this.recovery.advance(this.#appliedSeq)
      this.#appliedSeq = upTo
      this.checkpoints.applied(upTo)
      const { last, durable } = this.stream.bounds()
      if (Math.min(upTo, durable) > last) this.stream.release(Math.min(upTo, durable))
    })
  }

  #inTurn(work: () => Promise<unknown>): Promise<void> {
    const turn = this.#applying.then(work).then(() => {})
    this.#applying = turn.catch(() => {})
    return turn
  }

  /** The journal as far as it may be applied. */
  readonly #journal = {
    stream: { bounds: () => this.stream.bounds(), release() {} },
    replay: (after: number) => this.#taken(after),
  }

  async *#taken(after: number): AsyncGenerator<readonly Entry[]> {
    const upTo = this.#takenSeq
    for await (const batch of this.stream.tail(after)) {
      const whole = batch.filter(({ seq }) => seq <= upTo)
      if (whole.length > 0) yield whole
      if (whole.length < batch.length) return
    }
  }

  async close(): Promise<void> {
    await this.#applying
    await this.checkpoints.run()
    await this.stream.close()
    this.files.close()
  }
}

/** The copy of the directory answers, ahead of it by the switches that were applied here. */
function accountsOf(directory: DirectoryCopy): ReplayedAccounts {
  const generations = new Map<Did, number>()
  return {
    async getAny(did) {
      const account = directory.account(did)
      const generation = generations.get(did)
      if (!account || generation === undefined) return account
      if (account.generation >= generation) generations.delete(did)
      return { ...account, generation: Math.max(account.generation, generation) }
    },
    async projectGeneration(did, generation) {
      generations.set(did, generation)
    },
    // The first host's own changes come by its directory.
    async projectHandle() {},
    async projectStatus() {},
    async projectDeletion() {},
  }
}
