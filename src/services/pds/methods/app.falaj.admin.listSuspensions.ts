import { listSuspensions as schema } from '#protocol/account'
import type { Did } from '#protocol/syntax'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { suspensionView } from './suspension-view.ts'

/** Who is suspended here; the cursor is a DID. */
export const listSuspensions = ({ callers, suspensions }: Pick<Pds, 'callers' | 'suspensions'>) =>
  query(schema, {
    auth: callers.operator('look'),
    async handle({ params: { did, limit, cursor } }) {
      if (did !== undefined) {
        const one = await suspensions.get(did as Did)
        return { suspensions: one ? [suspensionView(one)] : [] }
      }
      const found = await suspensions.list({ limit, cursor })
      return {
        suspensions: found.map(suspensionView),
        cursor: found.length === limit ? found.at(-1)?.did : undefined,
      }
    },
  })
