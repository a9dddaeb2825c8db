import { join } from 'node:path'
import type { ImagesConfig } from '#services/images'
import { closing } from '../closing.ts'
import { directoriesOf } from '../directories.ts'
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
        if (values.s3Bucket && !(values.s3AccessKeyId && values.s3SecretAccessKey))
          throw new UsageError('a bucket for pictures needs both an access key and its secret')
        return { ...values, plc, appview: values.appview ?? peers.url('appview') }
      },
      async start(values, { dataDir, log, metrics }, { dev, outside, version }) {
        const sql = await storage.openSqlite(join(dataDir, 'images.sqlite'), {
          migrations: storage.loadMigrations(imagesMigrations),
        })
        const { s3Bucket: bucket, s3AccessKeyId = '', s3SecretAccessKey = '' } = values
        const blobs = bucket
          ? await storage.openS3Blobs({
              bucket,
              endpoint: values.s3Endpoint,
              region: values.s3Region,
              pathStyle: values.s3PathStyle,
              accessKeyId: s3AccessKeyId,
              secretAccessKey: s3SecretAccessKey,
              waitingDirectory: join(dataDir, 'uploads'),
            })
          : await storage.openDiskBlobs(join(dataDir, 'pictures'))
        const deps = { sql, blobs, outside, log, metrics, version, local: dev }
        return { service: closing(await createImages(values, deps), [sql]) }
      },
    }
  },
}
