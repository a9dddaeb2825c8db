/** Jobs asked for in the transaction that makes them needed. Their loops are woken after it. */
import type { Sql } from '#platform/storage'

/** The kinds of jobs, by what they do. */
export const COPY_JOB = 'copy'
export const BLOB_JOB = 'blob'
export const TIDY_JOB = 'tidy'
export const ERASE_JOB = 'erase'
export const LIST_JOB = 'list'
export const PRIVATE_JOB = 'private'

/** The rev a copy is asked for when any will do. */
export const ANY_REV = '2222222222222'

/** Asks for jobs, unless they are asked for already; one that was given up is tried afresh. */
export async function ask(
  sql: Sql,
  kind: string,
  keys: readonly string[],
  nowMs: number,
): Promise<void> {
  if (keys.length === 0) return
  await sql.runMany(
    `insert into jobs (kind, key, payload, run_at, created_at, updated_at)
     values (?, ?, 'null', ?, ?, ?)
     on conflict (kind, key) do update set state = 'waiting', attempts = 0, run_at = excluded.run_at
     where jobs.state = 'failed'`,
    keys.map((key) => [kind, key, nowMs, nowMs, nowMs]),
  )
}

/** Asks for jobs that are to run after this moment in any case: one that waits to be tried again runs now. */
export async function askAgain(
  sql: Sql,
  kind: string,
  keys: readonly string[],
  nowMs: number,
): Promise<void> {
  await ask(sql, kind, keys, nowMs)
  await sql.runMany(
    `update jobs set run_at = min(run_at, ?) where kind = ? and key = ? and state = 'waiting'`,
    keys.map((key) => [nowMs, kind, key]),
  )
}
