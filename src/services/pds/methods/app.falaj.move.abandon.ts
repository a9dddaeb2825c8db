import { abandonMove as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Gives a move up without a trace. Errors: MoveNotFound, NotNow. */
export const moveAbandon = ({ callers, moves }: Pick<Pds, 'callers' | 'moves'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 4_096 },
    async handle({ input, caller: { account } }) {
      return { move: await moves.abandon(account, input.id) }
    },
  })
