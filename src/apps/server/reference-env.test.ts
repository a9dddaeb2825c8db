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
    FALAJ_PDS_INVITE_REQUIRED: 'true',
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

test('sign-up stays closed where theirs is, and opens when they say so', () => {
  const ofHost = (more: Record<string, string>) =>
    translateReferenceEnv({ PDS_HOSTNAME: 'pds.example.org', ...more }).env
      .FALAJ_PDS_INVITE_REQUIRED
  assert.equal(ofHost({}), 'true')
  assert.equal(ofHost({ PDS_INVITE_REQUIRED: '' }), 'true')
  assert.equal(ofHost({ PDS_INVITE_REQUIRED: 'false' }), 'false')
  assert.equal(ofHost({ FALAJ_PDS_INVITE_REQUIRED: 'false' }), undefined)
})

/** Every name that the reference reads. */
const THEIRS = `
  PDS_ACCEPTING_REPO_IMPORTS
  PDS_ACCOUNT_DB_LOCATION
  PDS_ACTOR_STORE_CACHE_SIZE
  PDS_ACTOR_STORE_DIRECTORY
  PDS_ADMIN_PASSWORD
  PDS_BACKGROUND_DARK_URL
  PDS_BACKGROUND_LIGHT_URL
  PDS_BLOBSTORE_DISK_LOCATION
  PDS_BLOBSTORE_DISK_TMP_LOCATION
  PDS_BLOBSTORE_S3_ACCESS_KEY_ID
  PDS_BLOBSTORE_S3_BUCKET
  PDS_BLOBSTORE_S3_ENDPOINT
  PDS_BLOBSTORE_S3_FORCE_PATH_STYLE
  PDS_BLOBSTORE_S3_REGION
  PDS_BLOBSTORE_S3_REQUEST_TIMEOUT_MS
  PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY
  PDS_BLOBSTORE_S3_UPLOAD_TIMEOUT_MS
  PDS_BLOB_UPLOAD_LIMIT
  PDS_BSKY_APP_VIEW_CDN_URL_PATTERN
  PDS_BSKY_APP_VIEW_DID
  PDS_BSKY_APP_VIEW_URL
  PDS_CONTACT_EMAIL_ADDRESS
  PDS_CRAWLERS
  PDS_DATA_DIRECTORY
  PDS_DEV_MODE
  PDS_DID_CACHE_DB_LOCATION
  PDS_DID_CACHE_MAX_TTL
  PDS_DID_CACHE_STALE_TTL
  PDS_DID_PLC_URL
  PDS_DISABLE_SSRF_PROTECTION
  PDS_DPOP_SECRET
  PDS_EMAIL_DISABLE_CONFIRMATION_LINK
  PDS_EMAIL_FROM_ADDRESS
  PDS_EMAIL_SMTP_URL
  PDS_ENABLE_DID_DOC_WITH_SESSION
  PDS_ENTRYWAY_ADMIN_TOKEN
  PDS_ENTRYWAY_DID
  PDS_ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX
  PDS_ENTRYWAY_PLC_ROTATION_KEY
  PDS_ENTRYWAY_URL
  PDS_ERROR_COLOR
  PDS_FETCH_MAX_RESPONSE_SIZE
  PDS_HANDLE_BACKUP_NAMESERVERS
  PDS_HCAPTCHA_SECRET_KEY
  PDS_HCAPTCHA_SITE_KEY
  PDS_HCAPTCHA_TOKEN_SALT
  PDS_HOME_URL
  PDS_HOSTNAME
  PDS_ID_RESOLVER_TIMEOUT
  PDS_INFO_COLOR
  PDS_INVITE_EPOCH
  PDS_INVITE_INTERVAL
  PDS_INVITE_REQUIRED
  PDS_JWT_SECRET
  PDS_LEXICON_AUTHORITY_DID
  PDS_LOGO_URL
  PDS_MAX_REPO_IMPORT_SIZE
  PDS_MAX_SUBSCRIPTION_BUFFER
  PDS_MODERATION_EMAIL_ADDRESS
  PDS_MODERATION_EMAIL_SMTP_URL
  PDS_MOD_SERVICE_DID
  PDS_MOD_SERVICE_URL
  PDS_OAUTH_TRUSTED_CLIENTS
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX
  PDS_PLC_ROTATION_KEY_KMS_KEY_ID
  PDS_PORT
  PDS_PRIMARY_COLOR
  PDS_PRIVACY_POLICY_URL
  PDS_PROXY_ALLOW_HTTP2
  PDS_PROXY_BODY_TIMEOUT
  PDS_PROXY_HEADERS_TIMEOUT
  PDS_PROXY_MAX_RESPONSE_SIZE
  PDS_PROXY_MAX_RETRIES
  PDS_PROXY_PREFER_COMPRESSED
  PDS_RATE_LIMITS_ENABLED
  PDS_RATE_LIMIT_BYPASS_IPS
  PDS_RATE_LIMIT_BYPASS_KEY
  PDS_RECOVERY_DID_KEY
  PDS_REDIS_SCRATCH_ADDRESS
  PDS_REDIS_SCRATCH_PASSWORD
  PDS_REPORT_SERVICE_DID
  PDS_REPORT_SERVICE_URL
  PDS_REPO_BACKFILL_LIMIT_MS
  PDS_SEQUENCER_DB_LOCATION
  PDS_SERVICE_DID
  PDS_SERVICE_HANDLE_DOMAINS
  PDS_SERVICE_NAME
  PDS_SQLITE_DISABLE_WAL_AUTO_CHECKPOINT
  PDS_SUCCESS_COLOR
  PDS_SUPPORT_URL
  PDS_TERMS_OF_SERVICE_URL
  PDS_VERSION
  PDS_WARNING_COLOR
`
  .trim()
  .split(/\s+/)

test('docs/operating/from-the-reference.md says of every name of theirs what it does here', () => {
  const page = new URL('../../../docs/operating/from-the-reference.md', import.meta.url)
  const text = readFileSync(page, 'utf8')
  for (const name of THEIRS) {
    const isRefused = refusedPrefixes.some((prefix) => name.startsWith(prefix))
    assert.ok(isRefused || text.includes(`\`${name}\``), `the page does not name ${name}`)
  }
})

test('docs/operating/from-the-reference.md names each', () => {
  const page = new URL('../../../docs/operating/from-the-reference.md', import.meta.url)
  const text = readFileSync(page, 'utf8')
  for (const name of [...referenceNames, ...refusedPrefixes, ...reachedSettings])
    assert.ok(text.includes(name), `the page does not name ${name}`)
})
