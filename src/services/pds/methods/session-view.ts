import type { Permissions } from '#protocol/auth'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

/** What a session answer says of the account: its address to apps that may see it. */
export async function sessionView(
  { directory, factors }: Pick<Pds, 'directory' | 'factors'>,
  account: Account,
  permissions?: Permissions,
) {
  const [didDoc, { kinds }] = await Promise.all([
    directory.document(account.did).catch(() => undefined),
    factors.asked(account),
  ])
  const seesEmail = permissions?.allowsAccount('email', 'read') ?? true
  const active = account.status === 'active'
  return {
    did: account.did,
    handle: account.handle,
    ...(seesEmail && {
      email: account.email,
      emailConfirmed: account.emailConfirmedMs !== undefined,
      emailAuthFactor: kinds.has('email'),
    }),
    didDoc: didDoc as unknown as Record<string, unknown> | undefined,
    active,
    status: active ? undefined : account.status,
  }
}
