/** The parts of the feeds, as methods pick them. Types only: `index.ts` builds them. */
import type { Sql } from '#platform/storage'
import type { CachedDirectory } from '#protocol/identity'
import type { AtUri, Did } from '#protocol/syntax'

export interface FeedsParts {
  did: Did
  sql: Sql
  directory: CachedDirectory
  now: () => number
  /** Where the feeds are published; empty until they are. */
  published(): readonly AtUri[]
}
