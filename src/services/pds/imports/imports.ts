import { cidForCbor, type PublicKey, parseDidKey } from '#protocol/crypto'
import { blobRefs, decodeCbor } from '#protocol/data'
import { type Directory, identityOf, type PlcClient, plcState } from '#protocol/identity'
import { encodeCommit, type RepoHead, type RepoRecord, readRepo } from '#protocol/repo'
import type { Did, TidClock } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFile, AccountFiles, FileHead } from '../account-files/index.ts'
import type { Account, Accounts } from '../accounts/index.ts'
import { type Journal, Kind } from '../journal/index.ts'
import type { HotRepos } from '../repos/index.ts'
import { FileSpill } from './file-spill.ts'
import { encodeSwitch } from './switch.ts'

/** Imports at once: each holds a few megabytes and one staged file. */
const AT_ONCE_MAX = 4

/**
 * Takes in whole repositories. The records go into a new generation of the account's file, which
 * nobody sees; one journal entry then switches to it, with a commit of the same tree signed by the
 * account's key here and a rev above every rev known. A crash before that leaves the old state.
 */
export class Imports {
  readonly #files: AccountFiles
  readonly #hot: HotRepos
  readonly #journal: Journal
  readonly #clock: TidClock
  readonly #accounts: Accounts
  readonly #directory: Directory
  readonly #plc: PlcClient
  readonly #running = new Set<Did>()

  constructor(options: {
    files: AccountFiles
    hot: HotRepos
    journal: Journal
    clock: TidClock
    accounts: Accounts
    directory: Directory
    plc: PlcClient
  }) {
    this.#files = options.files
    this.#hot = options.hot
    this.#journal = options.journal
    this.#clock = options.clock
    this.#accounts = options.accounts
    this.#directory = options.directory
    this.#plc = options.plc
  }

  /** Any order of blocks, bounded memory. Throws InvalidRepo naming what is wrong. */
  async run(account: Account, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { did } = account
    if (this.#running.has(did)) {
      throw new XrpcError(409, 'ImportUnderWay', 'An import of this account is under way')
    }
    if (this.#running.size >= AT_ONCE_MAX) {
      const headers = { 'retry-after': '10' }
      throw new XrpcError(503, 'NotEnoughResources', 'Too many imports at once', { headers })
    }
    this.#running.add(did)
    const generation = account.generation + 1
    try {
      this.#files.remove(did, generation)
      const staged = this.#files.open(did, generation)
      const source = await this.#stage(account, staged, chunks)
      await this.#switch(account, generation, staged, source)
    } catch (error) {
      if (account.generation !== generation) this.#files.remove(did, generation)
      throw error
    } finally {
      this.#running.delete(did)
    }
  }

  async #stage(
    account: Account,
    staged: AccountFile,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<RepoHead> {
    const spill = new FileSpill(staged)
    const { did } = account
    const reading = await readRepo(chunks, { did, keys: await this.#keys(account), spill })
    const { rev } = reading.head
    for await (const batch of reading.records) {
      staged.transaction(() => {
        for (const record of batch) putRecord(staged, record, rev)
      })
    }
    spill.end()
    return reading.head
  }

  /** Keys that may have signed what comes in: the account's, now and before, here and elsewhere. */
  async #keys(account: Account): Promise<PublicKey[]> {
    const { did, signingKey } = account
    const keys = new Set([signingKey.publicKey.didKey])
    const document = await this.#directory.document(did, { fresh: true })
    const current = document && identityOf(document).signingKey
    if (current) keys.add(current)
    if (did.startsWith('did:plc:')) {
      const log = await this.#plc.log(did)
      for (const { operation } of log?.valid ?? []) {
        const key = plcState(operation)?.verificationMethods.atproto
        if (key) keys.add(key)
      }
    }
    return [...keys].map(parseDidKey)
  }

  async #switch(
    account: Account,
    generation: number,
    staged: AccountFile,
    source: RepoHead,
  ): Promise<void> {
    const { did } = account
    const old = this.#files.open(did, account.generation)
    staged.transaction(() => staged.takePrivateState(old))
    await staged.sync()
    const known = old.head()?.rev
    const rev = this.#clock.next(known && known > source.rev ? known : source.rev)
    const bytes = encodeCommit({ did, rev, data: source.data }, account.signingKey)
    const head: FileHead = {
      rev,
      commit: cidForCbor(bytes),
      data: source.data,
      bytes,
      announcedRev: source.rev,
    }
    const before = account.generation
    await this.#journal.append([
      {
        did,
        kind: Kind.importSwitch,
        make: () => encodeSwitch({ generation, head }),
        file: { generation, apply: (file) => file.setHead(head) },
        directory: (seq) => this.#accounts.projectGeneration(did, generation, seq),
      },
    ]).applied
    this.#hot.forget(did)
    this.#files.remove(did, before)
  }
}

function putRecord(file: AccountFile, { path, cid, bytes }: RepoRecord, rev: string): void {
  file.putRecord({ path, cid, value: bytes }, rev, blobRefs(decodeCbor(bytes)))
}
