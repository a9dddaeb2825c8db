import { join } from 'node:path'
import type { ImagesConfig } from '#services/images'
import { closing } from '../closing.ts'
import { directoriesOf } from '../directories.ts'
import { openBlobs } from '../open-blobs.ts'
import { type ServicePart, UsageError } from '../part.ts'

/** Pictures in the sizes that clients ask for: a shelf that can be thrown away. */
export const imagesPart: ServicePart<ImagesConfig> = {
  kind: 'images',
  defaultPort: 2591,
  async load() {
    const [{ createImages, imagesConfig, imagesMigrations }, storage] = await Promise.all([
      import('#services/images'),
      import('#platform/storage'),
    ])
    return {
      table: imagesConfig,
      wire(values, _place, { peers }) {
        const plc = directoriesOf(values, peers)
        if (plc.length === 0) throw new UsageError('falaj images needs a directory: give --plc URL')
        return { ...values, plc, appview: values.appview ?? peers.url('appview') }
      },
      async start(values, { dataDir, log, metrics }, { dev, outside, version }) {
        const sql = await storage.openSqlite(join(dataDir, 'images.sqlite'), {
          migrations: storage.loadMigrations(imagesMigrations),
        })
        const folder = join(dataDir, 'pictures')
        const blobs = await openBlobs(values, storage, { dataDir, folder })
        const deps = { sql, blobs, outside, log, metrics, version, local: dev }
        return { service: closing(await createImages(values, deps), [sql]) }
      },
    }
  },
}
