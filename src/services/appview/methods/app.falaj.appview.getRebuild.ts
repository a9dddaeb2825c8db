import { getRebuild as schema } from '#protocol/account'
import { type Method, noAuth, query } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'
import { rebuildView } from '../rebuild/rebuild-view.ts'

/** Whether the index is being made anew, and how far that is. */
export function getRebuild({ rebuild }: Pick<ReadParts, 'rebuild'>): Method {
  return query(schema, {
    auth: noAuth,
    async handle() {
      const status = await rebuild()?.status()
      return status ? rebuildView(status) : { running: false }
    },
  })
}
