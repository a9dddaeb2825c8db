import { createFleet as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Opens a fleet of accounts that move here. Errors: InvalidRequest. */
export const fleetCreate = ({ callers, fleets }: Pick<Pds, 'callers' | 'fleets'>) =>
  procedure(schema, {
    auth: callers.operator('run'),
    limits: { bodyBytes: 10_000 },
    handle: ({ input, caller: { operator } }) => fleets.create(input, operator.name),
  })
