/** Handles and addresses: each one account's alone. */
import type { Sql } from '#platform/storage'
import type { Did, Handle } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountStatus, NewAccount } from './account.ts'

/** Handles that are claimed before the identity changes, and settled by what it says. */
export class HandleClaims {
  readonly #sql: Sql
  readonly #now: () => number

  constructor({ sql, now }: { sql: Sql; now: () => number }) {
    this.#sql = sql
    this.#now = now
  }

  /** Claims another handle for an account. Throws HandleNotAvailable. */
  async claim(did: Did, handle: Handle): Promise<void> {
    await this.#sql.run(
      'INSERT INTO handles (handle, did, claimed_ms) VALUES (?, ?, ?) ON CONFLICT (handle) DO NOTHING',
      [handle, did, this.#now()],
    )
    const holder = await this.#sql.get<{ did: Did }>('SELECT did FROM handles WHERE handle = ?', [
      handle,
    ])
    if (holder?.did !== did) throw handleTaken(handle)
  }

  /** Gives a claim back, unless the handle is the account's by now. */
  async giveBack(did: Did, handle: Handle): Promise<void> {
    await this.#sql.run(
      `DELETE FROM handles WHERE handle = ?1 AND did = ?2
         AND NOT EXISTS (SELECT 1 FROM accounts WHERE did = ?2 AND handle = ?1)`,
      [handle, did],
    )
  }

  /** Claims that did not become, or not yet, the handle of their account. */
  open(limit: number): Promise<{ did: Did; handle: Handle; claimedMs: number }[]> {
    return this.#sql.all(
      `SELECT h.did AS did, h.handle AS handle, h.claimed_ms AS claimedMs FROM handles h
       JOIN accounts a ON a.did = h.did WHERE a.handle != h.handle AND a.status != 'pending'
       ORDER BY h.claimed_ms LIMIT ?`,
      [limit],
    )
  }
}

/** Returns the generation of the account's file: a DID that comes back gets a file of its own. */
export async function refuseTaken(sql: Sql, account: NewAccount): Promise<number> {
  const { did, handle, email } = account
  const same = await sql.get<{ status: AccountStatus; generation: number }>(
    'SELECT status, generation FROM accounts WHERE did = ?',
    [did],
  )
  if (same && same.status !== 'deleted') {
    throw new XrpcError(400, 'AlreadyExists', 'Account already exists on this host')
  }
  await refuseTakenNames(sql, handle, email)
  if (!same) return 1
  if (await sql.get(`SELECT 1 FROM jobs WHERE kind = 'erase-account' AND key = ?`, [did])) {
    throw new XrpcError(400, 'AlreadyExists', 'What this account left here is still being erased')
  }
  await sql.run('DELETE FROM accounts WHERE did = ?', [did])
  return same.generation + 1
}

/** Throws HandleNotAvailable, or InvalidRequest for an address in use. */
export async function refuseTakenNames(
  sql: Sql,
  handle: Handle,
  email: string | undefined,
): Promise<void> {
  if (await sql.get('SELECT 1 FROM handles WHERE handle = ?', [handle])) throw handleTaken(handle)
  if (!email) return
  const address = email.toLowerCase()
  if (await sql.get('SELECT 1 FROM accounts WHERE email = ?', [address])) throw emailTaken(email)
}

export const handleTaken = (handle: Handle) =>
  new XrpcError(400, 'HandleNotAvailable', `Handle already taken: ${handle}`)

export const emailTaken = (email: string) =>
  new XrpcError(400, 'InvalidRequest', `Email already taken: ${email}`)
