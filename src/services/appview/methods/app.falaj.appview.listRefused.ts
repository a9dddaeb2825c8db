import { listRefused as schema } from '#protocol/account'
import { type Method, noAuth, query } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** Records that are not in the index, and why: for operators, and for authors of programs. */
export function listRefused({ actors, refusals }: Pick<ReadParts, 'actors' | 'refusals'>): Method {
  return query(schema, {
    auth: noAuth,
    async handle({ params: { did, limit, cursor } }) {
      if (did === undefined) return refusals.page({ cursor, limit })
      const aid = await actors.aidOf(did)
      return { records: aid === undefined ? [] : (await refusals.of(aid)).slice(0, limit) }
    },
  })
}
