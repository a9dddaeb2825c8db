import { ComAtprotoIdentityUpdateHandle } from '@atcute/atproto'
import { procedure, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

type Parts = Pick<Pds, 'accounts' | 'callers' | 'directory' | 'handles' | 'plc' | 'standing'>

/** Gives the account another handle: claimed here, written to its identity, announced. */
export const updateHandle = (pds: Parts) =>
  procedure(ComAtprotoIdentityUpdateHandle.mainSchema, {
    auth: pds.callers.account({ least: 'full' }),
    async handle({ input, caller: { account } }) {
      const handle = await pds.handles.requireFor(account.did, input.handle)
      const holder = await pds.accounts.byHandle(handle)
      if (holder && holder.did !== account.did) {
        throw new XrpcError(400, 'HandleNotAvailable', `Handle already taken: ${handle}`)
      }
      if (account.did.startsWith('did:plc:')) await pds.plc.changeHandle(account.did, handle)
      pds.directory.forget(account.did)
      await pds.standing.announceIdentity(account.did, handle)
    },
  })
