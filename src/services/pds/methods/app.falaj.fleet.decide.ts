import { decideFleet as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Checks, starts, pauses, resumes, retries, abandons or sets a fleet. Errors: FleetNotFound, NotNow, FleetBlocked. */
export const fleetDecide = ({ callers, fleets }: Pick<Pds, 'callers' | 'fleets'>) =>
  procedure(schema, {
    auth: callers.operator('run'),
    limits: { bodyBytes: 10_000 },
    async handle({ input: { id, action, leaveBlocked = false, settings = {} } }) {
      return { fleet: await fleets.decide(id, action, { leaveBlocked, settings }) }
    },
  })
