/**
 * Blobs against somebody else's S3-speaking server: one that is already running (`FALAJ_TEST_S3_ENDPOINT`, with
 * `…_BUCKET`, `…_ACCESS_KEY_ID`, `…_SECRET_ACCESS_KEY`, `…_REGION`), else `s3rver` where it is installed
 * (`npm install --no-save s3rver@3.7.1`; decision 0005 says why it is not in the lock file).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { blobsConformance } from './blobs.conformance.ts'
import { openS3Blobs } from './blobs-s3.ts'

interface Server {
  endpoint: string
  bucket: string
  accessKeyId: string
  secretAccessKey: string
  region: string
  close(): Promise<void>
}

/** What of its constructor is used. */
type S3rver = new (
  options: object,
) => {
  run(): Promise<{ port: number }>
  close(): Promise<void>
}

/** Decision 0005 says what it does instead. */
const S3RVER_EXCEPT = [
  'a body that was begun before a replacement stays whole',
  'ranges are start to end, clipped to what is there',
  'list gives the keys with a prefix, in order',
]

const { env } = process
const constructorOf = (): S3rver | undefined => {
  try {
    return createRequire(env.FALAJ_TEST_S3RVER ?? import.meta.url)('s3rver')
  } catch {
    return undefined
  }
}

async function running(): Promise<Server> {
  const bucket = env.FALAJ_TEST_S3_BUCKET ?? 'falaj-test'
  if (env.FALAJ_TEST_S3_ENDPOINT) {
    return {
      endpoint: env.FALAJ_TEST_S3_ENDPOINT,
      bucket,
      accessKeyId: env.FALAJ_TEST_S3_ACCESS_KEY_ID ?? '',
      secretAccessKey: env.FALAJ_TEST_S3_SECRET_ACCESS_KEY ?? '',
      region: env.FALAJ_TEST_S3_REGION ?? 'us-east-1',
      close: async () => {},
    }
  }
  const directory = await mkdtemp(join(tmpdir(), 'falaj-s3rver-'))
  const server = new (constructorOf()!)({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: bucket }],
  })
  const { port } = await server.run()
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    // Those that s3rver knows.
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
    region: 'us-east-1',
    async close() {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

if (!env.FALAJ_TEST_S3_ENDPOINT && !constructorOf()) {
  test('blobs on a foreign S3 server', {
    skip: 'neither s3rver nor FALAJ_TEST_S3_ENDPOINT',
  }, () => {})
} else {
  let homes = 0
  blobsConformance(
    'a foreign S3 server',
    async () => {
      const server = await running()
      const waitingDirectory = await mkdtemp(join(tmpdir(), 'falaj-s3-'))
      const prefix = `test-${process.pid}-${++homes}/`
      const { close, ...where } = server
      return {
        open: () => openS3Blobs({ ...where, pathStyle: true, prefix, waitingDirectory }),
        async drop() {
          await close()
          await rm(waitingDirectory, { recursive: true })
        },
      }
    },
    env.FALAJ_TEST_S3_ENDPOINT ? [] : S3RVER_EXCEPT,
  )
  test('a large blob in parts comes back whole', async () => {
    const { close, ...where } = await running()
    const waitingDirectory = await mkdtemp(join(tmpdir(), 'falaj-s3-'))
    const blobs = await openS3Blobs({ ...where, pathStyle: true, waitingDirectory })
    const bytes = Buffer.alloc(20_000_000, 'of many parts, ')
    const staged = await blobs.stage(bytes)
    await staged.commit('large')
    const parts: Uint8Array[] = []
    for await (const chunk of (await blobs.get('large'))!.body) parts.push(chunk)
    if (!Buffer.concat(parts).equals(bytes)) throw new Error('it came back as something else')
    await blobs.delete(['large'])
    await close()
    await rm(waitingDirectory, { recursive: true })
  })
}
