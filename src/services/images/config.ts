/** What an operator may set of the image service. */
import { type ConfigOf, config, flag, integer, list, text, url } from '#platform/runtime'

const MIB = 1024 * 1024

export const imagesConfig = config('images', {
  plc: list(url({}), {
    default: [],
    help: 'The directory of identities; several are asked in this order, the first takes new ones.',
  }),
  appview: url({
    flag: 'images-appview',
    help: 'The app view that is asked whom it shows; others have no pictures here.',
  }),
  memoryBytes: integer({
    flag: 'images-memory-bytes',
    default: 32 * MIB,
    min: 0,
    unit: 'bytes',
    help: 'Finished pictures kept in memory.',
  }),
  shelfBytes: integer({
    flag: 'images-shelf-bytes',
    default: 1024 * MIB,
    min: 0,
    unit: 'bytes',
    help: 'Finished pictures kept on the disk or in the bucket; the ones unused for longest go first.',
  }),
  sourceBytesMax: integer({
    flag: 'images-source-bytes-max',
    default: 5_000_000,
    min: 1,
    unit: 'bytes',
    help: 'Largest picture that is fetched from a host.',
  }),
  sourcePixelsMax: integer({
    flag: 'images-source-pixels-max',
    default: 50_000_000,
    min: 1,
    unit: 'pixels',
    help: 'Largest picture that is unpacked: small files can hold very large ones.',
  }),
  atOnce: integer({
    flag: 'images-at-once',
    default: 2,
    min: 1,
    max: 64,
    unit: 'pictures',
    help: 'Pictures made at a time; each takes a core.',
  }),
  s3Bucket: text({
    flag: 'images-s3-bucket',
    help: 'Bucket that finished pictures are kept in, instead of a folder.',
  }),
  s3Endpoint: url({
    flag: 'images-s3-endpoint',
    help: 'The S3-speaking service; AWS of the region when not set.',
  }),
  s3Region: text({
    flag: 'images-s3-region',
    default: 'us-east-1',
    help: 'Region that requests are signed for.',
  }),
  s3PathStyle: flag({
    flag: 'images-s3-path-style',
    default: false,
    help: 'Name the bucket in the path, not in the host name.',
  }),
  s3AccessKeyId: text({
    flag: 'images-s3-access-key-id',
    secret: true,
    help: 'Who asks the bucket.',
  }),
  s3SecretAccessKey: text({
    flag: 'images-s3-secret-access-key',
    secret: true,
    help: 'What requests to the bucket are signed with.',
  }),
})

export type ImagesConfig = ConfigOf<typeof imagesConfig>
