import type { Account } from '../../accounts/index.ts'
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

/** The account whose pages are shown here, or the way to the sign-in and back. */
export async function requireAccount(
  { accounts, devices }: Pick<Pds, 'accounts' | 'devices'>,
  visit: Visit,
): Promise<Owner | Redirect> {
  const all = await devices.signedIn(visit.device)
  const signedIn = all.find((one) => one.isSelected) ?? all[0]
  const account = signedIn && (await accounts.get(signedIn.did))
  if (!signedIn || !account) return redirect(pathThere('/account/sign-in', visit))
  return { account, signedIn, all }
}

/** A page that leads back to this one. */
export function pathThere(page: string, { path, query, request }: Visit): string {
  const here = request.method === 'GET' && query.size > 0 ? `${path}?${query}` : path
  return `${page}?${new URLSearchParams({ return: here })}`
}
