import type { Did } from '#protocol/syntax'
import { LABELER_SERVICE, type LabelerService } from '../labelers/labeler-services.ts'
import type { ReadParts } from '../parts.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import type { RecordMarks } from '../read/record-marks.ts'
import type { Json } from '../views/json.ts'
import { labelerUri } from '../views/labeler.ts'
import { selfLabels } from '../views/labels.ts'

export interface LabelersHydration extends Hydration {
  labelerMarks: ReadonlyMap<Did, RecordMarks>
  /** Labels by AT-URI. What is not to be shown is missing. */
  recordLabels: ReadonlyMap<string, Json>
}

/** Accounts of labelers, likes of what they say of themselves, and what others say of that. */
export async function hydrateLabelers(
  {
    actors,
    hydrator,
    labelerServices,
    labels,
  }: Pick<ReadParts, 'actors' | 'hydrator' | 'labelerServices' | 'labels'>,
  services: readonly LabelerService[],
  viewer: Viewer | undefined,
): Promise<LabelersHydration> {
  const known = services.flatMap(({ aid }) => (aid === 0 ? [] : [aid]))
  const h = await hydrator.accounts(viewer, known)
  // One without a repository may be liked all the same.
  const aids = await Promise.all(services.map(({ aid, did }) => aid || actors.aidOf(did)))
  const keys = aids.map((aid) => [aid ?? 0, `${LABELER_SERVICE}/self`] as const)
  const marks = await labelerServices.marks(keys, h.viewer?.aid ?? 0)
  const named = services.map((service) => {
    const { did, cid, record } = service
    const uri = labelerUri(service)
    const { createdAt } = record
    return { uri, cid, labels: selfLabels(record.labels, { did, uri, cid, createdAt }) }
  })
  return {
    ...h,
    labelerMarks: new Map(services.map(({ did }, i) => [did, marks[i]!])),
    recordLabels: await labels.ofRecords(named, viewer?.labelers),
  }
}
