import type { Sql } from '#platform/storage'
import type { VaultAccount } from '#protocol/account'
import { formatDatetime } from '#protocol/syntax'
import type { Instants, KeptAccount, PrivateStates } from './kept/index.ts'

/** Accounts as callers see them. */
export class Views {
  readonly #sql: Sql
  readonly #instants: Instants
  readonly #privateStates: PrivateStates

  constructor(parts: { sql: Sql; instants: Instants; privateStates: PrivateStates }) {
    this.#sql = parts.sql
    this.#instants = parts.instants
    this.#privateStates = parts.privateStates
  }

  async account({
    aid,
    did,
    host,
    state,
    status,
    granted,
    rev,
  }: KeptAccount): Promise<VaultAccount> {
    const { count, oldestMs, newestMs } = await this.#instants.span(aid)
    const blobs = await this.#sql.all<{ state: string; count: number; bytes: number }>(
      'select state, count(*) as count, sum(size) as bytes from blob where aid = ? group by state',
      [aid],
    )
    const of = (wanted: string) => blobs.find((one) => one.state === wanted)
    const packs = await this.#sql.get<{ bytes: number }>(
      'select coalesce(sum(size), 0) as bytes from pack where aid = ?',
      [aid],
    )
    const beside = await this.#privateStates.span(aid)
    return {
      did,
      host,
      state,
      status,
      granted,
      rev,
      instants: count,
      ...(count > 0 && { oldest: formatDatetime(oldestMs), newest: formatDatetime(newestMs) }),
      blobs: of('kept')?.count ?? 0,
      blobsWanted: of('wanted')?.count ?? 0,
      blobsMissing: of('missing')?.count ?? 0,
      privateStates: beside.count,
      ...(beside.count > 0 && { privateNewest: formatDatetime(beside.newestMs) }),
      ...(beside.problem !== null && { privateProblem: beside.problem }),
      keptBytes: packs!.bytes + (of('kept')?.bytes ?? 0),
    }
  }
}
