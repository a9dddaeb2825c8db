import { addFleetAccounts as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Adds accounts to a fleet that has not begun. Errors: FleetNotFound, NotNow, FleetFull. */
export const fleetAddAccounts = ({ callers, fleets }: Pick<Pds, 'callers' | 'fleets'>) =>
  procedure(schema, {
    auth: callers.operator('run'),
    limits: { bodyBytes: 2_000_000 },
    handle: ({ input }) => fleets.add(input.id, input.rows),
  })
