import { standbyPull } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireStandby, standbyAuth } from '../standby/index.ts'

/** What came after what the standby has on its disk. Errors: ChangesGone, EntriesGone, NotACopy. */
export const standbyPullMethod = ({
  standby,
  standbySecret,
}: Pick<Pds, 'standby' | 'standbySecret'>) =>
  query(standbyPull, {
    auth: standbyAuth(standbySecret),
    async handle({ params, request }) {
      const body = await requireStandby(standby).feed.pull(params, request.signal)
      return { encoding: 'application/octet-stream', body }
    },
  })
