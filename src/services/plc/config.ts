/** Settings of the directory. */
import { type ConfigOf, config, flag, integer, url } from '#platform/runtime'

export const plcConfig = config('plc', {
  limits: flag({
    default: true,
    help: 'Limit how often one DID may change. Local mode turns this off.',
    flag: 'plc-limits',
  }),
  hourlyOperations: integer({
    default: 10,
    min: 1,
    help: 'Operations of one DID accepted within an hour; recoveries are never limited.',
    flag: 'plc-hourly-operations',
  }),
  dailyOperations: integer({
    default: 30,
    min: 1,
    help: 'Operations of one DID accepted within a day.',
    flag: 'plc-daily-operations',
  }),
  weeklyOperations: integer({
    default: 100,
    min: 1,
    max: 10_000,
    help: 'Operations of one DID accepted within a week.',
    flag: 'plc-weekly-operations',
  }),
  replicaOf: url({
    help: 'Follow this directory instead of being one: verify and serve what it accepts. In `falaj up`: beside the own one.',
    flag: 'replica-of',
  }),
  replicaStream: url({
    help: 'The stream of the directory that is followed, where it is not /export/stream there.',
    flag: 'replica-stream',
  }),
  replicaForwards: flag({
    default: false,
    help: 'A replica hands operations people submit to the directory it follows; else it refuses them.',
    flag: 'replica-forwards',
  }),
})

export type PlcConfig = ConfigOf<typeof plcConfig>
