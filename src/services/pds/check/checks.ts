import { blobRefs, cidText, decodeCbor } from '#protocol/data'
import { Tree } from '#protocol/repo'
import type { Did, TidClock } from '#protocol/syntax'
import type { AccountFiles } from '../account-files/index.ts'
import type { Account, Accounts } from '../accounts/index.ts'
import type { AccountBlobs } from '../blobs/index.ts'
import type { Journal, Recovery } from '../journal/index.ts'
import type { HotRepos, Repos } from '../repos/index.ts'
import { checkFile, named } from './check-file.ts'
import { rebuild } from './rebuild.ts'
import type { AccountReport, Problem, ProblemKind, Repair } from './report.ts'

/** What only another file can put right. */
const NEEDS_ANOTHER_FILE = new Set<ProblemKind>([
  'unreadable',
  'damaged-file',
  'damaged-records',
  'wrong-tree',
  'wrong-commit',
  'wrong-signature',
  'behind-journal',
])

interface Parts {
  accounts: Accounts
  files: AccountFiles
  blobs: AccountBlobs
  hot: HotRepos
  repos: Repos
  journal: Journal
  recovery: Recovery
  clock: TidClock
  now: () => number
}

/**
 * Checks accounts against everything that is known of them, and repairs them when asked. For a host
 * that nobody uses: on the command line, before it starts.
 */
export class Checks {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** DIDs of the accounts of this host, in order. */
  async dids(after: string | undefined, limit: number): Promise<Did[]> {
    const page = await this.#parts.accounts.list({ limit, ...(after && { cursor: after }) })
    return page.map(({ did }) => did)
  }

  count(): Promise<number> {
    return this.#parts.accounts.count()
  }

  /**
   * One account, by DID or handle. With `repair` what is wrong is put right as far as it can be; with
   * `announce` an active one says to the network what it is: for a host that was restored. Throws
   * RepoNotFound.
   */
  async check(
    identifier: string,
    { repair = false, announce = false } = {},
  ): Promise<AccountReport> {
    const account = await this.#parts.accounts.require(identifier)
    const repairs: Repair[] = (await this.#follow(account)) ? ['replayed'] : []
    const report = await this.#look(account)
    const lost: string[] = []
    if (repair && report.problems.length > 0) await this.#repair(account, report, repairs, lost)
    const isAhead = report.problems.some(({ kind }) => kind === 'ahead-of-journal')
    const isAnnounced = repairs.includes('rebuilt')
    if ((announce || (repair && isAhead)) && account.status === 'active' && !isAnnounced) {
      await this.#parts.repos.announce(account.did)
      repairs.push('announced')
    }
    if (repairs.every((one) => one === 'replayed')) return { ...report, repairs }
    const now = await this.#look(account)
    const { records, blobs, missingBlobs, ok } = now
    return { ...report, records, blobs, missingBlobs, ok, repairs, lost }
  }

  /** Whether the file was behind the journal, and is not any more: as at every start. */
  async #follow({ did, generation }: Account): Promise<boolean> {
    const { files, recovery } = this.#parts
    try {
      files.openToRepair(did, generation)
      if (!recovery.isStopped(did)) return false
      await recovery.recover(did)
      return true
    } catch {
      return false
    }
  }

  async #look(account: Account): Promise<AccountReport> {
    const { files, recovery, journal } = this.#parts
    const { did, handle, status, generation } = account
    const { problems, records, appliedSeq, referenced } = checkFile(
      files.path(did, generation),
      account,
    )
    const { durable } = journal.stream.bounds()
    if (recovery.isStopped(did) && !recovery.isDamaged(did)) {
      problems.push({ kind: 'behind-journal', detail: String(recovery.reason(did)) })
    } else if (appliedSeq < account.syncedSeq) {
      const detail = `it reflects ${appliedSeq}, it was synced at ${account.syncedSeq}`
      problems.push({ kind: 'behind-journal', detail })
    } else if (appliedSeq > durable) {
      const detail = `it reflects ${appliedSeq}, the journal ends at ${durable}`
      problems.push({ kind: 'ahead-of-journal', detail })
    }
    const here = referenced.filter(({ size }) => size !== null)
    problems.push(...(await this.#lookAtBlobs(did, here)))
    return {
      did,
      handle,
      status,
      ok: problems.length === 0,
      records,
      blobs: here.length,
      missingBlobs: referenced.length - here.length,
      problems,
      repairs: [],
      lost: [],
    }
  }

  async #lookAtBlobs(did: Did, here: readonly { cid: Uint8Array; size: unknown }[]) {
    const damaged: string[] = []
    for (const { cid, size } of here) {
      const isSound = await this.#parts.blobs.holds(did, { cid, size: Number(size) })
      if (!isSound) damaged.push(cidText(cid))
    }
    if (damaged.length === 0) return []
    return [{ kind: 'damaged-blobs', detail: named(damaged) } satisfies Problem]
  }

  async #repair(
    account: Account,
    report: AccountReport,
    repairs: Repair[],
    lost: string[],
  ): Promise<void> {
    const { did } = account
    const kinds = new Set(report.problems.map(({ kind }) => kind))
    if ([...kinds].some((kind) => NEEDS_ANOTHER_FILE.has(kind))) {
      lost.push(...(await this.#parts.hot.alone(did, () => this.#rebuild(account))))
      repairs.push('rebuilt')
      if (kinds.has('damaged-blobs')) await this.#forgetBlobs(account, lost)
      return
    }
    if (kinds.has('wrong-nodes')) this.#storeNodes(account)
    if (kinds.has('wrong-blob-references')) {
      const file = this.#file(account)
      const blobsOf = (value: Uint8Array) => blobRefs(decodeCbor(value))
      file.transaction(() => file.blobs.relink(file.allRecords(), blobsOf))
    }
    if (kinds.has('damaged-blobs')) await this.#forgetBlobs(account, lost)
    if (kinds.has('sealed-preferences')) {
      this.#file(account).forgetPreferences()
      lost.push('preferences')
    }
    if (kinds.size > 1 || !kinds.has('ahead-of-journal')) repairs.push('derived')
  }

  #file({ did, generation }: Account) {
    return this.#parts.files.open(did, generation)
  }

  #rebuild(account: Account): Promise<string[]> {
    const { blobs, recovery, ...parts } = this.#parts
    return rebuild(
      {
        ...parts,
        holds: (did, ref) => blobs.holds(did, ref),
        mended: (did) => recovery.mended(did),
      },
      account,
    )
  }

  #storeNodes(account: Account): void {
    const file = this.#file(account)
    const head = file.head()
    if (!head) return
    const paths = function* () {
      for (const { path, cid } of file.entries()) yield [path, cid] as [string, Uint8Array]
    }
    this.#parts.hot.forget(account.did)
    file.writeNodes(head.data, head.rev, Tree.build(paths()).blocks(), 'all')
  }

  /** Blobs that are not here any more are missing, for their owner to bring again. */
  async #forgetBlobs(account: Account, lost: string[]): Promise<void> {
    const { did } = account
    const file = this.#file(account)
    for (const { cid, size } of [...file.blobs.uploaded()]) {
      if (await this.#parts.blobs.holds(did, { cid, size })) continue
      file.blobs.forget(cid)
      lost.push(`blob ${cidText(cid)}`)
    }
  }
}
