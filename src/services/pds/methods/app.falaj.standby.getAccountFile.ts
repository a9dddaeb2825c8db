import { standbyGetAccountFile } from '#protocol/account'
import type { Did } from '#protocol/syntax'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireStandby, standbyAuth } from '../standby/index.ts'

/** An account's file as it is now. Errors: AccountNotFound. */
export const standbyGetAccountFileMethod = ({
  standby,
  standbySecret,
}: Pick<Pds, 'standby' | 'standbySecret'>) =>
  query(standbyGetAccountFile, {
    auth: standbyAuth(standbySecret),
    async handle({ params }) {
      const { did, generation } = params
      const { body, headers } = await requireStandby(standby).accountFile(did as Did, generation)
      return { encoding: 'application/octet-stream', body, headers }
    },
  })
