/** Every method this search service answers, in NSID order. */
import type { Method } from '#protocol/xrpc'
import { searchActorsSkeleton } from './methods/app.bsky.unspecced.searchActorsSkeleton.ts'
import { searchPostsSkeleton } from './methods/app.bsky.unspecced.searchPostsSkeleton.ts'
import type { SearchParts } from './parts.ts'

const table = [searchActorsSkeleton, searchPostsSkeleton]

export const methods = (parts: SearchParts): Method[] => table.map((method) => method(parts))
