/** The parts of a search service that answer queries. Types only: `index.ts` builds them. */
import type { Directory } from '#protocol/identity'
import type { Actors, Posts } from './records/index.ts'

export interface SearchParts {
  actors: Actors
  directory: Directory
  posts: Posts
}
