import { ComAtprotoServerCreateAccount } from '@atcute/atproto'
import { parseDidKey } from '#protocol/crypto'
import {
  type DidDocument,
  identityOf,
  type PlcOperation,
  plcData,
  plcDocument,
} from '#protocol/identity'
import type { Did, Handle } from '#protocol/syntax'
import { invalidRequest, procedure, XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import { signUpRates } from '../rates.ts'
import { requireEmail } from './email.ts'
import { requirePassword } from './password.ts'

type Parts = Pick<
  Pds,
  | 'accounts'
  | 'callers'
  | 'standing'
  | 'sessions'
  | 'passwords'
  | 'handles'
  | 'invites'
  | 'directory'
  | 'hostedDids'
  | 'keys'
  | 'recoveryKeys'
>
type Input = ComAtprotoServerCreateAccount.$input

/**
 * A new account with a new identity; or, with the `did` and a service token of an identity that
 * lives elsewhere, a deactivated account for it to move into. Errors: InvalidHandle,
 * InvalidPassword, InvalidInviteCode, HandleNotAvailable, UnsupportedDomain, UnresolvableDid.
 */
export const createAccount = (pds: Parts) =>
  procedure(ComAtprotoServerCreateAccount.mainSchema, {
    auth: pds.callers.optionalService,
    limits: { bodyBytes: 50_000, rates: signUpRates },
    async handle({ input, caller }) {
      if (input.plcOp !== undefined) throw invalidRequest('Unsupported input: "plcOp"')
      const email = input.email && requireEmail(input.email)
      const password = requirePassword(input.password)
      const isHosted = input.did && !caller && pds.hostedDids.mayBegin(input.did, input.handle)
      const made = isHosted
        ? await signUpHosted(pds, { ...input, did: input.did!, email, password })
        : input.did
          ? await moveIn(pds, { ...input, did: input.did, email, password }, caller?.iss)
          : await signUp(pds, { ...input, email, password }, caller?.iss)
      const { account, didDoc } = made
      const tokens = await pds.sessions.create(account.did)
      return { ...tokens, handle: account.handle, did: account.did, didDoc: didDoc as never }
    },
  })

type Checked<I> = I & { password: string; email: string | undefined }

interface Made {
  account: Account
  didDoc: DidDocument | undefined
}

async function signUp(pds: Parts, input: Checked<Input>, issuer?: string): Promise<Made> {
  // A service of the operator's, under the name that is kept for it.
  const by = issuer?.split('#')[0] as Did | undefined
  const handle = pds.handles.requireOwn(input.handle, { by })
  const isKept = pds.handles.isKeptFor(handle, by)
  const { recoveryKey, email, inviteCode } = input
  if (recoveryKey !== undefined) parseDidKey(recoveryKey)
  const resumed = await triedAgain(pds, handle, input)
  if (!resumed) await pds.accounts.requireFree(handle, email)
  const { account, operation } =
    resumed ??
    (await pds.standing.signUp({
      handle,
      email,
      passwordHash: await pds.passwords.hash(input.password),
      recoveryKey,
      together: async (claimed) => {
        if (!isKept) await pds.invites.use(inviteCode, claimed)
      },
    }))
  if (recoveryKey !== undefined) await pds.recoveryKeys.note(account.did, recoveryKey)
  // What the directory will say, without asking it.
  const data = plcData(account.did, operation)
  return { account, didDoc: data && plcDocument(data) }
}

/** The directory was away when the same person signed up before: they go on where that ended. */
async function triedAgain(
  { accounts, passwords, standing }: Pick<Pds, 'accounts' | 'passwords' | 'standing'>,
  handle: Handle,
  { email, password }: Checked<Input>,
) {
  const begun = await accounts.pendingSignUp(handle)
  if (!begun || begun.account.email !== email?.toLowerCase()) return undefined
  const isOwner = await passwords.check(begun.account, password)
  return isOwner && standing.resumeSignUp(begun.account, begun.plcOperation as PlcOperation)
}

/** A new account whose identity is its name under this host: a did:web that is served here. */
async function signUpHosted(pds: Parts, input: Checked<Input & { did: Did }>): Promise<Made> {
  const handle = pds.handles.requireOwn(input.handle)
  const { did, email, inviteCode } = input
  await pds.accounts.requireFree(handle, email)
  // Also one that was deleted, or has moved on: an identity is never given to somebody else.
  if ((await pds.accounts.getAny(did)) || (await pds.hostedDids.document(did))) {
    throw new XrpcError(400, 'HandleNotAvailable', `This identity was somebody’s: ${did}`)
  }
  const account = await pds.standing.signUpAs(did, {
    handle,
    email,
    passwordHash: await pds.passwords.hash(input.password),
    together: (claimed) => pds.invites.use(inviteCode, claimed),
  })
  pds.directory.forget(did)
  return { account, didDoc: await pds.hostedDids.document(did) }
}

async function moveIn(
  pds: Parts,
  input: Checked<Input & { did: Did }>,
  issuer: string | undefined,
): Promise<Made> {
  const { did, email, inviteCode } = input
  if (issuer !== did) {
    throw new XrpcError(401, 'AuthMissing', `Missing auth to create account with did: ${did}`)
  }
  const document = await pds.directory.document(did, { fresh: true })
  if (!document) throw new XrpcError(400, 'UnresolvableDid', `Could not resolve ${did}`)
  const { signingKey, handle: claimed } = identityOf(document)
  const handle = await pds.handles.requireFor(did, (input.handle || claimed) as Handle)
  const account = await pds.standing.moveIn({
    did,
    handle,
    email,
    passwordHash: await pds.passwords.hash(input.password),
    signingKey: await pds.keys.reserved(did, signingKey),
    together: (claimed) => pds.invites.use(inviteCode, claimed),
  })
  await pds.keys.drop(did, account.signingKey)
  return { account, didDoc: document }
}
