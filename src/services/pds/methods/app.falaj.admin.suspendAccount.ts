import { suspendAccount as schema } from '#protocol/account'
import { datetimeMs } from '#protocol/syntax'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'
import { suspensionView } from './suspension-view.ts'

/** Pauses an account, until a time or until somebody ends it. Errors: NotFound, InvalidRequest. */
export const suspendAccount = (pds: Pick<Pds, 'accounts' | 'callers' | 'suspensions'>) =>
  procedure(schema, {
    auth: pds.callers.operator('moderate'),
    async handle({ input: { did, until, ref } }) {
      const account = await requireAccount(pds.accounts, did)
      const untilMs = until === undefined ? undefined : datetimeMs(until)
      return suspensionView(await pds.suspensions.suspend(account, { untilMs, ref }))
    },
  })
