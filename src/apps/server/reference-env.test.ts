import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { envName } from '#platform/runtime'
import { configTables } from './config-docs.ts'
import {
  reachedSettings,
  referenceNames,
  refusedPrefixes,
  translateReferenceEnv,
} from './reference-env.ts'

test("the reference's names are read as ours", () => {
  const { env, unused, problems } = translateReferenceEnv({
    PDS_HOSTNAME: 'pds.example.org',
    PDS_PORT: '3000',
    PDS_DATA_DIRECTORY: '/pds',
    PDS_DID_PLC_URL: 'https://plc.example.org',
    PDS_ADMIN_PASSWORD: 'secret',
    PDS_BSKY_APP_VIEW_URL: 'https://view.example.org',
    PDS_BSKY_APP_VIEW_DID: 'did:web:view.example.org',
    PDS_REPO_BACKFILL_LIMIT_MS: '86400000',
    PDS_EMAIL_SMTP_URL: 'smtps://us:pass@mail.example.org',
    PDS_EMAIL_FROM_ADDRESS: 'pds@example.org',
    PDS_JWT_SECRET: 'x',
    PDS_PRIMARY_COLOR: '#fff',
    LOG_LEVEL: 'warn',
    PATH: '/bin',
  })
  assert.deepEqual(env, {
    FALAJ_PDS_PUBLIC_URL: 'https://pds.example.org',
    FALAJ_PDS_DID_WEB: 'true',
    FALAJ_PDS_APPVIEW: 'https://view.example.org#did:web:view.example.org',
    FALAJ_PDS_RETENTION_HOURS: '24',
    FALAJ_PDS_PORT: '3000',
    FALAJ_SERVER_DATA: '/pds',
    FALAJ_PDS_PLC: 'https://plc.example.org',
    FALAJ_PDS_ADMIN_PASSWORD: 'secret',
    FALAJ_PDS_EMAIL_SMTP_URL: 'smtps://us:pass@mail.example.org',
    FALAJ_PDS_EMAIL_FROM_ADDRESS: 'pds@example.org',
    FALAJ_SERVER_LOG_LEVEL: 'warn',
  })
  assert.deepEqual(unused, ['PDS_JWT_SECRET', 'PDS_PRIMARY_COLOR'])
  assert.deepEqual(problems, [])
})

test('the services that calls go to are named by URL and DID', () => {
  const { env, unused } = translateReferenceEnv({
    PDS_BSKY_APP_VIEW_CDN_URL_PATTERN: 'https://cdn.example.org/%s/%s/%s',
    PDS_MOD_SERVICE_URL: 'https://mod.example.org',
    PDS_MOD_SERVICE_DID: 'did:web:mod.example.org',
    PDS_REPORT_SERVICE_URL: 'https://reports.example.org',
    PDS_REPORT_SERVICE_DID: 'did:web:reports.example.org',
  })
  assert.deepEqual(env, {
    FALAJ_PDS_APPVIEW_CDN_URL_PATTERN: 'https://cdn.example.org/%s/%s/%s',
    FALAJ_PDS_MODERATION: 'https://mod.example.org#did:web:mod.example.org',
    FALAJ_PDS_MODERATORS: 'did:web:mod.example.org',
    FALAJ_PDS_REPORTS: 'https://reports.example.org#did:web:reports.example.org',
  })
  assert.deepEqual(unused, [])
})

test('our own names win, and an environment without theirs gives nothing', () => {
  const { env } = translateReferenceEnv({ PDS_PORT: '1', FALAJ_PDS_PORT: '2' })
  assert.equal(env.FALAJ_PDS_PORT, undefined)
  assert.deepEqual(translateReferenceEnv({ LOG_LEVEL: 'debug', HOME: '/' }).env, {})
})

test('a host on this machine is not https, and a did:plc stays one', () => {
  const { env } = translateReferenceEnv({ PDS_HOSTNAME: 'localhost', PDS_SERVICE_DID: 'did:plc:a' })
  assert.equal(env.FALAJ_PDS_PUBLIC_URL, 'http://localhost:2583')
  assert.equal(env.FALAJ_PDS_DID_WEB, 'false')
})

test('limits and the store that nodes share are understood', () => {
  const { env } = translateReferenceEnv({
    PDS_RATE_LIMITS_ENABLED: 'false',
    PDS_RATE_LIMIT_BYPASS_IPS: '192.0.2.1,192.0.2.2',
    PDS_REDIS_SCRATCH_ADDRESS: 'redis.example.org:6379',
    PDS_REDIS_SCRATCH_PASSWORD: 'p@ss',
  })
  assert.deepEqual(env, {
    FALAJ_PDS_RATE_BYPASS_ADDRESSES: '192.0.2.1,192.0.2.2',
    FALAJ_PDS_RATE_LIMITS: 'off',
    FALAJ_PDS_REDIS: 'redis://:p%40ss@redis.example.org:6379',
  })
})

test('a bucket, or a folder, for blobs is read as ours', () => {
  const { env, problems, unused } = translateReferenceEnv({
    PDS_BLOBSTORE_S3_BUCKET: 'b',
    PDS_BLOBSTORE_S3_ENDPOINT: 'https://s3.example',
    PDS_BLOBSTORE_S3_FORCE_PATH_STYLE: 'true',
    PDS_BLOBSTORE_S3_ACCESS_KEY_ID: 'id',
    PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY: 'secret',
    PDS_BLOBSTORE_DISK_TMP_LOCATION: '/tmp/blobs',
  })
  assert.deepEqual(env, {
    FALAJ_PDS_S3_BUCKET: 'b',
    FALAJ_PDS_S3_ENDPOINT: 'https://s3.example',
    FALAJ_PDS_S3_PATH_STYLE: 'true',
    FALAJ_PDS_S3_ACCESS_KEY_ID: 'id',
    FALAJ_PDS_S3_SECRET_ACCESS_KEY: 'secret',
  })
  assert.deepEqual([problems, unused], [[], ['PDS_BLOBSTORE_DISK_TMP_LOCATION']])
  assert.equal(
    translateReferenceEnv({ PDS_BLOBSTORE_DISK_LOCATION: '/pds/blocks' }).env
      .FALAJ_PDS_BLOBS_FOLDER,
    '/pds/blocks',
  )
})

test('what would put data elsewhere is refused, not passed over', () => {
  const { problems } = translateReferenceEnv({ PDS_ENTRYWAY_URL: 'https://entry.example' })
  assert.equal(problems.length, 1)
  assert.match(problems[0]!, /^PDS_ENTRYWAY_URL: /)
})

test('every setting that is reached exists', async () => {
  const tables = await configTables()
  const known = tables.flatMap(({ room, settings }) =>
    Object.keys(settings).map((name) => envName(room, name)),
  )
  for (const name of reachedSettings) assert.ok(known.includes(name), name)
})

test('docs/operating/from-the-reference.md names each', () => {
  const page = new URL('../../../docs/operating/from-the-reference.md', import.meta.url)
  const text = readFileSync(page, 'utf8')
  for (const name of [...referenceNames, ...refusedPrefixes, ...reachedSettings])
    assert.ok(text.includes(name), `the page does not name ${name}`)
})
