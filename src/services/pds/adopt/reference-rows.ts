/** What the reference's databases hold, as it is asked for here. */
import type { SqliteReader } from '#platform/storage'
import type { Did, Tid } from '#protocol/syntax'

export interface ReferenceAccount {
  did: Did
  handle: string | null
  createdAt: string
  takedownRef: string | null
  deactivatedAt: string | null
  deleteAfter: string | null
  /** Null for all of them where no login belongs to the account. */
  email: string | null
  passwordScrypt: string | null
  emailConfirmedAt: string | null
  invitesDisabled: number | null
}

export interface ReferenceBlob {
  cid: string
  mimeType: string
  size: number
  tempKey: string | null
  createdAt: string
  takedownRef: string | null
}

/** `salt:hash`, both in hex. */
export const hashOf = (scrypt: string): string => scrypt.slice(scrypt.indexOf(':') + 1)

export class ReferenceRows {
  readonly #accounts: SqliteReader

  constructor(accounts: SqliteReader) {
    this.#accounts = accounts
  }

  count(): number {
    return this.#accounts.get<{ n: number }>('SELECT count(*) AS n FROM actor')?.n ?? 0
  }

  has(did: string): boolean {
    return this.#accounts.get('SELECT 1 FROM actor WHERE did = ?', [did]) !== undefined
  }

  /** In DID order. */
  page(after: string, limit: number): ReferenceAccount[] {
    return this.#accounts.all<ReferenceAccount>(
      `SELECT a.did, a.handle, a.createdAt, a.takedownRef, a.deactivatedAt, a.deleteAfter,
         l.email, l.passwordScrypt, l.emailConfirmedAt, l.invitesDisabled
       FROM actor a LEFT JOIN account l ON l.did = a.did WHERE a.did > ? ORDER BY a.did LIMIT ?`,
      [after, limit],
    )
  }

  appPasswords(did: Did) {
    return this.#accounts.all<{
      name: string
      passwordScrypt: string
      createdAt: string
      privileged: number
    }>('SELECT name, passwordScrypt, createdAt, privileged FROM app_password WHERE did = ?', [did])
  }

  sessions(did: Did) {
    return this.#accounts.all<{
      id: string
      expiresAt: string
      appPasswordName: string | null
      nextId: string | null
    }>('SELECT id, expiresAt, appPasswordName, nextId FROM refresh_token WHERE did = ?', [did])
  }

  /** Apps that were let in by OAuth. */
  appsLetIn(did: Did): number {
    const sql = 'SELECT count(*) AS n FROM token WHERE did = ?'
    return this.#accounts.get<{ n: number }>(sql, [did])?.n ?? 0
  }

  invites() {
    return this.#accounts.all<{
      code: string
      availableUses: number
      disabled: number
      forAccount: string
      createdBy: string
      createdAt: string
      uses: number
    }>(
      `SELECT code, availableUses, disabled, forAccount, createdBy, createdAt,
         (SELECT count(*) FROM invite_code_use u WHERE u.code = c.code) AS uses
       FROM invite_code c`,
    )
  }

  inviteUses() {
    return this.#accounts.all<{ code: string; usedBy: string; usedAt: string }>(
      'SELECT code, usedBy, usedAt FROM invite_code_use',
    )
  }
}

/** One account's database. */
export class StoreRows {
  readonly #reader: SqliteReader

  constructor(reader: SqliteReader) {
    this.#reader = reader
  }

  root(): { cid: string; rev: Tid } | undefined {
    return this.#reader.get('SELECT cid, rev FROM repo_root')
  }

  block(cid: string): { content: Uint8Array; repoRev: Tid } | undefined {
    return this.#reader.get('SELECT content, repoRev FROM repo_block WHERE cid = ?', [cid])
  }

  /** The rev that wrote the record at an AT-URI. */
  recordRev(uri: string): Tid | undefined {
    const sql = 'SELECT repoRev FROM record WHERE uri = ?'
    return this.#reader.get<{ repoRev: Tid }>(sql, [uri])?.repoRev
  }

  preferences(): unknown[] {
    return this.#reader
      .all<{ valueJson: string }>('SELECT valueJson FROM account_pref ORDER BY id')
      .map(({ valueJson }) => JSON.parse(valueJson))
  }

  blobs(after: string, limit: number): ReferenceBlob[] {
    return this.#reader.all<ReferenceBlob>(
      `SELECT cid, mimeType, size, tempKey, createdAt, takedownRef FROM blob
       WHERE cid > ? ORDER BY cid LIMIT ?`,
      [after, limit],
    )
  }

  /** Blobs that records mention and that the store has no row of. */
  unknownBlobs(): string[] {
    return this.#reader
      .all<{ cid: string }>(
        `SELECT DISTINCT blobCid AS cid FROM record_blob
         WHERE blobCid NOT IN (SELECT cid FROM blob)`,
      )
      .map(({ cid }) => cid)
  }

  isMentioned(cid: string): boolean {
    const sql = 'SELECT 1 FROM record_blob WHERE blobCid = ? LIMIT 1'
    return this.#reader.get(sql, [cid]) !== undefined
  }

  recordTakedowns(): { uri: string; ref: string }[] {
    return this.#reader.all(
      'SELECT uri, takedownRef AS ref FROM record WHERE takedownRef IS NOT NULL',
    )
  }

  blobTakedowns(): { cid: string; ref: string }[] {
    return this.#reader.all(
      'SELECT cid, takedownRef AS ref FROM blob WHERE takedownRef IS NOT NULL',
    )
  }
}
