import { rebuildIndex as schema } from '#protocol/account'
import { type Method, procedure, XrpcError } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'
import { rebuildView } from '../rebuild/rebuild-view.ts'

/** Has the index made anew beside the serving one, or gives that up. */
export function rebuild({
  operator,
  rebuild: find,
}: Pick<ReadParts, 'operator' | 'rebuild'>): Method {
  return procedure(schema, {
    auth: operator,
    async handle({ input: { action } }) {
      const found = find()
      if (found === undefined)
        throw new XrpcError(
          400,
          'NotRebuildable',
          'The rows of this index are in no file of its own',
        )
      await (action === 'start' ? found.start() : found.cancel())
      return rebuildView(await found.status())
    },
  })
}
