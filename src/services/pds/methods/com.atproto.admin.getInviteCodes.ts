import { ComAtprotoAdminGetInviteCodes } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** All invite codes, the newest or the most used first. */
export const getInviteCodes = ({ callers, invites }: Pick<Pds, 'callers' | 'invites'>) =>
  query(ComAtprotoAdminGetInviteCodes.mainSchema, {
    auth: callers.operator('look'),
    handle: ({ params: { sort, limit, cursor } }) => invites.list({ sort, limit, cursor }),
  })
