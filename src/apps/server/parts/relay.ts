import { join } from 'node:path'
import type { RelayConfig } from '#services/relay'
import { closing } from '../closing.ts'
import { directoriesOf } from '../directories.ts'
import { type ServicePart, UsageError } from '../part.ts'

/** A relay: its stream is the truth, its database a projection that is rebuilt from the stream. */
export const relayPart: ServicePart<RelayConfig> = {
  kind: 'relay',
  defaultPort: 2585,
  async load() {
    const [{ createRelay, relayConfig, relayMigrations }, storage] = await Promise.all([
      import('#services/relay'),
      import('#platform/storage'),
    ])
    return {
      table: relayConfig,
      wire(values, _place, { peers }) {
        const plc = directoriesOf(values, peers)
        if (plc.length === 0) throw new UsageError('falaj relay needs a directory: give --plc URL')
        return {
          ...values,
          plc,
          pdsHosts: values.pdsHosts.length > 0 ? values.pdsHosts : peers.urls('pds'),
        }
      },
      async start(values, { dataDir, log, metrics }, shared) {
        const { dev, onFatal, outside, subscribe, version } = shared
        const [sql, streams] = await Promise.all([
          storage.openSqlite(join(dataDir, 'relay.sqlite'), {
            migrations: storage.loadMigrations(relayMigrations),
          }),
          storage.openLocalStreams(join(dataDir, 'streams'), { now: outside.now, onFatal }),
        ])
        const service = await createRelay(values, {
          sql,
          streams,
          outside,
          subscribe,
          log,
          metrics,
          version,
          local: dev,
        })
        return { service: closing(service, [streams, sql]) }
      },
    }
  },
}
