import type { ReadParts } from '../parts.ts'
import type { Generator } from '../read/generators.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import type { RecordMarks } from '../read/record-marks.ts'
import { viewerBlocks } from '../views/feed.ts'
import { generatorIsThere, generatorView, labelledGenerator } from '../views/generator.ts'
import type { MediaUrls } from '../views/images.ts'
import { arrayOf, type Json } from '../views/json.ts'

export interface GeneratorsPage {
  generators: Generator[]
  cursor?: string | undefined
}

export interface GeneratorsHydration extends Hydration {
  generatorMarks: Map<Generator, RecordMarks>
  /** Labels by AT-URI. What is not to be shown is missing. */
  recordLabels: ReadonlyMap<string, Json>
  urls: MediaUrls
}

/** What shows feeds. */
export type GeneratorParts = Pick<ReadParts, 'generators' | 'hydrator' | 'labels' | 'urls'>

/** Publishers, likes, labels, and how the viewer stands to both. */
export async function hydrateGenerators(
  { generators, hydrator, labels, urls }: GeneratorParts,
  page: GeneratorsPage,
  viewer: Viewer | undefined,
): Promise<GeneratorsHydration> {
  const aids = new Set(page.generators.map((generator) => generator.aid))
  const h = await hydrator.accounts(viewer, aids)
  const named = page.generators.flatMap((one) => labelledGenerator(one, h) ?? [])
  return {
    ...h,
    urls,
    generatorMarks: await generators.marks(page.generators, viewer),
    recordLabels: await labels.ofRecords(named, viewer?.labelers),
  }
}

/** Leaves out feeds of accounts that are hidden, or have a block with the viewer. */
export function visibleGenerators<P extends GeneratorsPage>(page: P, h: GeneratorsHydration): P {
  const isVisible = (one: Generator) => generatorIsThere(one, h) && !viewerBlocks(h, one.aid)
  return { ...page, generators: page.generators.filter(isVisible) }
}

/** `app.bsky.feed.defs#generatorView` of each. */
export function generatorList({ generators }: GeneratorsPage, h: GeneratorsHydration): Json[] {
  return generators.map((one) => generatorView(one, h.generatorMarks.get(one)!, h))
}

export function generatorViews(page: GeneratorsPage, h: GeneratorsHydration): Json {
  return arrayOf(generatorList(page, h))
}
