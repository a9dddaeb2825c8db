import type { Permissions } from '#protocol/auth'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

/** What a session answer says of the account: its address to apps that may see it. */
export async function sessionView(
  { directory }: Pick<Pds, 'directory'>,
  account: Account,
  permissions?: Permissions,
) {
  const didDoc = await directory.document(account.did).catch(() => undefined)
  const seesEmail = permissions?.allowsAccount('email', 'read') ?? true
  const active = account.status === 'active'
  return {
    did: account.did,
    handle: account.handle,
    ...(seesEmail && {
      email: account.email,
      emailConfirmed: account.emailConfirmedMs !== undefined,
      emailAuthFactor: false,
    }),
    didDoc: didDoc as unknown as Record<string, unknown> | undefined,
    active,
    status: active ? undefined : account.status,
  }
}
