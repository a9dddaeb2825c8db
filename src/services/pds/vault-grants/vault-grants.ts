import type { Fetch, Log, Loop, Outside } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { describeVault, type LetVault, noteVaultChange, type PrivateState } from '#protocol/account'
import { signServiceAuth } from '#protocol/auth'
import { base32 } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { XrpcError, xrpcClient } from '#protocol/xrpc'
import type { Account, Accounts } from '../accounts/index.ts'

const GRANTS_MAX = 5
/** Changes come together: an app sets one preference after the other. */
const GATHER_MS = 5_000
/** Accounts that changed and were not told of yet; what is above it the vaults' own schedule finds. */
const PENDING_MAX = 10_000
/** How long it is remembered which vault the operator's address is. */
const DESCRIBED_MS = 3_600_000

interface Row {
  vault: Did
  url: string
  granted_ms: number
  read_ms: number | null
}

export interface VaultGrantsParts {
  sql: Sql
  accounts: Pick<Accounts, 'get'>
  /** Origins of vaults that read everybody's here, by the operator's word. */
  ours: readonly string[]
  /** What there is of an account. */
  take(account: Account): Promise<PrivateState>
  outside: Outside
  fetch: Fetch
  log: Log
}

/** Which vaults may read an account's private state; each is a row of the owner's, or a word of the operator's. */
export class VaultGrants {
  readonly #parts: VaultGrantsParts
  readonly #described = new Map<string, { did: Did; atMs: number }>()
  readonly #pending = new Set<Did>()
  #wake: (() => void) | undefined

  constructor(parts: VaultGrantsParts) {
    this.#parts = parts
  }

  /** Lets a vault read. Throws NoVault, TooMany. */
  async grant(did: Did, address: string): Promise<LetVault> {
    const { sql, outside } = this.#parts
    const url = originOf(address)
    const vault = await this.#didOf(url)
    const known = await this.#rows(did)
    if (known.length >= GRANTS_MAX && !known.some((one) => one.vault === vault))
      throw new XrpcError(400, 'TooMany', `At most ${GRANTS_MAX} vaults`)
    await sql.run(
      `INSERT INTO vault_grants (did, vault, url, granted_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (did, vault) DO UPDATE SET url = excluded.url`,
      [did, vault, url, outside.now()],
    )
    this.changed(did)
    return (await this.list(did)).find((one) => one.did === vault)!
  }

  /** Takes it back, from this moment on. */
  async revoke(did: Did, vault: string): Promise<void> {
    await this.#parts.sql.run('DELETE FROM vault_grants WHERE did = ? AND vault = ?', [did, vault])
  }

  /** Those of the owner, then those of the operator. */
  async list(did: Did): Promise<LetVault[]> {
    const own = (await this.#rows(did)).map(({ vault, url, granted_ms, read_ms }) => ({
      ...{ url, did: vault, since: iso(granted_ms) },
      ...(read_ms !== null && { readAt: iso(read_ms) }),
    }))
    const others: LetVault[] = []
    for (const url of this.#parts.ours) {
      const vault = await this.#didOf(url).catch(() => undefined)
      if (vault && !own.some((one) => one.did === vault)) others.push({ url, did: vault })
    }
    return [...own, ...others]
  }

  /** Whether anybody here lets this vault read anything. */
  async isKnown(vault: string): Promise<boolean> {
    const row = await this.#parts.sql.get('SELECT 1 FROM vault_grants WHERE vault = ? LIMIT 1', [
      vault,
    ])
    return row !== undefined || this.#isOurs(vault)
  }

  /** What there is of an account, for a vault. Throws NotGranted. */
  async read(vault: string, did: Did): Promise<PrivateState> {
    const { sql, accounts, take, outside } = this.#parts
    const { changes } = await sql.run(
      'UPDATE vault_grants SET read_ms = ? WHERE did = ? AND vault = ?',
      [outside.now(), did, vault],
    )
    if (changes === 0 && !(await this.#isOurs(vault))) throw notGranted()
    const account = await accounts.get(did)
    if (account) return take(account)
    throw notGranted()
  }

  /** Something that is not in the repository changed: who may read it is told, once for many changes. */
  changed(did: Did): void {
    if (this.#pending.size >= PENDING_MAX) return
    this.#pending.add(did)
    this.#wake?.()
  }

  readonly loop: Loop = {
    name: 'vault-notes',
    run: async (signal) => {
      const { timers } = this.#parts.outside
      while (!signal.aborted) {
        if (this.#pending.size === 0) await this.#somebodyChanges(signal)
        await timers.sleep(GATHER_MS, signal).catch(() => {})
        for (const did of [...this.#pending]) {
          if (signal.aborted) return
          this.#pending.delete(did)
          await this.#tell(did)
        }
      }
    },
  }

  #somebodyChanges(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /** A vault that is away finds it by its own schedule. */
  async #tell(did: Did): Promise<void> {
    const { accounts, fetch, log, outside } = this.#parts
    const account = await accounts.get(did)
    if (!account) return
    for (const { url, did: vault } of await this.list(did)) {
      const token = signServiceAuth({
        ...{ iss: did, aud: vault, lxm: noteVaultChange.nsid, nowMs: outside.now() },
        ...{ jti: base32(outside.random(16)), key: account.signingKey },
      })
      const client = xrpcClient({ service: url, fetch })
      const headers = { authorization: `Bearer ${token}` }
      await client.post(noteVaultChange, {}, {}, { headers }).catch((error: unknown) => {
        // A vault that keeps everybody may have no room for somebody: nothing is wrong here.
        if (!(error instanceof XrpcError && error.status === 400))
          log.info('a vault could not be told', { vault: url, error })
      })
    }
  }

  async #isOurs(vault: string): Promise<boolean> {
    for (const url of this.#parts.ours) {
      if ((await this.#didOf(url).catch(() => undefined)) === vault) return true
    }
    return false
  }

  async #didOf(url: string): Promise<Did> {
    const { fetch, outside } = this.#parts
    const known = this.#described.get(url)
    if (known && outside.now() - known.atMs < DESCRIBED_MS) return known.did
    try {
      const { did } = await xrpcClient({ service: url, fetch }).get(describeVault, {})
      if (this.#described.size > 1_000) this.#described.clear()
      this.#described.set(url, { did: did as Did, atMs: outside.now() })
      return did as Did
    } catch (error) {
      throw new XrpcError(400, 'NoVault', `There is no vault at ${url}`, { cause: error })
    }
  }

  #rows(did: Did): Promise<Row[]> {
    return this.#parts.sql.all<Row>(
      `SELECT vault, url, granted_ms, read_ms FROM vault_grants WHERE did = ? ORDER BY granted_ms`,
      [did],
    )
  }
}

/** With the account, in its transaction. */
export async function forgetGrants(sql: Sql, did: Did): Promise<void> {
  await sql.run('DELETE FROM vault_grants WHERE did = ?', [did])
}

function originOf(address: string): string {
  const text = address.trim()
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `https://${text}`)
  if (url === null) throw new XrpcError(400, 'NoVault', 'That is no address of a vault')
  return url.origin
}

const notGranted = () => new XrpcError(403, 'NotGranted', 'Nobody lets this vault read the account')
const iso = (ms: number) => new Date(ms).toISOString()
