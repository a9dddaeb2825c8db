import type { Stream } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { AccountFiles } from '../account-files/index.ts'
import type { Accounts } from '../accounts/index.ts'
import type { AccountBlobs } from '../blobs/index.ts'
import type { Checkpoints } from '../journal/index.ts'
import type { HotRepos } from '../repos/index.ts'

/**
 * Erases what a deleted account left: its payloads in the journal (the entries keep their place),
 * its files and its blobs. Its keys are gone already, so that copies elsewhere cannot be read. Each
 * step may be done again.
 */
export class Erasure {
  readonly #accounts: Accounts
  readonly #files: AccountFiles
  readonly #hot: HotRepos
  readonly #checkpoints: Checkpoints
  readonly #blobs: AccountBlobs
  readonly #stream: Stream

  constructor(options: {
    accounts: Accounts
    files: AccountFiles
    hot: HotRepos
    checkpoints: Checkpoints
    blobs: AccountBlobs
    stream: Stream
  }) {
    this.#accounts = options.accounts
    this.#files = options.files
    this.#hot = options.hot
    this.#checkpoints = options.checkpoints
    this.#blobs = options.blobs
    this.#stream = options.stream
  }

  /** `seq` is the entry that announced the deletion: it stays readable. */
  async run(did: Did, seq: number): Promise<void> {
    const account = await this.#accounts.getAny(did)
    if (account?.status !== 'deleted') return
    this.#hot.forget(did)
    this.#checkpoints.forget(did)
    await this.#stream.blank((entry) => entry.key === did && entry.seq < seq)
    for (let generation = account.generation + 1; generation > 0; generation--) {
      this.#files.remove(did, generation)
    }
    await this.#blobs.erase(did)
  }
}
