import { endSuspension as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'

/** Ends a suspension before its time. Errors: NotFound. */
export const endSuspension = (pds: Pick<Pds, 'accounts' | 'callers' | 'suspensions'>) =>
  procedure(schema, {
    auth: pds.callers.operator('moderate'),
    async handle({ input: { did } }) {
      await pds.suspensions.end(await requireAccount(pds.accounts, did))
      return { did }
    },
  })
