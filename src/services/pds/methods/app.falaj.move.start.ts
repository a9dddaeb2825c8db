import { startMove as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { signUpRates } from '../rates.ts'
import { requirePassword } from './password.ts'

/** Begins a move to this host. Errors: CannotMove, and those of createAccount. */
export const moveStart = ({ callers, moves }: Pick<Pds, 'callers' | 'moves'>) =>
  procedure(schema, {
    // Who calls is proved by the session at the source.
    auth: callers.optionalService,
    limits: { bodyBytes: 50_000, rates: signUpRates },
    handle: ({ input }) => moves.start({ ...input, password: requirePassword(input.password) }),
  })
