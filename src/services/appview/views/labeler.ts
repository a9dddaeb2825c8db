import { LABELER_SERVICE, type LabelerService } from '../labelers/labeler-services.ts'
import type { Hydration } from '../read/hydrate.ts'
import { INVALID_HANDLE, profileView } from './actor.ts'
import { type Json, member, quote } from './json.ts'

/** `app.bsky.labeler.defs#labelerView`; undefined when the account may not be shown. */
export function labelerView(service: LabelerService, h: Hydration): Json | undefined {
  const { did, aid, cid, indexedMs } = service
  const actor = h.actors.get(aid)
  if (aid !== 0 && actor === undefined) return undefined
  const creator = actor
    ? profileView(actor, h.relations.get(aid))
    : `{"did":"${did}","handle":"${INVALID_HANDLE}"}`
  return (
    `{"uri":"at://${did}/${LABELER_SERVICE}/self","cid":"${cid}","creator":${creator}` +
    `,"indexedAt":"${new Date(indexedMs).toISOString()}"}`
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
