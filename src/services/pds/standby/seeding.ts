/** The first copies: every account's file and blobs, resumable, each verified. */
import type { Log, Sealer } from '#platform/runtime'
import { takeSqliteFile } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { checkFile } from '../check/index.ts'
import type { ReplayedAccount } from '../replay.ts'
import type { BlobCopies } from './blob-copies.ts'
import type { CopyPath } from './copy-path.ts'
import type { DirectoryCopy } from './directory-copy.ts'
import type { StandbyMemory } from './memory.ts'
import type { Upstream } from './upstream.ts'

const PAGE = 500
const FILES_AT_ONCE = 4
const ACCOUNTS_AT_ONCE = 4
const PROGRESS_EVERY = 500

export interface SeedingParts {
  directory: DirectoryCopy
  memory: StandbyMemory
  path: CopyPath
  blobs: BlobCopies
  upstream: Upstream
  sealer: () => Sealer
  log: Log
  /** Told of an account whose copy does not fit. */
  unsound: (did: Did, problems: unknown) => void
}

export class Seeding {
  readonly #parts: SeedingParts

  constructor(parts: SeedingParts) {
    this.#parts = parts
  }

  /** Goes on where it was; resolves when everything is here. */
  async run(signal: AbortSignal): Promise<void> {
    const { memory, log } = this.#parts
    await this.#files(signal)
    await this.#parts.path.begin()
    await this.#blobs(signal)
    memory.set('seeded', 'yes')
    log.info('everything of the first host is here', { accounts: memory.copiedCount() })
  }

  async #files(signal: AbortSignal): Promise<void> {
    const { directory, memory, log } = this.#parts
    const total = directory.count()
    let done = memory.copiedCount()
    let after = ''
    for (;;) {
      const page = directory.accounts(after, PAGE)
      await each(page, FILES_AT_ONCE, async (account) => {
        signal.throwIfAborted()
        await this.#file(account, signal)
        if (++done % PROGRESS_EVERY === 0) log.info('copying accounts', { done, total })
      })
      if (page.length < PAGE) return
      after = page.at(-1)!.did
    }
  }

  async #file({ did, bornSeq, status }: ReplayedAccount, signal: AbortSignal): Promise<void> {
    const { memory } = this.#parts
    if (memory.isCopied(did)) return
    // All that it has is in the entries since.
    const bornMeanwhile = status === 'pending' || bornSeq > memory.number('seed-from')!
    if (!bornMeanwhile) await this.copy(did, undefined, signal)
  }

  /** Copies one account's file; an entry may ask for one that does not count yet. */
  async copy(did: Did, wanted: number | undefined, signal: AbortSignal): Promise<void> {
    const { upstream, path, memory, directory, sealer, unsound } = this.#parts
    const answer = await upstream.accountFile(did, wanted, signal)
    // It has been deleted since.
    if (!answer) return
    const { body, generation } = answer
    const target = path.files.path(did, generation)
    await takeSqliteFile(target, body, async () => path.files.shut(did, generation))
    if (wanted === undefined) memory.noteCopied(did, generation)
    const account = wanted === undefined && directory.wholeAccount(did, sealer())
    if (!account || account.status === 'deleted') return
    const { problems } = checkFile(target, account)
    if (problems.length > 0) unsound(did, problems)
  }

  async #blobs(signal: AbortSignal): Promise<void> {
    const { memory, blobs, path, directory } = this.#parts
    for (;;) {
      const page = memory.withoutBlobs(PAGE)
      await each(page, ACCOUNTS_AT_ONCE, async ({ did, generation }) => {
        signal.throwIfAborted()
        const isGone = !directory.account(did) || directory.account(did)?.status === 'deleted'
        if (!isGone) await blobs.requireAll(did, path.files.path(did, generation), signal)
        memory.noteBlobs(did)
      })
      if (page.length < PAGE) return
    }
  }
}

/** At most `atOnce` at a time; the first failure ends it. */
async function each<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const run = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, run))
}
