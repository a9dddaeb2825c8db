import { listFleets as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Fleets into this host. */
export const fleetList = ({ callers, fleets }: Pick<Pds, 'callers' | 'fleets'>) =>
  query(schema, {
    auth: callers.operator('look'),
    async handle() {
      return { fleets: await fleets.list() }
    },
  })
