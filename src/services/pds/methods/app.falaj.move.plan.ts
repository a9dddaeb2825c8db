import { planMoveHere as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { signUpRates } from '../rates.ts'

/** What moving to this host would do; nothing is changed or kept. */
export const movePlan = ({ callers, moves }: Pick<Pds, 'callers' | 'moves'>) =>
  procedure(schema, {
    // Who calls is proved by the session at the source.
    auth: callers.optionalService,
    limits: { bodyBytes: 50_000, rates: signUpRates },
    handle: ({ input }) => moves.plan(input),
  })
