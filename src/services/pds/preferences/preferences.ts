import { type Sealer, sealer } from '#platform/runtime'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFile, AccountFiles } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import { type Journal, Kind } from '../journal/index.ts'

/** Sealed JSON of all preferences of one account. */
const BYTES_MAX = 500_000
const COUNT_MAX = 1_000

/**
 * Private preferences: journalled like everything of an account's data, sealed with the account's
 * own key, so that destroying the key erases them from the journal and its copies.
 */
export class Preferences {
  readonly #files: AccountFiles
  readonly #journal: Journal

  constructor({ files, journal }: { files: AccountFiles; journal: Journal }) {
    this.#files = files
    this.#journal = journal
  }

  read(account: Account): unknown[] {
    const sealed = this.#files.open(account.did, account.generation).preferences()
    if (!sealed) return []
    return JSON.parse(new TextDecoder().decode(own(account).open(sealed, 'preferences')))
  }

  /** Throws InvalidRequest above 1,000 preferences or 500 kB. */
  async write(account: Account, preferences: readonly unknown[]): Promise<void> {
    const text = new TextEncoder().encode(JSON.stringify(preferences))
    if (preferences.length > COUNT_MAX || text.byteLength > BYTES_MAX) {
      throw new XrpcError(400, 'InvalidRequest', 'Too many preferences')
    }
    for (const preference of preferences) requireType(preference)
    const sealed = own(account).seal(text, 'preferences')
    await this.#journal.append([
      {
        did: account.did,
        kind: Kind.preferences,
        make: () => sealed,
        file: { generation: account.generation, apply: applyPreferences(sealed) },
      },
    ]).applied
  }
}

/** What a journalled preferences entry does to the account's file. */
export const applyPreferences = (sealed: Uint8Array) => (file: AccountFile) =>
  file.putPreferences(sealed)

const sealers = new WeakMap<Account, Sealer>()

function own(account: Account): Sealer {
  const known = sealers.get(account)
  if (known) return known
  const made = sealer(account.dataKey)
  sealers.set(account, made)
  return made
}

function requireType(preference: unknown): void {
  const type = (preference as { $type?: unknown } | null)?.$type
  if (typeof type !== 'string') {
    throw new XrpcError(400, 'InvalidRequest', 'Preference is missing a $type')
  }
}
