/** Every service this program can host, in the order they start: each needs only those before it. */
import type { ServicePart } from './part.ts'
import { plcPart } from './parts/plc.ts'
import { webPart } from './parts/web.ts'

// biome-ignore lint/suspicious/noExplicitAny: each part knows the type of its own configuration
export const parts: readonly ServicePart<any>[] = [plcPart, webPart]

/** What the address of somebody else's instance is given by, when ours is not started. */
export const partNames: readonly string[] = parts.map((part) => part.kind)
