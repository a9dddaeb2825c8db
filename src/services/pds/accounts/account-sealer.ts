import { type Sealer, sealer } from '#platform/runtime'
import type { Account } from './account.ts'

const sealers = new WeakMap<Account, Sealer>()

/** Seals with the account's own key: when that is destroyed, so is what was sealed, wherever it lies. */
export function accountSealer(account: Account): Sealer {
  const known = sealers.get(account)
  if (known) return known
  const made = sealer(account.dataKey)
  sealers.set(account, made)
  return made
}
