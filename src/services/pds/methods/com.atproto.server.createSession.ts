import { ComAtprotoServerCreateSession } from '@atcute/atproto'
import { authRequired, noAuth, procedure } from '#protocol/xrpc'
import { isHeldBack } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import { signInRates } from '../rates.ts'
import { findAccount, heldBack } from '../sign-in/index.ts'
import { sessionView } from './session-view.ts'

type Parts = Pick<Pds, 'accounts' | 'passwords' | 'sessions' | 'directory'>

/**
 * Signs in by handle, DID or email with the account's or an app password. The owner of an account
 * that was taken down gets in to fetch it and leave, where they say so. Errors: AccountTakedown.
 */
export const createSession = (pds: Parts) =>
  procedure(ComAtprotoServerCreateSession.mainSchema, {
    auth: noAuth,
    limits: { bodyBytes: 10_000, rates: signInRates },
    async handle({ input }) {
      const account = await findAccount(pds.accounts, input.identifier.trim())
      const proof = await pds.passwords.check(account, input.password)
      if (!account || !proof) throw authRequired('Invalid identifier or password')
      const isDown = isHeldBack(account)
      if (isDown && (!input.allowTakendown || proof.appPassword)) {
        throw heldBack(account)
      }
      const tokens = isDown
        ? pds.sessions.createTakendown(account.did)
        : await pds.sessions.create(account.did, proof.appPassword)
      return { ...tokens, ...(await sessionView(pds, account)) }
    },
  })
