import { listFleetAccounts as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** What became of each account of a fleet. Errors: FleetNotFound. */
export const fleetListAccounts = ({ callers, fleets }: Pick<Pds, 'callers' | 'fleets'>) =>
  query(schema, {
    auth: callers.operator('look'),
    handle: ({ params: { id, state, limit = 100, cursor } }) =>
      fleets.accounts(id, { state, limit, cursor }),
  })
