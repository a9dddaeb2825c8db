import { XrpcError } from '#protocol/xrpc'
import type { AccountFile, AccountFiles } from '../account-files/index.ts'
import { type Account, accountSealer } from '../accounts/index.ts'
import { Kind } from '../journal/index.ts'
import type { Repos } from '../repos/index.ts'

/** Sealed JSON of all preferences of one account. */
const BYTES_MAX = 500_000
const COUNT_MAX = 1_000
/** Preferences of this namespace only: others have other methods. */
const NAMESPACE = 'app.bsky.'
/** What an app password neither sees nor changes: the owner's birth date is here. */
const FULL_ONLY = new Set(['app.bsky.actor.defs#personalDetailsPref'])

/** Told from the birth date, never stored. */
const DECLARED_AGE = 'app.bsky.actor.defs#declaredAgePref'
const YEAR_MS = 365.2425 * 24 * 60 * 60 * 1000

type Preference = Record<string, unknown> & { $type: string }

/**
 * Private preferences: journalled like everything of an account's data, sealed with the account's
 * own key, so that destroying the key erases them from the journal and its copies.
 */
export class Preferences {
  readonly #files: AccountFiles
  readonly #repos: Repos
  readonly #now: () => number

  constructor({ files, repos, now }: { files: AccountFiles; repos: Repos; now: () => number }) {
    this.#files = files
    this.#repos = repos
    this.#now = now
  }

  /** All of them with `full`, else without those for the owner's own eyes. */
  read(account: Account, { full }: { full: boolean }): Preference[] {
    const stored = this.#stored(this.#files.open(account.did, account.generation), account)
    const all = [...stored, ...stored.flatMap((one) => declaredAge(one, this.#now()))]
    return full ? all : all.filter((one) => !isFullOnly(one))
  }

  #stored(file: AccountFile, account: Account): Preference[] {
    const sealed = file.preferences()
    if (!sealed) return []
    return JSON.parse(new TextDecoder().decode(accountSealer(account).open(sealed, 'preferences')))
  }

  /**
   * Replaces them; without `full`, those for the owner's own eyes stay as they are. Throws
   * InvalidRequest for malformed ones and above 1,000 preferences or 500 kB.
   */
  async write(
    account: Account,
    preferences: readonly unknown[],
    { full }: { full: boolean },
  ): Promise<void> {
    if (preferences.length > COUNT_MAX) throw refused(`More than ${COUNT_MAX} preferences`)
    const given = preferences
      .map((preference) => checked(preference, full))
      .filter(({ $type }) => $type !== DECLARED_AGE)
    await this.#repos.change(account.did, ({ generation, did }) => {
      const file = this.#files.open(did, generation)
      const kept = full ? [] : this.#stored(file, account).filter(isFullOnly)
      const text = new TextEncoder().encode(JSON.stringify([...given, ...kept]))
      if (text.byteLength > BYTES_MAX) throw refused(`Preferences are over ${BYTES_MAX} bytes`)
      const sealed = accountSealer(account).seal(text, 'preferences')
      const apply = applyPreferences(sealed)
      return [{ did, kind: Kind.preferences, make: () => sealed, file: { generation, apply } }]
    })
  }
}

/** What a journalled preferences entry does to the account's file. */
export const applyPreferences = (sealed: Uint8Array) => (file: AccountFile) =>
  file.putPreferences(sealed)

/** What apps may know of a birth date: `app.bsky.actor.defs#declaredAgePref`. */
function declaredAge({ $type, birthDate }: Preference, nowMs: number): Preference[] {
  const bornMs = typeof birthDate === 'string' ? Date.parse(birthDate) : Number.NaN
  if (!FULL_ONLY.has($type) || Number.isNaN(bornMs)) return []
  const years = (nowMs - bornMs) / YEAR_MS
  const over = (age: number) => years >= age
  return [
    { $type: DECLARED_AGE, isOverAge13: over(13), isOverAge16: over(16), isOverAge18: over(18) },
  ]
}

const isFullOnly = ({ $type }: Preference) => FULL_ONLY.has($type)

function checked(preference: unknown, full: boolean): Preference {
  const type = (preference as Partial<Preference> | null)?.$type
  if (typeof type !== 'string') throw refused('Preference is missing a $type')
  if (!type.startsWith(NAMESPACE)) {
    throw refused(`Some preferences are not in the ${NAMESPACE.slice(0, -1)} namespace`)
  }
  if (!full && FULL_ONLY.has(type)) throw refused('Do not have authorization to set preferences.')
  return preference as Preference
}

const refused = (message: string) => new XrpcError(400, 'InvalidRequest', message)
