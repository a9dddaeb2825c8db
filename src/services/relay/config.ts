/** What an operator may set of a relay. */
import { type ConfigOf, config, flag, integer, list, url } from '#platform/runtime'

export const relayConfig = config('relay', {
  plc: list(url({}), {
    default: [],
    help: 'The directory of identities; several are asked in this order, the first takes new ones.',
  }),
  pdsHosts: list(url({}), {
    default: [],
    help: 'Hosts that are crawled from the start.',
  }),
  trustedRelay: list(url({}), {
    default: [],
    help: 'Relays whose events of any account are taken; all else is verified all the same.',
  }),
  openCrawl: flag({ default: true, help: 'Anybody may ask for a host to be crawled.' }),
  lenient: flag({
    default: false,
    help: 'Take commits without prevData, from hosts of before inductive sync.',
  }),
  firstSeq: integer({
    default: 1,
    min: 1,
    help: 'No event is numbered lower. After a loss: a number above the newest that was sent.',
  }),
  hostsMax: integer({ default: 5_000, min: 1, help: 'Hosts that are crawled at most.' }),
  retentionHours: integer({
    default: 72,
    min: 1,
    unit: 'hours',
    help: 'How long events can be replayed.',
  }),
})

export type RelayConfig = ConfigOf<typeof relayConfig>
