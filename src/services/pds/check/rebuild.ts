import type { Stream } from '#platform/storage'
import { cidForCbor } from '#protocol/crypto'
import { type BlobRef, blobRefs, type CidBytes, cidText, decodeCbor } from '#protocol/data'
import { encodeCommit, Tree } from '#protocol/repo'
import type { Did, Tid, TidClock } from '#protocol/syntax'
import type { AccountFile, AccountFiles, FileHead } from '../account-files/index.ts'
import type { Account, Accounts } from '../accounts/index.ts'
import { applySwitch, encodeSwitch } from '../imports/index.ts'
import { type Change, type Journal, Kind } from '../journal/index.ts'
import { syncChange } from '../repos/index.ts'
import { type Salvage, salvage } from './salvage.ts'

/** Records written in one transaction. */
const BATCH = 1_000

interface Parts {
  accounts: Accounts
  files: AccountFiles
  journal: Journal
  clock: TidClock
  now: () => number
  /** Whether the blob's bytes are here. */
  holds(did: Did, ref: Pick<BlobRef, 'cid' | 'size'>): Promise<boolean>
  /** The account follows the journal again: called right before the switch. */
  mended(did: Did): void
}

/**
 * Puts a new generation in the place of an account's damaged file: what can be read of it, corrected
 * by what the journal has, under a commit above every rev known. One journal entry switches to it; an
 * active account is announced by `#sync` in the same batch, one that is not when it is activated.
 * Alone with the account. Returns what could not be brought back.
 */
export async function rebuild(parts: Parts, account: Account): Promise<string[]> {
  const { files, journal } = parts
  const { did, generation: before } = account
  const { stream } = journal
  files.shut(did, before)
  const found = await salvage(files.path(did, before), account, stream)
  const generation = before + 1
  files.remove(did, generation)
  const { file, release } = files.hold(did, generation)
  try {
    const rev = parts.clock.next(await newestRev(parts, account, found))
    const data = stage(file, found, rev)
    await stagePrivate(parts, did, file, found)
    file.applying(stream.bounds().durable, () => {})
    await file.sync()
    parts.mended(did)
    await journal.append(changesOf(parts, account, { generation, rev, data, stream })).applied
    await file.sync()
  } finally {
    release()
  }
  return [...found.lost].map((path) => `record ${path}`)
}

async function newestRev(
  { accounts }: Parts,
  { did }: Account,
  { rev }: Salvage,
): Promise<Tid | undefined> {
  const noted = await accounts.notedRev(did)
  if (!rev || !noted) return rev ?? noted
  return rev > noted ? rev : noted
}

/** Records and tree. Returns the tree's root. */
function stage(file: AccountFile, { records }: Salvage, rev: Tid): CidBytes {
  const rows = [...records.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  for (let at = 0; at < rows.length; at += BATCH) {
    file.transaction(() => {
      for (const row of rows.slice(at, at + BATCH)) {
        file.putRecord(row, rev, blobRefs(decodeCbor(row.value)))
      }
    })
  }
  const tree = Tree.build(rows.map(({ path, cid }) => [path, cid] as [string, CidBytes]))
  file.writeNodes(tree.root(), rev, tree.blocks(), 'all')
  return tree.root()
}

/** Preferences, and every blob whose bytes are here: noted before, or mentioned by a record. */
async function stagePrivate(
  { holds, now }: Parts,
  did: Did,
  file: AccountFile,
  { records, blobs, preferences }: Salvage,
): Promise<void> {
  if (preferences) file.putPreferences(preferences)
  const known = new Map(blobs)
  for (const { value } of records.values()) {
    for (const ref of blobRefs(decodeCbor(value))) {
      const name = cidText(ref.cid)
      if (!known.has(name)) known.set(name, { ...ref, uploadedMs: now() })
    }
  }
  for (const { uploadedMs, ...ref } of known.values()) {
    if (await holds(did, ref)) file.blobs.put(ref, uploadedMs)
  }
}

function changesOf(
  { accounts, now }: Parts,
  account: Account,
  staged: { generation: number; rev: Tid; data: CidBytes; stream: Stream },
): Change[] {
  const { did, signingKey } = account
  const { generation, rev, data } = staged
  const bytes = encodeCommit({ did, rev, data }, signingKey)
  const commit = cidForCbor(bytes)
  const head: FileHead = { rev, commit, data, bytes, announcedRev: undefined, diverged: true }
  const change: Change = {
    did,
    kind: Kind.importSwitch,
    make: () => encodeSwitch({ generation, head }),
    file: { generation, apply: applySwitch(head) },
    directory: (seq) => accounts.projectGeneration(did, generation, seq),
  }
  if (account.status !== 'active') return [change]
  const time = new Date(now()).toISOString()
  return [change, syncChange({ did, rev, commit, commitBytes: bytes, time }, generation)]
}
