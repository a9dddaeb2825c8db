/** What an operator may set of a search service. */
import { type ConfigOf, config, list, url } from '#platform/runtime'

export const searchConfig = config('search', {
  plc: list(url({}), {
    default: [],
    help: 'The directory of identities, for handles; several are asked in this order, the first takes new ones.',
  }),
  jetstream: url({ help: 'The jetstream whose events are indexed; it goes before a relay.' }),
  relay: url({ help: 'The relay (or a single host) whose events are indexed.' }),
  pdsHosts: list(url({}), {
    default: [],
    help: 'Hosts that are asked for handles under .test and .example.',
  }),
})

export type SearchConfig = ConfigOf<typeof searchConfig>
