import { getMove as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** One move of the caller, watched where a version is given. Errors: MoveNotFound. */
export const moveGet = ({ callers, moves }: Pick<Pds, 'callers' | 'moves'>) =>
  query(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    async handle({ params, caller: { account }, request }) {
      return { move: await moves.get(account, params, request.signal) }
    },
  })
