/** What an operator may set of an app view. */
import { type ConfigOf, config, flag, integer, list, text, url, urlAndDid } from '#platform/runtime'

export const appviewConfig = config('appview', {
  plc: list(url({}), {
    default: [],
    help: 'The directory of identities; several are asked in this order, the first takes new ones.',
  }),
  relay: url({ help: 'The relay (or a single host) whose events are indexed.' }),
  verify: flag({
    default: false,
    help: 'Check signatures and proofs of every commit again, when the relay is not trusted to.',
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
  pdsHosts: list(url({}), {
    default: [],
    help: 'Hosts that are asked for handles under .test and .example.',
  }),
  imageCacheBytes: integer({
    default: 32 * 1024 * 1024,
    unit: 'bytes',
    help: 'Pictures kept in memory.',
  }),
  imageBytesMax: integer({
    default: 5_000_000,
    min: 1,
    unit: 'bytes',
    help: 'Largest picture that is fetched and served.',
  }),
})

export type AppviewConfig = ConfigOf<typeof appviewConfig>
