import { ComAtprotoServerCreateSession } from '@atcute/atproto'
import { authRequired, type HttpRequest, noAuth, procedure } from '#protocol/xrpc'
import { type Account, isHeldBack } from '../accounts/index.ts'
import { coarseAgent } from '../devices/index.ts'
import { tellOwner } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { signInRates } from '../rates.ts'
import { findAccount, heldBack, permissionsFor } from '../sign-in/index.ts'
import { refuseHeld, requireFactor } from './require-factor.ts'
import { sessionView } from './session-view.ts'

type Parts = Pick<
  Pds,
  | 'accounts'
  | 'codes'
  | 'directory'
  | 'factors'
  | 'host'
  | 'mail'
  | 'passwords'
  | 'sessions'
  | 'signIns'
>

/**
 * Signs in by handle, DID or email with the account's or an app password; with the account's own,
 * also a code where a second factor is asked for. The owner of an account that was taken down gets
 * in to fetch it and leave, where they say so. Errors: AccountTakedown, AuthFactorTokenRequired,
 * InvalidToken.
 */
export const createSession = (pds: Parts) =>
  procedure(ComAtprotoServerCreateSession.mainSchema, {
    auth: noAuth,
    limits: { bodyBytes: 10_000, rates: signInRates },
    async handle({ input, request }) {
      const account = await findAccount(pds.accounts, input.identifier.trim())
      const proof = await pds.passwords.check(account, input.password)
      if (!account || !proof) {
        if (account) pds.signIns.noteWrongPassword(account.did, request, 'app')
        throw authRequired('Invalid identifier or password')
      }
      const isDown = isHeldBack(account)
      if (isDown && (!input.allowTakendown || proof.appPassword)) {
        throw heldBack(account)
      }
      if (proof.appPassword) {
        await refuseHeld(pds, account)
        await pds.passwords.noteUse(account.did, proof.appPassword.name)
      } else {
        const factor = await requireFactor(pds, account, input.authFactorToken, request)
        await noteSignIn(pds, account, factor, request)
      }
      const agent = coarseAgent(request.headers['user-agent'])
      const tokens = isDown
        ? pds.sessions.createTakendown(account.did)
        : await pds.sessions.create(account.did, proof.appPassword, agent)
      const purpose = proof.appPassword?.purpose
      const permissions = purpose && permissionsFor(purpose)
      return { ...tokens, ...(await sessionView(pds, account, permissions)) }
    },
  })

async function noteSignIn(
  pds: Parts,
  account: Account,
  factor: string | undefined,
  request: HttpRequest,
): Promise<void> {
  const how = factor ? `password ${factor}` : 'password'
  const signIn = { place: 'app', how, outcome: 'ok' } as const
  const { isNewAgent } = await pds.signIns.note(account.did, request, signIn)
  if (factor === 'recovery') await tellOwner(pds, account, 'notice-recovery-code', request)
  else if (isNewAgent) await tellOwner(pds, account, 'notice-new-device', request)
}
