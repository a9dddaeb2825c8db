import { join } from 'node:path'
import type { Blobs } from '#platform/storage'
import { UsageError } from './part.ts'

/** What an operator says of a bucket; without a name for it, a folder is used. */
export interface BucketSettings {
  s3Bucket: string | undefined
  s3Endpoint: string | undefined
  s3Region: string
  s3PathStyle: boolean
  s3AccessKeyId: string | undefined
  s3SecretAccessKey: string | undefined
  s3Prefix?: string
  s3TimeoutMs?: number
}

/** Blobs in a bucket, or in a folder. Throws UsageError when the settings are half of one. */
export function openBlobs(
  settings: BucketSettings,
  { openDiskBlobs, openS3Blobs }: typeof import('#platform/storage'),
  { dataDir, folder }: { dataDir: string; folder: string },
): Promise<Blobs> {
  const { s3Bucket: bucket, s3AccessKeyId, s3SecretAccessKey } = settings
  if (bucket === undefined) return openDiskBlobs(folder)
  if (!s3AccessKeyId || !s3SecretAccessKey) {
    throw new UsageError('a bucket for blobs needs both an access key and its secret')
  }
  return openS3Blobs({
    bucket,
    endpoint: settings.s3Endpoint,
    region: settings.s3Region,
    pathStyle: settings.s3PathStyle,
    accessKeyId: s3AccessKeyId,
    secretAccessKey: s3SecretAccessKey,
    prefix: settings.s3Prefix,
    timeoutMs: settings.s3TimeoutMs,
    waitingDirectory: join(dataDir, 'uploads'),
  })
}
