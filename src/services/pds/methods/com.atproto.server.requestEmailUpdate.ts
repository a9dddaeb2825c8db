import { ComAtprotoServerRequestEmailUpdate } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { mailCode } from './mail-code.ts'

/** Whether changing the address needs a code; one goes to the address as it is, when confirmed. */
export const requestEmailUpdate = (pds: Pick<Pds, 'callers' | 'codes' | 'mail'>) =>
  procedure(ComAtprotoServerRequestEmailUpdate.mainSchema, {
    auth: pds.callers.account({
      deactivated: true,
      least: 'full',
      app: (permissions) => permissions.requireAccount('email', 'manage'),
    }),
    async handle({ caller: { account }, request }) {
      const tokenRequired = account.emailConfirmedMs !== undefined
      if (tokenRequired) await mailCode(pds, account, 'update-email', request)
      return { tokenRequired }
    },
  })
