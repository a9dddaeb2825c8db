import {
  ToolsOzoneModerationEmitEvent,
  ToolsOzoneModerationGetEvent,
  ToolsOzoneModerationQueryEvents,
  ToolsOzoneModerationQueryStatuses,
} from '@atcute/ozone'
import type { TypedProcedure, TypedQuery } from '#protocol/lexicon'

/*
 * The package's schemas are made with an older release of the schema library, whose types do not
 * fit ours; what they do at run time does. Here they get types that fit, once.
 */

type Paged<P> = P & { limit: number; sortDirection: 'asc' | 'desc' }

export const emitEventSchema =
  ToolsOzoneModerationEmitEvent.mainSchema as unknown as TypedProcedure<
    Record<never, never>,
    ToolsOzoneModerationEmitEvent.$input,
    ToolsOzoneModerationEmitEvent.$output
  >

export const getEventSchema = ToolsOzoneModerationGetEvent.mainSchema as unknown as TypedQuery<
  ToolsOzoneModerationGetEvent.$params,
  ToolsOzoneModerationGetEvent.$output
>

export const queryEventsSchema =
  ToolsOzoneModerationQueryEvents.mainSchema as unknown as TypedQuery<
    Paged<ToolsOzoneModerationQueryEvents.$params>,
    ToolsOzoneModerationQueryEvents.$output
  >

export const queryStatusesSchema =
  ToolsOzoneModerationQueryStatuses.mainSchema as unknown as TypedQuery<
    Paged<ToolsOzoneModerationQueryStatuses.$params> & { sortField: string },
    ToolsOzoneModerationQueryStatuses.$output
  >
