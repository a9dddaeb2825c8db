import { mainSchema } from '@atcute/bluesky/types/app/labeler/getServices'
import { invalidRequest, type Method } from '#protocol/xrpc'
import type { LabelerService } from '../labelers/labeler-services.ts'
import { hydrateLabelers, type LabelersHydration } from '../pages/labelers-page.ts'
import { allOf, readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { arrayOf, type Json } from '../views/json.ts'
import { labelerDetail, labelerView } from '../views/labeler.ts'

const DIDS_MAX = 50

/** Labelers as they describe themselves; `detailed` with the words they use. */
export function getServices(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'labelerServices' | 'labels'>,
): Method {
  const { actors, auth, labelerServices } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      skeleton({ dids }) {
        if (dids.length > DIDS_MAX) throw invalidRequest(`At most ${DIDS_MAX} labelers`)
        return labelerServices.load(dids)
      },
      hydrate: (services, viewer) => hydrateLabelers(parts, services, viewer),
      rules: allOf,
      present(services, h, { detailed }) {
        const views = services
          .map((service) => typedView(service, h, detailed))
          .filter((one) => one !== undefined)
        return `{"views":${arrayOf(views)}}`
      },
    },
  })
}

/** With its type; undefined when the account may not be shown. */
function typedView(
  service: LabelerService,
  h: LabelersHydration,
  detailed: boolean,
): Json | undefined {
  const view = labelerView(service, h)
  if (view === undefined) return undefined
  const type = `"$type":"app.bsky.labeler.defs#labelerView${detailed ? 'Detailed' : ''}"`
  return `{${type},${view.slice(1, -1)}${detailed ? labelerDetail(service) : ''}}`
}
