import { join } from 'node:path'
import type { ModerationConfig } from '#services/moderation'
import { closing } from '../closing.ts'
import { directoriesOf } from '../directories.ts'
import { hostKey } from '../host-key.ts'
import { type ServicePart, UsageError } from '../part.ts'

/** What a PDS of local mode takes for its operator. */
const LOCAL_PASSWORD = 'admin-pass'

/** A moderation service: its history (fully synchronous), the stream of its labels, and its key. */
export const moderationPart: ServicePart<ModerationConfig> = {
  kind: 'moderation',
  defaultPort: 2589,
  async load() {
    const [{ createModeration, moderationConfig, moderationMigrations, readPdsAdmin }, storage] =
      await Promise.all([import('#services/moderation'), import('#platform/storage')])
    return {
      table: moderationConfig,
      wire(values, _place, { dev, peers }) {
        const plc = directoriesOf(values, peers)
        if (plc.length === 0)
          throw new UsageError('falaj moderation needs a directory: give --plc URL')
        const isOpen = dev && values.pdsAdmin.length === 0
        const pdsAdmin = isOpen
          ? peers.urls('pds').map((url) => `${url}#${LOCAL_PASSWORD}`)
          : values.pdsAdmin
        for (const text of pdsAdmin) checked(() => readPdsAdmin(text))
        const adminPassword = values.adminPassword ?? (dev ? LOCAL_PASSWORD : undefined)
        return { ...values, plc, pdsAdmin, adminPassword }
      },
      async start(values, { dataDir, log, metrics, url }, { outside, onFatal, version }) {
        const [sql, streams] = await Promise.all([
          storage.openSqlite(join(dataDir, 'moderation.sqlite'), {
            migrations: storage.loadMigrations(moderationMigrations),
            synchronous: 'FULL',
          }),
          storage.openLocalStreams(join(dataDir, 'streams'), { now: outside.now, onFatal }),
        ])
        const service = await createModeration(values, {
          publicUrl: url,
          sql,
          streams,
          sealingKey: hostKey(join(dataDir, 'host.key')),
          outside,
          log,
          metrics,
          version,
        })
        return { service: closing(service, [streams, sql]), did: service.did }
      },
    }
  },
}

function checked(read: () => void): void {
  try {
    read()
  } catch (error) {
    throw new UsageError(`--pds-admin ${(error as Error).message}`)
  }
}
