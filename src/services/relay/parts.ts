/** The parts of a relay, as methods pick them. Types only: `index.ts` builds them. */
import type { Stream } from '#platform/storage'
import type { Crawl, Hosts } from './hosts/index.ts'
import type { RepoStates } from './ingest/index.ts'

export interface Relay {
  stream: Stream
  hosts: Hosts
  crawl: Crawl
  states: RepoStates
  /** Which hosts may be asked for, and how their URL is written. Throws InvalidRequest. */
  hostUrl(hostname: string): string
  /** Whether anybody may ask for a host to be read. */
  openCrawl: boolean
}
