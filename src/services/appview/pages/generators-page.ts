import type { ReadParts } from '../parts.ts'
import type { Generator, GeneratorMarks } from '../read/generators.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import { viewerBlocks } from '../views/feed.ts'
import { generatorView } from '../views/generator.ts'
import { arrayOf, type Json } from '../views/json.ts'

export interface GeneratorsPage {
  generators: Generator[]
  cursor?: string | undefined
}

export interface GeneratorsHydration extends Hydration {
  generatorMarks: Map<Generator, GeneratorMarks>
}

/** Publishers, likes, and how the viewer stands to both. */
export async function hydrateGenerators(
  { generators, hydrator }: Pick<ReadParts, 'generators' | 'hydrator'>,
  page: GeneratorsPage,
  viewer: Viewer | undefined,
): Promise<GeneratorsHydration> {
  const aids = new Set(page.generators.map((generator) => generator.aid))
  const h = await hydrator.accounts(viewer, aids)
  return { ...h, generatorMarks: await generators.marks(page.generators, viewer) }
}

/** Leaves out feeds of accounts that are hidden, or have a block with the viewer. */
export function visibleGenerators<P extends GeneratorsPage>(page: P, h: GeneratorsHydration): P {
  const isVisible = ({ aid }: Generator) => h.actors.has(aid) && !viewerBlocks(h, aid)
  return { ...page, generators: page.generators.filter(isVisible) }
}

export function generatorViews({ generators }: GeneratorsPage, h: GeneratorsHydration): Json {
  const views = generators.map((one) => generatorView(one, h.generatorMarks.get(one)!, h)!)
  return arrayOf(views)
}
