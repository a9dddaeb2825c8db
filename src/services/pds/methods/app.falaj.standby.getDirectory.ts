import { standbyGetDirectory } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireStandby, standbyAuth } from '../standby/index.ts'

/** The directory database as it is now. */
export const standbyGetDirectoryMethod = ({
  standby,
  standbySecret,
}: Pick<Pds, 'standby' | 'standbySecret'>) =>
  query(standbyGetDirectory, {
    auth: standbyAuth(standbySecret),
    async handle() {
      const { body, headers } = await requireStandby(standby).directory()
      return { encoding: 'application/octet-stream', body, headers }
    },
  })
