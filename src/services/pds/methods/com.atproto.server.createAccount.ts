import { ComAtprotoServerCreateAccount } from '@atcute/atproto'
import { identityOf } from '#protocol/identity'
import type { Did, Handle } from '#protocol/syntax'
import { invalidRequest, procedure, XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

type Parts = Pick<
  Pds,
  | 'host'
  | 'callers'
  | 'standing'
  | 'sessions'
  | 'passwords'
  | 'handles'
  | 'invites'
  | 'directory'
  | 'keys'
>
type Input = ComAtprotoServerCreateAccount.$input

/**
 * A new account with a new identity; or, with the `did` and a service token of an identity that
 * lives elsewhere, a deactivated account for it to move into. Errors: InvalidHandle,
 * InvalidPassword, InvalidInviteCode, HandleNotAvailable, UnsupportedDomain.
 */
export const createAccount = (pds: Parts) =>
  procedure(ComAtprotoServerCreateAccount.mainSchema, {
    auth: pds.callers.optionalService,
    async handle({ input, caller }) {
      const passwordHash = await pds.passwords.hash(requirePassword(input.password))
      const account = input.did
        ? await moveIn(pds, input as Input & { did: Did }, caller?.iss, passwordHash)
        : await signUp(pds, input, passwordHash)
      const tokens = await pds.sessions.create(account.did)
      const didDoc = await pds.directory.document(account.did, { fresh: true })
      return { ...tokens, handle: account.handle, did: account.did, didDoc: didDoc as never }
    },
  })

function requirePassword(password: string | undefined): string {
  if (!password) throw new XrpcError(400, 'InvalidPassword', 'Password is required')
  if (password.length > 256) throw new XrpcError(400, 'InvalidPassword', 'Password too long')
  return password
}

async function signUp(pds: Parts, input: Input, passwordHash: string): Promise<Account> {
  const handle = pds.handles.requireOwn(input.handle)
  await pds.invites.use(input.inviteCode)
  const { recoveryKey } = input
  return pds.standing.signUp({ handle, email: input.email, passwordHash, recoveryKey })
}

async function moveIn(
  pds: Parts,
  input: Input & { did: Did },
  issuer: string | undefined,
  passwordHash: string,
): Promise<Account> {
  if (issuer !== input.did) {
    throw new XrpcError(401, 'AuthMissing', `Missing auth to create account with did: ${input.did}`)
  }
  const document = await pds.directory.document(input.did, { fresh: true })
  if (!document) throw invalidRequest(`Could not resolve ${input.did}`)
  const claimed = identityOf(document).handle
  const handle = await pds.handles.requireFor(input.did, (input.handle || claimed) as Handle)
  await pds.invites.use(input.inviteCode)
  return pds.standing.moveIn({
    did: input.did,
    handle,
    email: input.email,
    passwordHash,
    recoveryKey: undefined,
    signingKey: await pds.keys.takeReserved(input.did),
  })
}
