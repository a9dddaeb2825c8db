import { type Account, isHeldBack } from '../../accounts/index.ts'
import type { SignedIn } from '../../devices/index.ts'
import type { Pds } from '../../parts.ts'
import { type Redirect, redirect, type Visit } from '../index.ts'

/** Whose page this is. */
export interface Owner {
  account: Account
  signedIn: SignedIn
  /** Everybody who is signed in on this browser. */
  all: readonly SignedIn[]
}

export type OwnerParts = Pick<Pds, 'accounts' | 'devices' | 'factors'>

/** For so long after a sign-in nobody is asked again whether it is them. */
const FRESH_MS = 15 * 60_000

/** Where a second factor is set up: all that is open to who lacks one that the host asks for. */
export const ENROLLING = '/account/second-factors'

/**
 * The account whose pages are shown here, or the way to the sign-in and back; or to what has to be
 * set up first, except for the pages that serve to do so.
 */
export async function requireAccount(
  { accounts, devices, factors }: OwnerParts,
  visit: Visit,
  { isForEnrolling = false } = {},
): Promise<Owner | Redirect> {
  const all = await devices.signedIn(visit.device)
  const signedIn = all.find((one) => one.isSelected) ?? all[0]
  const account = signedIn && (await accounts.get(signedIn.did))
  if (!account || isHeldBack(account)) return redirect(there('/account/sign-in', visit))
  if (!isForEnrolling && (await factors.isHeld(account))) return redirect(there(ENROLLING, visit))
  return { account, signedIn, all }
}

/** The same, who proved a moment ago that it is them; or the way to do so, and back. */
export async function requireFresh(
  pds: OwnerParts & Pick<Pds, 'now'>,
  visit: Visit,
  rules: { isForEnrolling?: boolean } = {},
): Promise<Owner | Redirect> {
  const owner = await requireAccount(pds, visit, rules)
  if ('redirect' in owner) return owner
  const isFresh = pds.now() - owner.signedIn.authenticatedAtMs < FRESH_MS
  return isFresh ? owner : redirect(there('/account/confirm', visit))
}

/** A page that leads back to this one. */
function there(page: string, { path, query, request }: Visit): string {
  const here = request.method === 'GET' && query.size > 0 ? `${path}?${query}` : path
  return `${page}?${new URLSearchParams({ return: here })}`
}
