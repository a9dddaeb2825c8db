import { join } from 'node:path'
import type { JetstreamConfig } from '#services/jetstream'
import { closing } from '../closing.ts'
import { type ServicePart, UsageError } from '../part.ts'

/** A jetstream: one archive stream, filled from a relay. */
export const jetstreamPart: ServicePart<JetstreamConfig> = {
  kind: 'jetstream',
  defaultPort: 2586,
  async load() {
    const [{ createJetstream, jetstreamConfig }, storage] = await Promise.all([
      import('#services/jetstream'),
      import('#platform/storage'),
    ])
    return {
      table: jetstreamConfig,
      wire(values, _place, { peers }) {
        const relay = values.relay ?? peers.url('relay')
        if (!relay) throw new UsageError('falaj jetstream needs a relay: give --relay URL')
        return { ...values, relay }
      },
      async start(values, { dataDir, log, metrics }, shared) {
        const { onFatal, outside, subscribe, version } = shared
        const streams = await storage.openLocalStreams(join(dataDir, 'streams'), {
          now: outside.now,
          onFatal,
        })
        const service = await createJetstream(
          { ...values, relay: values.relay! },
          { streams, outside, subscribe, log, metrics, version },
        )
        return { service: closing(service, [streams]) }
      },
    }
  },
}
