import { getFleet as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** A fleet as it stands, watched where a version is given. Errors: FleetNotFound. */
export const fleetGet = ({ callers, fleets }: Pick<Pds, 'callers' | 'fleets'>) =>
  query(schema, {
    auth: callers.operator('look'),
    async handle({ params, request }) {
      return { fleet: await fleets.get(params.id, params.after, request.signal) }
    },
  })
