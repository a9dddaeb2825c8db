import type { Entry } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { AccountFile } from '../account-files/index.ts'
import { AccountStopped, type Journal } from './journal.ts'

/** How one entry is applied again: to the account's file, to the directory, or to both. */
export interface Replay {
  file?: { generation: number; apply(file: AccountFile, seq: number): void }
  directory?(seq: number): Promise<void>
}

/**
 * Brings the projections up to the journal: all of them at start, one account's when applying to
 * it failed. Entries at or below a file's `appliedSeq` are skipped; a gap stops that account only.
 */
export class Recovery {
  readonly #replay: (entry: Entry) => Promise<Replay | undefined>
  readonly #file: (did: Did, generation: number) => AccountFile
  readonly #log: (message: string, fields: Record<string, unknown>) => void
  readonly #stopped = new Map<Did, unknown>()
  readonly #retrying = new Map<Did, Promise<void>>()
  #journal: Journal | undefined

  constructor(options: {
    /** Undefined for an account that is no longer hosted. */
    replay: (entry: Entry) => Promise<Replay | undefined>
    file: (did: Did, generation: number) => AccountFile
    log: (message: string, fields: Record<string, unknown>) => void
  }) {
    this.#replay = options.replay
    this.#file = options.file
    this.#log = options.log
  }

  /** Accounts whose files are behind the journal, with the reason. */
  get stopped(): ReadonlyMap<Did, unknown> {
    return this.#stopped
  }

  stop(did: Did, reason: unknown): void {
    this.#stopped.set(did, reason)
    this.#log('account stopped: its file could not follow the journal', { did, error: reason })
  }

  /** Applies every entry after the replay point. Returns how many were applied. */
  async start(journal: Journal, after: number): Promise<number> {
    this.#journal = journal
    let count = 0
    for await (const batch of journal.replay(after)) {
      for (const entry of batch) {
        if (this.#stopped.has(entry.key as Did)) continue
        try {
          if (await this.#apply(entry)) count++
        } catch (error) {
          this.stop(entry.key as Did, error)
        }
      }
    }
    journal.stream.release(journal.stream.bounds().durable)
    return count
  }

  /** Replays a stopped account; rejects with AccountStopped while it cannot follow. */
  recover(did: Did): Promise<void> {
    if (!this.#stopped.has(did)) return Promise.resolve()
    const retrying = this.#retrying.get(did)
    if (retrying) return retrying
    const retry = this.#retry(did).finally(() => this.#retrying.delete(did))
    this.#retrying.set(did, retry)
    return retry
  }

  async #retry(did: Did): Promise<void> {
    try {
      for await (const batch of this.#journal!.replay(0)) {
        for (const entry of batch) if (entry.key === did) await this.#apply(entry)
      }
    } catch (cause) {
      throw new AccountStopped(did, { cause })
    }
    this.#stopped.delete(did)
    this.#log('account repaired from the journal', { did })
  }

  async #apply(entry: Entry): Promise<boolean> {
    if (entry.blanked) return false
    const replay = await this.#replay(entry)
    if (!replay) return false
    let applied = false
    if (replay.file) {
      const { generation, apply } = replay.file
      const file = this.#file(entry.key as Did, generation)
      if (file.appliedSeq() < entry.seq) {
        file.transaction(() => {
          apply(file, entry.seq)
          file.setAppliedSeq(entry.seq)
        })
        applied = true
      }
    }
    if (replay.directory) {
      await replay.directory(entry.seq)
      applied = true
    }
    return applied
  }
}
