import { changeDocument as schema } from '#protocol/account'
import { procedure, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { identityRates } from '../rates.ts'

/** Says something else in the document of a did:web that this host serves, for a one-time code. */
export const changeDocument = ({
  callers,
  codes,
  directory,
  hostedDids,
  standing,
}: Pick<Pds, 'callers' | 'codes' | 'directory' | 'hostedDids' | 'standing'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 16_384, rates: identityRates },
    async handle({ input: { token, ...wanted }, caller: { account } }) {
      const { did, handle, status } = account
      if (!hostedDids.isHosted(did)) {
        throw new XrpcError(400, 'NotHosted', 'This identity is not a name under this host')
      }
      await codes.use(did, 'plc-operation', token)
      await hostedDids.change(did, wanted)
      directory.forget(did)
      if (status === 'active') await standing.announceIdentity(did, handle)
    },
  })
