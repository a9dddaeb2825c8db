import { createLru, type Lru, type Sealer, sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { CidBytes } from '#protocol/data'
import type { Did, Tid } from '#protocol/syntax'

export type AccountState = 'wanted' | 'kept' | 'behind' | 'left' | 'erased'

/** An account of the vault. */
export interface KeptAccount {
  aid: number
  did: Did
  /** Origin of the host whose events of it are taken. */
  host: string
  /** Its owner asked for it. */
  granted: boolean
  state: AccountState
  /** What its host says of it; undefined: active. */
  status: string | undefined
  statusMs: number | undefined
  rev: Tid | undefined
  /** Root of its newest tree here. */
  data: CidBytes | undefined
  checkedMs: number | undefined
}

interface Row {
  aid: number
  did: Did
  host: string
  granted: number
  state: AccountState
  status: string | null
  status_ms: number | null
  rev: Tid | null
  data: CidBytes | null
  checked_ms: number | null
}

const COLUMNS = 'aid, did, host, granted, state, status, status_ms, rev, data, checked_ms'
const SEALERS_MAX = 10_000

/** There is no such account, or nothing of it can be read any more. */
export class NotKept extends Error {
  override readonly name = 'NotKept'
}

/** Accounts and their keys. */
export class Accounts {
  readonly #sql: Sql
  readonly #vaultKey: Sealer
  readonly #random: (byteCount: number) => Uint8Array
  readonly #max: number
  readonly #onAdded: (sql: Sql, did: Did) => Promise<void>
  readonly #sealers: Lru<number, Sealer>
  #count: number | undefined

  constructor(parts: {
    sql: Sql
    /** Wraps the accounts' keys. */
    vaultKey: Sealer
    random(byteCount: number): Uint8Array
    max: number
    /** Runs in the transaction that adds an account. */
    onAdded?(sql: Sql, did: Did): Promise<void>
  }) {
    this.#sql = parts.sql
    this.#vaultKey = parts.vaultKey
    this.#random = parts.random
    this.#max = parts.max
    this.#onAdded = parts.onAdded ?? (async () => {})
    this.#sealers = createLru({ maxEntries: SEALERS_MAX })
  }

  async get(did: Did): Promise<KeptAccount | undefined> {
    const row = await this.#sql.get<Row>(`select ${COLUMNS} from account where did = ?`, [did])
    return row && accountOf(row)
  }

  /** Throws NotKept. */
  async require(did: Did): Promise<KeptAccount> {
    const account = await this.get(did)
    if (account && account.state !== 'erased') return account
    throw new NotKept(`nothing is kept of ${did}`)
  }

  /** In order of DID. */
  async list(limit: number, after = ''): Promise<KeptAccount[]> {
    const rows = await this.#sql.all<Row>(
      `select ${COLUMNS} from account where did > ? order by did limit ?`,
      [after, limit],
    )
    return rows.map(accountOf)
  }

  /** After a transaction that was undone. */
  countAgain(): void {
    this.#count = undefined
  }

  /** How many are kept. */
  async count(): Promise<number> {
    this.#count ??= (await this.#sql.get<{ count: number }>(
      `select count(*) as count from account where state <> 'erased'`,
    ))!.count
    return this.#count
  }

  /**
   * An account to keep from now on; one that was erased begins anew when its owner asks. Undefined
   * when there is no room for more.
   */
  async add(did: Did, host: string, { granted = false } = {}): Promise<KeptAccount | undefined> {
    return this.#sql.transaction(async (sql) => {
      const known = await this.get(did)
      if (known && known.state !== 'erased') {
        if (!granted || known.granted) return known
        await sql.run('update account set granted = 1 where aid = ?', [known.aid])
        return { ...known, granted }
      }
      const count = await this.count()
      if ((known && !granted) || count >= this.#max) return undefined
      // What was erased may still be being removed under its number: what comes has another.
      const last = await sql.get<{ value: string }>(`select value from setting where name = 'aid'`)
      const aid = Number(last?.value ?? 0) + 1
      await sql.run(
        `insert into setting (name, value) values ('aid', ?)
         on conflict (name) do update set value = excluded.value`,
        [String(aid)],
      )
      const key = this.#vaultKey.seal(this.#random(32), keyPurpose(did))
      await sql.run('delete from account where did = ?', [did])
      await sql.run('insert into account (aid, did, host, granted, key) values (?, ?, ?, ?, ?)', [
        ...[aid, did, host, granted ? 1 : 0, key],
      ])
      this.#count = undefined
      await this.#onAdded(sql, did)
      return this.get(did)
    })
  }

  /** What seals and opens all that is kept of an account. Throws NotKept when its key is gone. */
  async sealer({ aid, did }: Pick<KeptAccount, 'aid' | 'did'>): Promise<Sealer> {
    const known = this.#sealers.get(aid)
    if (known) return known
    const row = await this.#sql.get<{ key: Uint8Array | null }>(
      'select key from account where aid = ?',
      [aid],
    )
    if (!row?.key) throw new NotKept(`the key of ${did} was destroyed`)
    const made = sealer(this.#vaultKey.open(row.key, keyPurpose(did)))
    this.#sealers.set(aid, made)
    return made
  }

  /** Destroys the key: from here on nothing that was kept can be read, wherever a copy of it is. */
  async destroyKey({ aid }: Pick<KeptAccount, 'aid'>): Promise<void> {
    this.#sealers.delete(aid)
    await this.#sql.run(
      `update account set key = null, state = 'erased', rev = null, data = null, granted = 0 where aid = ?`,
      [aid],
    )
    this.#sealers.delete(aid)
    this.#count = undefined
  }
}

const keyPurpose = (did: Did) => `account ${did}`

function accountOf(row: Row): KeptAccount {
  return {
    aid: row.aid,
    did: row.did,
    host: row.host,
    granted: row.granted === 1,
    state: row.state,
    status: row.status ?? undefined,
    statusMs: row.status_ms ?? undefined,
    rev: row.rev ?? undefined,
    data: row.data ?? undefined,
    checkedMs: row.checked_ms ?? undefined,
  }
}
