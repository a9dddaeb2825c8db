import { type HttpRequest, XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import { tellOwner } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { mailCode } from './mail-code.ts'

type Parts = Pick<Pds, 'codes' | 'factors' | 'host' | 'mail' | 'signIns'>

/**
 * For who proved what app passwords and refresh tokens prove. Throws AuthFactorTokenRequired (401)
 * while the host asks the account for a factor that its owner can set up only at its pages.
 */
export async function refuseHeld(
  { factors, host }: Pick<Pds, 'factors' | 'host'>,
  account: Account,
): Promise<void> {
  if (await factors.isHeld(account)) throw factorMissing(host)
}

/**
 * What an app proved beside the password: nothing where nothing is asked for, else what its token
 * was. Throws AuthFactorTokenRequired (401) without one, after mailing a code where codes go by
 * mail; InvalidToken for a wrong one, RateLimitExceeded for many.
 */
export async function requireFactor(
  pds: Parts,
  account: Account,
  token: string | undefined,
  request: HttpRequest,
): Promise<string | undefined> {
  const { kinds, isMissing } = await pds.factors.asked(account)
  if (isMissing) throw factorMissing(pds.host)
  if (kinds.size === 0) return undefined
  if (!token) {
    if (kinds.has('totp')) throw tokenRequired('A code of your authenticator app is required')
    if (!kinds.has('email')) {
      throw tokenRequired('Sign in with an app password, or with one of your recovery codes')
    }
    await mailCode(pds, account, 'sign-in', request)
    throw tokenRequired('A sign in code has been sent to your email address')
  }
  const found = await pds.factors.check(account, token)
  if (found.kind) return found.kind
  await pds.signIns.note(account.did, request, {
    place: 'app',
    how: 'password',
    outcome: 'refused',
  })
  if (found.tell) await tellOwner(pds, account, 'notice-wrong-codes', request)
  throw new XrpcError(400, 'InvalidToken', 'Token is invalid')
}

const factorMissing = ({ publicUrl }: Pds['host']) =>
  tokenRequired(`This host asks for a second factor. Set one up at ${publicUrl}/account`)

const tokenRequired = (message: string) => new XrpcError(401, 'AuthFactorTokenRequired', message)
