import { decodeCbor } from '#protocol/data'
import type { Datetime } from '#protocol/syntax'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

type Parts = Pick<Pds, 'invites'>

/** Accounts as operators see them. */
export async function accountViews({ invites }: Parts, accounts: readonly Account[]) {
  const dids = accounts.map(({ did }) => did)
  const [held, inviters] = await Promise.all([invites.ofAccounts(dids), invites.invitersOf(dids)])
  return accounts.map((account) => ({
    did: account.did,
    handle: account.handle,
    email: account.email,
    indexedAt: datetime(account.createdMs),
    emailConfirmedAt: optionalDatetime(account.emailConfirmedMs),
    invitedBy: inviters.get(account.did),
    invites: held.get(account.did) ?? [],
    invitesDisabled: account.invitesDisabled,
    inviteNote: account.inviteNote,
    deactivatedAt: optionalDatetime(account.deactivatedMs),
  }))
}

/** What an account says of itself: its profile, when it has one. */
export function relatedRecords({ files }: Pick<Pds, 'files'>, { did, generation }: Account) {
  const profile = files.open(did, generation).record('app.bsky.actor.profile/self')
  return profile && [decodeCbor(profile.value)]
}

const datetime = (ms: number): Datetime => new Date(ms).toISOString()
const optionalDatetime = (ms: number | undefined) => (ms === undefined ? undefined : datetime(ms))
