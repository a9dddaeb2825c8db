import { LABELER_SERVICE, type LabelerService } from '../labelers/labeler-services.ts'
import type { LabelersHydration } from '../pages/labelers-page.ts'
import { INVALID_HANDLE, profileView } from './actor.ts'
import { type Json, member, quote } from './json.ts'

export function labelerUri({ did }: LabelerService): string {
  return `at://${did}/${LABELER_SERVICE}/self`
}

/** `app.bsky.labeler.defs#labelerView`; undefined when it, or its account, may not be shown. */
export function labelerView(service: LabelerService, h: LabelersHydration): Json | undefined {
  const { did, aid, cid, indexedMs } = service
  const actor = h.actors.get(aid)
  const uri = labelerUri(service)
  const labels = h.recordLabels.get(uri)
  if ((aid !== 0 && actor === undefined) || labels === undefined) return undefined
  const { likes, like } = h.labelerMarks.get(did)!
  const mine =
    h.viewer && `{${like ? `"like":"at://${h.viewer.did}/app.bsky.feed.like/${like}"` : ''}}`
  const creator = actor
    ? profileView(actor, h.relations.get(aid))
    : `{"did":"${did}","handle":"${INVALID_HANDLE}"}`
  return (
    `{"uri":"${uri}","cid":"${cid}","creator":${creator},"likeCount":${likes}` +
    member('viewer', mine) +
    `,"indexedAt":"${new Date(indexedMs).toISOString()}","labels":${labels}}`
  )
}

/** What `app.bsky.labeler.defs#labelerViewDetailed` says more, as members. */
export function labelerDetail({ record }: LabelerService): string {
  const { policies, reasonTypes, subjectTypes, subjectCollections } = record
  const optional = (name: string, value: unknown) =>
    member(name, value === undefined ? undefined : quote(value))
  return (
    `,"policies":${quote(policies)}` +
    optional('reasonTypes', reasonTypes) +
    optional('subjectTypes', subjectTypes) +
    optional('subjectCollections', subjectCollections)
  )
}
