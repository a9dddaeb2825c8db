import { ComAtprotoIdentityRequestPlcOperationSignature } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { mailCode } from './mail-code.ts'

/** Mails the owner a code that allows one signature on their identity. */
export const requestPlcOperationSignature = (pds: Pick<Pds, 'callers' | 'codes' | 'mail'>) =>
  procedure(ComAtprotoIdentityRequestPlcOperationSignature.mainSchema, {
    auth: pds.callers.account({
      deactivated: true,
      takendown: true,
      least: 'full',
      app: (permissions) => permissions.requireIdentity('*'),
    }),
    handle: ({ caller, request }) => mailCode(pds, caller.account, 'plc-operation', request),
  })
