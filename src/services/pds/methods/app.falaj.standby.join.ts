import { standbyJoin } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireStandby, standbyAuth } from '../standby/index.ts'

/** What a standby needs to know before it follows this host. */
export const standbyJoinMethod = ({
  standby,
  standbySecret,
}: Pick<Pds, 'standby' | 'standbySecret'>) =>
  procedure(standbyJoin, {
    auth: standbyAuth(standbySecret),
    handle: () => requireStandby(standby).join(),
  })
