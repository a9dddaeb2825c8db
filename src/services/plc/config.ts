/** Settings of the directory. */
import { type ConfigOf, config, flag, integer } from '#platform/runtime'

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
})

export type PlcConfig = ConfigOf<typeof plcConfig>
