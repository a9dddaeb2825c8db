/** What an operator may set of an app view. */
import {
  type ConfigOf,
  choice,
  config,
  flag,
  integer,
  list,
  text,
  url,
  urlAndDid,
} from '#platform/runtime'
import { ageRegion } from './age-assurance/age-regions.ts'

export const appviewConfig = config('appview', {
  plc: list(url({}), {
    default: [],
    help: 'The directory of identities; several are asked in this order, the first takes new ones.',
  }),
  relay: url({ help: 'The relay (or a single host) whose events are indexed.' }),
  database: text({
    secret: true,
    help: 'PostgreSQL 15 or later that holds the index, as a postgres:// URL; none: an SQLite file in the data directory. See docs/operating/postgresql.md.',
  }),
  databaseReaders: integer({
    min: 1,
    max: 64,
    default: 4,
    help: 'Connections to it that read; one more writes.',
  }),
  verify: flag({
    default: false,
    help: 'Check signatures and proofs of every commit again, when the relay is not trusted to.',
  }),
  backfill: flag({
    default: false,
    help: 'Fetch every repository that the relay lists and that is not here, beside the stream; once, resumed after a stop. Not needed with a scope.',
  }),
  rebuildShare: integer({
    min: 1,
    max: 100,
    default: 50,
    unit: '%',
    help: 'How much of its time an index being made anew beside the serving one may spend writing.',
  }),
  adminPassword: text({
    secret: true,
    help: 'Password of the operator (HTTP Basic, user admin), who may have the index made anew; none: nobody may.',
  }),
  scope: choice({
    of: ['all', 'members', 'neighbourhood'],
    default: 'all',
    help: 'Whose records are indexed: of all, of members, or of those and of whom they follow and answer. Others are looked up when somebody asks for them.',
  }),
  members: list(text({ required: true, help: '' }), {
    default: [],
    max: 1_000,
    help: 'Members, where not all are: DIDs, hosts by URL, lists of accounts by AT-URI.',
  }),
  scopeRetentionDays: integer({
    min: 1,
    max: 3_650,
    default: 30,
    help: 'How long accounts that are no members are kept after a member or a reader last had to do with them.',
  }),
  search: url({ help: 'The search service that is asked for hits; none: search is not answered.' }),
  moderation: urlAndDid({
    help: 'The moderation service whose labels everybody sees and whose takedowns hide, as URL#DID.',
  }),
  labelers: list(text({ required: true, help: '' }), {
    default: [],
    max: 20,
    help: 'DIDs of further labelers that are treated like that one.',
  }),
  rawCollections: list(text({ required: true, help: '' }), {
    default: [],
    max: 100,
    help: 'Collections that no view knows and that are kept all the same: by name, as com.example.*, or *.',
  }),
  verifiers: list(text({ required: true, help: '' }), {
    default: [],
    max: 20,
    help: 'DIDs of accounts whose word on who others are is shown with those.',
  }),
  ageRegions: list(ageRegion, {
    default: [],
    help: 'Where clients are to ask for an age, as GB:18,US-MS:18. What an account declares counts: nobody assures ages.',
  }),
  pdsHosts: list(url({}), {
    default: [],
    help: 'Hosts that are asked for handles under .test and .example.',
  }),
  images: url({
    help: "The image service that views name; none: clients are sent to the originals at the accounts' hosts.",
  }),
})

export type AppviewConfig = ConfigOf<typeof appviewConfig>
