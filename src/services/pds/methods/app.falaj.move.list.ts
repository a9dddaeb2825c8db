import { listMoves as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** The caller's moves into this host. */
export const moveList = ({ callers, moves }: Pick<Pds, 'callers' | 'moves'>) =>
  query(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    async handle({ caller: { account } }) {
      return { moves: await moves.list(account) }
    },
  })
