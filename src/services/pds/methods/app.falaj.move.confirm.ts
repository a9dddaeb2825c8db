import { confirmMove as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Takes the code for the change of identity. Errors: MoveNotFound, NotNow. */
export const moveConfirm = ({ callers, moves }: Pick<Pds, 'callers' | 'moves'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 4_096 },
    async handle({ input, caller: { account } }) {
      return { move: await moves.confirm(account, input.id, input.code) }
    },
  })
