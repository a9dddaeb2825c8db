import type { Sql } from '#platform/storage'
import type { CarBlock, CidBytes } from '#protocol/data'
import { cidText } from '#protocol/data'
import type { Tid } from '#protocol/syntax'
import { ask, BLOB_JOB, COPY_JOB } from '../ask.ts'
import {
  type AccountState,
  type Accounts,
  addInstants,
  type Instant,
  type KeptAccount,
  type Mention,
  NotKept,
  type Packs,
} from '../kept/index.ts'

/** What one batch of events comes to for one account. */
export interface Change {
  account: KeptAccount
  blocks: CarBlock[]
  instants: (Instant & { isLinked: boolean })[]
  mentions: Mention[]
  /** The account as it stands after what was taken so far. */
  rev: Tid | undefined
  data: CidBytes | undefined
  state: AccountState
  host: string
  status: string | undefined
  statusMs: number | undefined
  /** A copy is needed that is at least at this rev. */
  copyFor: Tid | undefined
}

export function unchanged(account: KeptAccount): Change {
  const { rev, data, state, host, status, statusMs } = account
  const as = { rev, data, state, host, status, statusMs }
  return { account, blocks: [], instants: [], mentions: [], ...as, copyFor: undefined }
}

/** Writes what a batch came to, as a part of the caller's transaction. Returns how many bytes it added. */
export async function writeChange(
  sql: Sql,
  { packs, accounts }: { packs: Packs; accounts: Accounts },
  change: Change,
  nowMs: number,
): Promise<number> {
  let added = 0
  const { account, blocks, instants, mentions, copyFor } = change
  const { aid, did } = account
  if (blocks.length > 0) {
    const sealer = await accounts.sealer(account).catch((error) => {
      if (error instanceof NotKept) return undefined
      throw error
    })
    if (sealer === undefined) return 0 // erased meanwhile
    added = await packs.addInline(sql, account, sealer, blocks)
  }
  await addInstants(sql, aid, instants)
  await addMentions(sql, account, mentions, nowMs)
  if (copyFor !== undefined) await ask(sql, COPY_JOB, [`${did} ${copyFor}`], nowMs)
  if (isSame(change)) return added
  await sql.run(
    `update account set rev = ?, data = ?, state = ?, host = ?, status = ?, status_ms = ?
     where aid = ? and state <> 'erased'`,
    [
      ...[change.rev ?? null, change.data ?? null, change.state, change.host],
      ...[change.status ?? null, change.statusMs ?? null, aid],
    ],
  )
  return added
}

function isSame({ account, ...now }: Change): boolean {
  return (
    account.rev === now.rev &&
    account.data === now.data &&
    account.state === now.state &&
    account.host === now.host &&
    account.status === now.status
  )
}

/** Notes which blobs records mention, and asks for those that are not here. */
export async function addMentions(
  sql: Sql,
  { aid, did }: Pick<KeptAccount, 'aid' | 'did'>,
  mentions: readonly Mention[],
  nowMs: number,
): Promise<void> {
  if (mentions.length === 0) return
  await sql.runMany(
    'insert into mention (aid, record, blob) values (?, ?, ?) on conflict do nothing',
    mentions.map(({ record, blob }) => [aid, record, blob]),
  )
  for (const { blob, size } of mentions) {
    const { changes } = await sql.run(
      `insert into blob (aid, cid, size, state) values (?, ?, ?, 'wanted')
       on conflict (aid, cid) do update set state = 'wanted' where blob.state = 'missing'`,
      [aid, blob, size],
    )
    if (changes > 0) await ask(sql, BLOB_JOB, [`${did} ${cidText(blob)}`], nowMs)
  }
}
