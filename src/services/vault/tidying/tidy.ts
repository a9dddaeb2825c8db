import type { JobRun, Log, Metrics } from '#platform/runtime'
import { type Did, parseDid, type Tid } from '#protocol/syntax'
import { ANY_REV, ask, COPY_JOB, ERASE_JOB, TIDY_JOB } from '../ask.ts'
import { type Accounts, Damaged, type InTurn, type KeptAccount, NotKept } from '../kept/index.ts'
import { type RepackParts, removeDoomed, repack } from './repack.ts'
import { expired, type Policy } from './retention.ts'
import { sweep } from './sweep.ts'

export interface TidyParts extends RepackParts {
  accounts: Accounts
  inTurn: InTurn
  policy: Policy & { deletedDays: number }
  now(): number
  metrics: Metrics
  log: Log
}

const DAY_MS = 86_400_000
/** Every account is put in order so often. */
const EVERY_MS = DAY_MS
const AT_ONCE = 500

/**
 * Puts one account in order: instants beyond the policy go, and what only they led to; small packs
 * become large ones. An account that its host deleted is erased when its time is over.
 */
export async function tidyAccount(parts: TidyParts, { key, signal }: JobRun): Promise<void> {
  const did = parseDid(key)
  const account = await parts.accounts.get(did)
  if (account === undefined || account.state === 'erased') return
  await parts.inTurn.run(account.aid, async () => {
    try {
      await tidyInTurn(parts, account, signal)
    } catch (error) {
      if (error instanceof NotKept) return // erased meanwhile
      if (!(error instanceof Damaged)) throw error
      await mend(parts, account, error)
    }
  })
}

async function tidyInTurn(parts: TidyParts, account: KeptAccount, signal: AbortSignal) {
  const { sql, accounts, policy, now } = parts
  const { aid, did, status, statusMs = 0, checkedMs = 0 } = account
  if (status === 'deleted' && now() - statusMs >= policy.deletedDays * DAY_MS)
    return eraseDeleted(parts, account)
  const sealer = await accounts.sealer(account)
  if (now() - checkedMs >= EVERY_MS) {
    await dropExpired(parts, account)
    const { blocks, broken } = await sweep(parts, account, sealer, signal)
    if (signal.aborted) return
    if (broken > 0) parts.log.error('instants can no longer be given back', { did, count: broken })
    if (blocks > 0) parts.log.info('account put in order', { did, blocks })
    parts.metrics.counter('vault_swept_blocks', 'Blocks removed').with().add(blocks)
    parts.metrics.counter('vault_broken_instants', 'Instants lost to damage').with().add(broken)
    await sql.run('update account set checked_ms = ? where aid = ?', [now(), aid])
  }
  await repack(parts, account, sealer, signal)
}

async function dropExpired({ sql, policy, now }: TidyParts, { aid }: KeptAccount): Promise<void> {
  const instants = await sql.all<{ rev: Tid; timeMs: number }>(
    'select rev, time_ms as "timeMs" from instant where aid = ? and linked = 1 order by rev',
    [aid],
  )
  const revs = expired(instants, policy, now())
  await sql.runMany(
    'delete from instant where aid = ? and rev = ?',
    revs.map((rev) => [aid, rev]),
  )
  await sql.run('delete from instant where aid = ? and linked = 0 and time_ms < ?', [
    ...[aid, now() - policy.windowDays * DAY_MS],
  ])
  const beside = await sql.all<{ rev: number; timeMs: number }>(
    'select id as rev, time_ms as "timeMs" from private_state where aid = ? order by time_ms',
    [aid],
  )
  await sql.runMany(
    'delete from private_state where id = ?',
    expired(beside, policy, now()).map((id) => [id]),
  )
}

async function eraseDeleted({ sql, accounts, now }: TidyParts, account: KeptAccount) {
  await sql.transaction(async (sql) => {
    await accounts.destroyKey(account)
    await ask(sql, ERASE_JOB, [account.did], now())
  })
}

/**
 * A pack that cannot be read is given up, and what is lost of the newest state is fetched again from
 * the account's host. Older instants that needed it are found by the next sweep.
 */
export async function mend(
  parts: Pick<TidyParts, 'sql' | 'store' | 'now' | 'metrics' | 'log'>,
  { aid, did }: { aid: number; did: Did },
  damage: Damaged,
): Promise<void> {
  const { sql, store, now, metrics, log } = parts
  const files: string[] = []
  metrics.counter('vault_damaged', 'Packs and blobs found damaged').with().add()
  log.error('what was kept is damaged', { did, error: damage })
  await sql.transaction(async (sql) => {
    if (damage.pid !== undefined) {
      const row = await sql.get<{ file: string | null }>('select file from pack where pid = ?', [
        damage.pid,
      ])
      if (row?.file) {
        files.push(row.file)
        await sql.run('insert into doomed (key) values (?) on conflict do nothing', [row.file])
      }
      await sql.run('delete from block where pid = ?', [damage.pid])
      await sql.run('delete from pack where pid = ?', [damage.pid])
    }
    await sql.run(
      `update account set state = 'behind', checked_ms = null, private_ms = null where aid = ? and state = 'kept'`,
      [aid],
    )
    await ask(sql, COPY_JOB, [`${did} ${ANY_REV}`], now())
  })
  await removeDoomed({ sql, store }, files)
}

/** Asks for every account that was not put in order for a day. */
export async function askTidy({ sql, now }: Pick<TidyParts, 'sql' | 'now'>): Promise<void> {
  for (;;) {
    const rows = await sql.all<{ did: Did }>(
      `select did from account where state <> 'erased' and coalesce(checked_ms, 0) <= ?
       and not exists (select 1 from jobs where kind = ? and jobs.key = did) limit ?`,
      [now() - EVERY_MS, TIDY_JOB, AT_ONCE],
    )
    const dids = rows.map(({ did }) => did)
    await ask(sql, TIDY_JOB, dids, now())
    if (dids.length < AT_ONCE) return
  }
}

/** What a stop left in the store without a row that refers to it. To be called before anything is written. */
export async function removeLeftovers(parts: RepackParts): Promise<void> {
  const rows = await parts.sql.all<{ key: string }>('select key from doomed')
  await removeDoomed(
    parts,
    rows.map(({ key }) => key),
  )
}
