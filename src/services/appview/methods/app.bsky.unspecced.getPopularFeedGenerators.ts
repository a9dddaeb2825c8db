import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getPopularFeedGenerators'
import { type Method, query } from '#protocol/xrpc'
import {
  type GeneratorParts,
  generatorList,
  hydrateGenerators,
  visibleGenerators,
} from '../pages/generators-page.ts'
import { fillPage, respond, revOf } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { Generator } from '../read/generators.ts'
import { hasWords, LOOKED_AT, wordsOf } from '../search/words.ts'
import { arrayOf, cursorMember } from '../views/json.ts'

/** Feeds that most people like, first; those whose name or description has the words asked for. */
export function getPopularFeedGenerators(
  parts: GeneratorParts & Pick<ReadParts, 'actors' | 'auth'>,
): Method {
  const { actors, auth, generators } = parts
  return query(mainSchema, {
    auth: auth.optional,
    async handle({ params: { query: text, ...asked }, caller }) {
      const rev = await revOf(actors, caller)
      const words = wordsOf(text ?? '')
      const { items, cursor } = await fillPage(asked, async ({ cursor: from, limit }) => {
        const rows = words.length > 0 ? LOOKED_AT : limit
        const found = await generators.mostLiked({ cursor: from, limit: rows })
        const hits = found.generators.filter((one) => hasWords(textOf(one), words))
        const page = { generators: hits.slice(0, limit) }
        const isAll = hits.length <= limit
        const h = await hydrateGenerators(parts, page, caller)
        const views = generatorList(visibleGenerators(page, h), h)
        return {
          items: views,
          cursor: isAll ? found.cursor : found.cursorAt(page.generators.at(-1)!),
        }
      })
      return respond(`{"feeds":${arrayOf(items)}${cursorMember(cursor)}}`, rev) as never
    },
  })
}

function textOf({ record }: Generator): string {
  return `${record.displayName} ${record.description ?? ''}`
}
