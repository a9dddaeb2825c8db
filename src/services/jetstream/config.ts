/** What an operator may set of a jetstream. */
import { type ConfigOf, config, integer, url } from '#platform/runtime'

export const jetstreamConfig = config('jetstream', {
  relay: url({ help: 'The relay (or host) whose events are shown.' }),
  retentionHours: integer({
    default: 72,
    min: 1,
    unit: 'hours',
    help: 'How long events can be replayed.',
  }),
})

export type JetstreamConfig = ConfigOf<typeof jetstreamConfig>
