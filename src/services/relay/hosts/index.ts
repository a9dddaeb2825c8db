/** The hosts a relay reads: their list, their cursors, the reading, and mending what broke. */
export { Crawl } from './crawl.ts'
export { type Host, Hosts } from './hosts.ts'
export { Resync } from './resync.ts'
