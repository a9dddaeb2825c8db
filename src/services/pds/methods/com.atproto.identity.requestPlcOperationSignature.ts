import { ComAtprotoIdentityRequestPlcOperationSignature } from '@atcute/atproto'
import { invalidRequest, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Mails the owner a code that allows one signature on their identity. */
export const requestPlcOperationSignature = ({
  callers,
  codes,
  mail,
}: Pick<Pds, 'callers' | 'codes' | 'mail'>) =>
  procedure(ComAtprotoIdentityRequestPlcOperationSignature.mainSchema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    async handle({ caller: { account } }) {
      if (!account.email) throw invalidRequest('The account has no email address')
      const code = await codes.create(account.did, 'plc-operation')
      await mail.send(account.did, account.email, 'plc-operation', { code })
    },
  })
