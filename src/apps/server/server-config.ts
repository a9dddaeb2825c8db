/** Settings of the process that hosts services, and of the place each service gets. */
import {
  type ConfigOf,
  type ConfigTable,
  choice,
  config,
  flag,
  integer,
  text,
  url,
} from '#platform/runtime'

export const serverConfig = config('server', {
  host: text({ default: '127.0.0.1', help: 'Address to listen on.' }),
  data: text({ default: './data', help: 'Folder that holds everything, one folder per service.' }),
  ephemeral: flag({
    default: false,
    help: 'Temporary data, deleted at the end, and free ports. For tests.',
  }),
  dev: flag({
    default: false,
    help: 'Local mode: loopback only, private peers, .test handles, no limits. Implied by `falaj up` without a public URL.',
  }),
  trustProxy: flag({
    default: false,
    help: 'Exactly one proxy of yours is in front: believe the last address of X-Forwarded-For.',
  }),
  metricsToken: text({
    secret: true,
    help: 'Bearer token for /metrics from other machines. Without one only this machine may read it.',
  }),
  logLevel: choice({
    of: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    help: 'Least severe log line that is written, to stderr.',
  }),
})

export type ServerConfig = ConfigOf<typeof serverConfig>

/** A service's own table with where it listens and what it is called put in front. */
export function placedTable(table: ConfigTable, defaultPort: number): ConfigTable {
  const place = {
    port: integer({
      default: defaultPort,
      min: 0,
      max: 65_535,
      help: 'Port to listen on; 0 picks a free one.',
    }),
    publicUrl: url({ help: 'URL under which others reach this service.' }),
  }
  return config(table.room, { ...place, ...table.settings }) as ConfigTable
}
