import type { ReadParts } from '../parts.ts'
import type { StarterPack } from '../read/starter-packs.ts'
import { hasWords, LOOKED_AT, wordsOf } from '../search/words.ts'
import type { Json } from '../views/json.ts'
import { fillPage, type Round } from './pipeline.ts'

/** Starter packs whose name or description has the words asked for, the most used first. */
export function searchPacks(
  { starterPacks }: Pick<ReadParts, 'starterPacks'>,
  { q, ...page }: { q: string; cursor?: string | undefined; limit: number },
  show: (packs: StarterPack[]) => Promise<Json[]>,
): Promise<Round<Json>> {
  const words = wordsOf(q)
  return fillPage(page, async ({ cursor, limit }) => {
    const found = await starterPacks.mostJoined({ cursor, limit: LOOKED_AT })
    const hits = found.packs.filter((pack) => hasWords(`${pack.name} ${pack.description}`, words))
    const packs = hits.slice(0, limit)
    const isAll = packs.length === hits.length
    return {
      items: await show(packs),
      cursor: isAll ? found.cursor : found.cursorAt(packs.at(-1)!),
    }
  })
}
