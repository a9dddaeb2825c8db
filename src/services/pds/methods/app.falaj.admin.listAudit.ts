import { listAudit as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** What operators did, newest first. */
export const listAudit = ({ audit, callers }: Pick<Pds, 'audit' | 'callers'>) =>
  query(schema, { auth: callers.operator('audit'), handle: ({ params }) => audit.list(params) })
