import type { Sql } from '#platform/storage'
import { type PublicKey, parseDidKey } from '#protocol/crypto'
import { type CidBytes, equalBytes } from '#protocol/data'
import { readRepo } from '#protocol/repo'
import { ProtocolError } from '#protocol/syntax'
import {
  type Accounts,
  Damaged,
  type Instant,
  instantOf,
  type KeptAccount,
  type KeptBlobs,
  type Packs,
} from '../kept/index.ts'
import { repoCar } from '../restoring/index.ts'

export interface PractiseParts {
  sql: Sql
  accounts: Accounts
  packs: Packs
  blobs: KeptBlobs
  /** A whole number below `below`. */
  chance(below: number): number
}

/** What came of giving one account back. */
export interface Practised {
  rev: string
  timeMs: number
  records: number
  blobs: number
  problem: string | undefined
  damage: Damaged | undefined
}

/** Files that are read of an account. */
const BLOBS_MAX = 20

/**
 * Gives an account back as it was at some instant, the way a host would take it in: the file is read
 * from its sealed form, taken apart, and each hash, the tree and the signature are checked. Some of its
 * blobs are read too. Undefined when there is nothing of it yet.
 */
export async function practise(
  parts: PractiseParts,
  account: KeptAccount,
): Promise<Practised | undefined> {
  const instant = await someInstant(parts, account)
  if (instant === undefined) return undefined
  const { rev, timeMs } = instant
  const done = { rev, timeMs, records: 0, blobs: 0, problem: undefined, damage: undefined }
  try {
    done.records = await giveBack(parts, account, instant)
    done.blobs = await readBlobs(parts, account)
    return done
  } catch (error) {
    if (error instanceof Damaged) return { ...done, problem: error.message, damage: error }
    if (error instanceof ProtocolError) return { ...done, problem: error.message }
    throw error
  }
}

async function someInstant(
  { sql, chance }: PractiseParts,
  { aid }: KeptAccount,
): Promise<Instant | undefined> {
  const where = 'from instant where aid = ? and linked = 1'
  const row = await sql.get<{ count: number }>(`select count(*) as count ${where}`, [aid])
  if (row!.count === 0) return undefined
  const found = await sql.get<Parameters<typeof instantOf>[0]>(
    `select rev, time_ms, cid, data, prev, key ${where} order by rev limit 1 offset ?`,
    [aid, chance(row!.count)],
  )
  return found && instantOf(found)
}

async function giveBack(
  { packs, accounts }: PractiseParts,
  account: KeptAccount,
  instant: Instant,
): Promise<number> {
  const reader = packs.reader(account, await accounts.sealer(account))
  const keys: PublicKey[] = [parseDidKey(instant.key)]
  const car = repoCar(reader, account, instant)
  const { head, records } = await readRepo(car, { did: account.did, keys })
  if (head.rev !== instant.rev || !equalBytes(head.data, instant.data))
    throw new Damaged('another state than the one that was asked for', account)
  let count = 0
  for await (const some of records) count += some.length
  return count
}

async function readBlobs(
  { sql, blobs, accounts, chance }: PractiseParts,
  account: KeptAccount,
): Promise<number> {
  const where = `from blob where aid = ? and state = 'kept'`
  const row = await sql.get<{ count: number }>(`select count(*) as count ${where}`, [account.aid])
  const first = chance(Math.max(1, row!.count - BLOBS_MAX + 1))
  const rows = await sql.all<{ cid: CidBytes }>(
    `select cid ${where} order by cid limit ? offset ?`,
    [account.aid, BLOBS_MAX, first],
  )
  const sealer = await accounts.sealer(account)
  for (const { cid } of rows) for await (const _piece of blobs.read(account, sealer, cid));
  return rows.length
}
