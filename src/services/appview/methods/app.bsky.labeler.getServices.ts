import { mainSchema } from '@atcute/bluesky/types/app/labeler/getServices'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { LABELER_SERVICE, type LabelerService } from '../labelers/labeler-services.ts'
import { allOf, readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { Hydration } from '../read/hydrate.ts'
import { INVALID_HANDLE, profileView } from '../views/actor.ts'
import { arrayOf, type Json, member, quote } from '../views/json.ts'

const DIDS_MAX = 50

/** Labelers as they describe themselves; `detailed` with the words they use. */
export function getServices({
  actors,
  auth,
  hydrator,
  labelerServices,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'labelerServices'>): Method {
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      skeleton({ dids }) {
        if (dids.length > DIDS_MAX) throw invalidRequest(`At most ${DIDS_MAX} labelers`)
        return labelerServices.load(dids)
      },
      hydrate: (services, viewer) =>
        hydrator.accounts(
          viewer,
          services.flatMap(({ aid }) => (aid === 0 ? [] : [aid])),
        ),
      rules: allOf,
      present(services, h, { detailed }) {
        const views = services
          .map((service) => view(service, h, detailed))
          .filter((one) => one !== undefined)
        return `{"views":${arrayOf(views)}}`
      },
    },
  })
}

/** Undefined when the account may not be shown. */
function view(service: LabelerService, h: Hydration, detailed: boolean): Json | undefined {
  const { did, aid, cid, record, indexedMs } = service
  const actor = h.actors.get(aid)
  if (aid !== 0 && actor === undefined) return undefined
  const creator = actor
    ? profileView(actor, h.relations.get(aid))
    : `{"did":"${did}","handle":"${INVALID_HANDLE}"}`
  const { policies, reasonTypes, subjectTypes, subjectCollections } = record
  const optional = (name: string, value: unknown) =>
    member(name, value === undefined ? undefined : quote(value as never))
  const detail = detailed
    ? `,"policies":${quote(policies as never)}` +
      optional('reasonTypes', reasonTypes) +
      optional('subjectTypes', subjectTypes) +
      optional('subjectCollections', subjectCollections)
    : ''
  return (
    `{"$type":"app.bsky.labeler.defs#labelerView${detailed ? 'Detailed' : ''}"` +
    `,"uri":"at://${did}/${LABELER_SERVICE}/self","cid":"${cid}","creator":${creator}` +
    `,"indexedAt":"${new Date(indexedMs).toISOString()}"${detail}}`
  )
}
