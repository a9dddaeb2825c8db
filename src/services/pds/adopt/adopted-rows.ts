import type { Sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { fromHex, importKey, type SigningKey } from '#protocol/crypto'
import { type Did, isDid } from '#protocol/syntax'
import type { FileHead } from '../account-files/index.ts'
import { takedownKey } from '../takedowns/index.ts'
import {
  hashOf,
  type ReferenceAccount,
  type ReferenceRows,
  type StoreRows,
} from './reference-rows.ts'
import type { ReferenceSource } from './reference-source.ts'
import type { AdoptedAccount } from './report.ts'

/** How long a session of the source is good for after its last renewal. */
const SESSION_MS = 90 * 24 * 60 * 60 * 1000
/** The handle of an account that has none. */
export const NO_HANDLE = 'handle.invalid'

/** What one account brings into the directory, beside its file. */
export interface AdoptedRows {
  account: ReferenceAccount
  key: SigningKey
  dataKey: Uint8Array
  head: FileHead
  /** The newest event of the source. */
  lastSeq: number
  store: StoreRows
  report: AdoptedAccount
}

/** Writes into the directory database of a host that no one has started yet. */
export class Directory {
  readonly #sql: Sql
  readonly #sealer: Sealer
  readonly #source: ReferenceRows
  readonly #now: () => number

  constructor(options: { sql: Sql; sealer: Sealer; source: ReferenceRows; now: () => number }) {
    this.#sql = options.sql
    this.#sealer = options.sealer
    this.#source = options.source
    this.#now = options.now
  }

  /** What was found of those accounts that are here already. */
  async adopted(): Promise<AdoptedAccount[]> {
    const rows = await this.#sql.all<{ report: string }>('SELECT report FROM adopted_accounts')
    return rows.map(({ report }) => JSON.parse(report) as AdoptedAccount)
  }

  /** Accounts that were here before. */
  async countOthers(): Promise<number> {
    const row = await this.#sql.get<{ n: number }>(
      'SELECT count(*) AS n FROM accounts WHERE did NOT IN (SELECT did FROM adopted_accounts)',
    )
    return row?.n ?? 0
  }

  /** One account with all that lets its owner in, or none of it. */
  async put(rows: AdoptedRows, { sessions }: { sessions: boolean }): Promise<void> {
    const { account, report, store } = rows
    const { did } = account
    await this.#sql.transaction(async (sql) => {
      await this.#putAccount(sql, rows)
      if (report.handle !== NO_HANDLE) {
        await sql.run('INSERT INTO handles (handle, did, claimed_ms) VALUES (?, ?, ?)', [
          ...[report.handle, did, this.#now()],
        ])
      }
      report.appPasswords = await this.#putAppPasswords(sql, did)
      report.sessions = sessions ? await this.#putSessions(sql, did) : 0
      report.takedowns = await this.#putTakedowns(sql, account, store)
      await sql.run('INSERT INTO adopted_accounts (did, report, adopted_ms) VALUES (?, ?, ?)', [
        ...[did, JSON.stringify(report), this.#now()],
      ])
    })
  }

  async #putAccount(sql: Sql, rows: AdoptedRows): Promise<void> {
    const { account, key, dataKey, head, lastSeq, report } = rows
    const { did } = account
    const confirmedMs = instant(account.emailConfirmedAt)
    await sql.run(
      `INSERT INTO accounts (did, handle, email, email_confirmed_ms, password_hash, status,
         signing_key, data_key, born_seq, applied_seq, synced_seq, rev, head, created_ms,
         deactivated_ms, delete_after_ms, invites_disabled)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        ...[did, report.handle, account.email?.toLowerCase() ?? null, confirmedMs ?? null],
        ...[account.passwordScrypt ?? '', report.status],
        this.#sealer.seal(key.export(), `signing ${did}`),
        this.#sealer.seal(dataKey, `data ${did}`),
        ...[lastSeq, lastSeq, lastSeq, head.rev, head.commit],
        instant(account.createdAt) ?? this.#now(),
        instant(account.deactivatedAt) ?? null,
        dueLater(account, this.#now()) ?? null,
        account.invitesDisabled === 1 ? 1 : 0,
      ],
    )
  }

  async #putAppPasswords(sql: Sql, did: Did): Promise<number> {
    const rows = this.#source.appPasswords(did)
    await sql.runMany(
      `INSERT INTO app_passwords (did, name, password_hash, privileged, created_ms)
       VALUES (?, ?, ?, ?, ?)`,
      rows.map(({ name, passwordScrypt, privileged, createdAt }) => [
        ...[did, name, fromHex(hashOf(passwordScrypt)), privileged],
        instant(createdAt) ?? this.#now(),
      ]),
    )
    return rows.length
  }

  async #putSessions(sql: Sql, did: Did): Promise<number> {
    const good = this.#source.sessions(did).flatMap(({ expiresAt, ...row }) => {
      const expiresMs = instant(expiresAt)
      return expiresMs !== undefined && expiresMs > this.#now() ? [{ ...row, expiresMs }] : []
    })
    await sql.runMany(
      `INSERT INTO refresh_tokens (id, did, expires_ms, next_id, app_password_name, created_ms)
       VALUES (?, ?, ?, ?, ?, ?)`,
      good.map(({ id, expiresMs, nextId, appPasswordName }) => [
        ...[id, did, expiresMs, nextId, appPasswordName],
        Math.min(this.#now(), expiresMs - SESSION_MS),
      ]),
    )
    return good.filter(({ nextId }) => nextId === null).length
  }

  async #putTakedowns(sql: Sql, account: ReferenceAccount, store: StoreRows): Promise<number> {
    const { did, takedownRef, deactivatedAt } = account
    const before = deactivatedAt === null ? 'active' : 'deactivated'
    const subjects = [
      ...(takedownRef === null ? [] : [[did, takedownRef, before] as const]),
      ...store.recordTakedowns().map(({ uri, ref }) => [uri, ref, null] as const),
      ...store
        .blobTakedowns()
        .map(({ cid, ref }) => [takedownKey({ did, cid }), ref, null] as const),
    ]
    await sql.runMany(
      'INSERT INTO takedowns (subject, ref, previous_status, created_ms) VALUES (?, ?, ?, ?)',
      subjects.map(([subject, ref, previous]) => [subject, ref, previous, this.#now()]),
    )
    return subjects.length
  }

  /** Invite codes with their uses, in place of what an interrupted call left. */
  async putInvites(): Promise<number> {
    const codes = this.#source.invites()
    await this.#sql.transaction(async (sql) => {
      await sql.run('DELETE FROM invite_codes')
      await sql.run('DELETE FROM invite_uses')
      await sql.runMany(
        `INSERT INTO invite_codes
           (code, available, used_count, disabled, for_account, created_by, created_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        codes.map((one) => [
          ...[one.code, one.availableUses, one.uses, one.disabled, one.forAccount, one.createdBy],
          instant(one.createdAt) ?? this.#now(),
        ]),
      )
      await sql.runMany(
        `INSERT INTO invite_uses (code, used_by, used_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
        this.#source
          .inviteUses()
          .map(({ code, usedBy, usedAt }) => [...[code, usedBy, instant(usedAt) ?? this.#now()]]),
      )
    })
    return codes.length
  }

  /** Keys that identities may name already, though their accounts are yet to come. */
  async putReservedKeys(keys: Awaited<ReturnType<ReferenceSource['reservedKeys']>>): Promise<void> {
    for (const { name, key } of keys) {
      const { didKey } = importKey('k256', key).publicKey
      await this.#sql.run(
        `INSERT INTO reserved_keys (did_key, did, signing_key, created_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
        [
          ...[didKey, name !== didKey && isDid(name) ? name : null],
          ...[this.#sealer.seal(key, `reserved ${didKey}`), this.#now()],
        ],
      )
    }
  }
}

/** When its owner wanted it gone, where that lies ahead: the source never did anything at that time. */
function dueLater({ deleteAfter }: ReferenceAccount, nowMs: number): number | undefined {
  const dueMs = instant(deleteAfter)
  return dueMs !== undefined && dueMs > nowMs ? dueMs : undefined
}

/** Whether that time is over, and the account is here still. */
export function isOverdue({ deleteAfter }: ReferenceAccount, nowMs: number): boolean {
  const dueMs = instant(deleteAfter)
  return dueMs !== undefined && dueMs <= nowMs
}

function instant(text: string | null): number | undefined {
  const ms = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
