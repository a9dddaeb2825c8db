import { pauseMove as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Stops a move until it is resumed. Errors: MoveNotFound, NotNow. */
export const movePause = ({ callers, moves }: Pick<Pds, 'callers' | 'moves'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 4_096 },
    async handle({ input, caller: { account } }) {
      return { move: await moves.pause(account, input.id) }
    },
  })
