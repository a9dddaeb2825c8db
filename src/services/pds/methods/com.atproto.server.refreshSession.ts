import { ComAtprotoServerRefreshSession } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { refuseHeld } from './require-factor.ts'
import { sessionView } from './session-view.ts'

/** New tokens for a refresh token, which is then spent. Errors: ExpiredToken, InvalidToken. */
export const refreshSession = (
  pds: Pick<Pds, 'callers' | 'sessions' | 'directory' | 'factors' | 'host'>,
) =>
  procedure(ComAtprotoServerRefreshSession.mainSchema, {
    auth: pds.callers.refresh(),
    async handle({ caller: { account, did, id } }) {
      await refuseHeld(pds, account)
      const { accessJwt, refreshJwt } = await pds.sessions.refresh(did, id)
      return { accessJwt, refreshJwt, ...(await sessionView(pds, account)) }
    },
  })
