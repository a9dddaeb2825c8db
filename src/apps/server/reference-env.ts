/**
 * The reference PDS's environment names (PDS_*), for operators who come from there: what each means
 * here, what is not needed, and what cannot be done yet and is therefore refused.
 */

type Env = Readonly<Record<string, string | undefined>>

/** Names that mean the same here. */
const SAME: Readonly<Record<string, string>> = {
  PDS_PORT: 'FALAJ_PDS_PORT',
  PDS_DATA_DIRECTORY: 'FALAJ_SERVER_DATA',
  PDS_DID_PLC_URL: 'FALAJ_PDS_PLC',
  PDS_ADMIN_PASSWORD: 'FALAJ_PDS_ADMIN_PASSWORD',
  PDS_INVITE_REQUIRED: 'FALAJ_PDS_INVITE_REQUIRED',
  PDS_INVITE_INTERVAL: 'FALAJ_PDS_INVITE_INTERVAL_MS',
  PDS_INVITE_EPOCH: 'FALAJ_PDS_INVITE_EPOCH_MS',
  PDS_PRIVACY_POLICY_URL: 'FALAJ_PDS_PRIVACY_POLICY_URL',
  PDS_TERMS_OF_SERVICE_URL: 'FALAJ_PDS_TERMS_OF_SERVICE_URL',
  PDS_CONTACT_EMAIL_ADDRESS: 'FALAJ_PDS_CONTACT_EMAIL',
  PDS_MOD_SERVICE_DID: 'FALAJ_PDS_MODERATORS',
  PDS_BSKY_APP_VIEW_CDN_URL_PATTERN: 'FALAJ_PDS_APPVIEW_CDN_URL_PATTERN',
  PDS_SERVICE_HANDLE_DOMAINS: 'FALAJ_PDS_HANDLE_DOMAINS',
  PDS_CRAWLERS: 'FALAJ_PDS_CRAWLERS',
  PDS_ACCEPTING_REPO_IMPORTS: 'FALAJ_PDS_ACCEPT_IMPORTS',
  PDS_MAX_REPO_IMPORT_SIZE: 'FALAJ_PDS_IMPORT_BYTES_MAX',
  PDS_BLOB_UPLOAD_LIMIT: 'FALAJ_PDS_BLOB_BYTES_MAX',
  PDS_BLOBSTORE_DISK_LOCATION: 'FALAJ_PDS_BLOBS_FOLDER',
  PDS_BLOBSTORE_S3_BUCKET: 'FALAJ_PDS_S3_BUCKET',
  PDS_BLOBSTORE_S3_REGION: 'FALAJ_PDS_S3_REGION',
  PDS_BLOBSTORE_S3_ENDPOINT: 'FALAJ_PDS_S3_ENDPOINT',
  PDS_BLOBSTORE_S3_FORCE_PATH_STYLE: 'FALAJ_PDS_S3_PATH_STYLE',
  PDS_BLOBSTORE_S3_ACCESS_KEY_ID: 'FALAJ_PDS_S3_ACCESS_KEY_ID',
  PDS_BLOBSTORE_S3_SECRET_ACCESS_KEY: 'FALAJ_PDS_S3_SECRET_ACCESS_KEY',
  PDS_BLOBSTORE_S3_UPLOAD_TIMEOUT_MS: 'FALAJ_PDS_S3_TIMEOUT_MS',
  PDS_ACTOR_STORE_CACHE_SIZE: 'FALAJ_PDS_OPEN_FILES_MAX',
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: 'FALAJ_PDS_ROTATION_KEY_HEX',
  PDS_RECOVERY_DID_KEY: 'FALAJ_PDS_RECOVERY_DID_KEY',
  PDS_DEV_MODE: 'FALAJ_SERVER_DEV',
  PDS_RATE_LIMIT_BYPASS_KEY: 'FALAJ_PDS_RATE_BYPASS_KEY',
  PDS_RATE_LIMIT_BYPASS_IPS: 'FALAJ_PDS_RATE_BYPASS_ADDRESSES',
  PDS_EMAIL_SMTP_URL: 'FALAJ_PDS_EMAIL_SMTP_URL',
  PDS_EMAIL_FROM_ADDRESS: 'FALAJ_PDS_EMAIL_FROM_ADDRESS',
  PDS_MODERATION_EMAIL_SMTP_URL: 'FALAJ_PDS_MODERATION_EMAIL_SMTP_URL',
  PDS_MODERATION_EMAIL_ADDRESS: 'FALAJ_PDS_MODERATION_EMAIL_FROM_ADDRESS',
  LOG_LEVEL: 'FALAJ_SERVER_LOG_LEVEL',
}

/** Names that are computed into a setting below. */
const COMPUTED = [
  'PDS_HOSTNAME',
  'PDS_SERVICE_DID',
  'PDS_BSKY_APP_VIEW_URL',
  'PDS_BSKY_APP_VIEW_DID',
  'PDS_MOD_SERVICE_URL',
  'PDS_REPORT_SERVICE_URL',
  'PDS_REPORT_SERVICE_DID',
  'PDS_REPO_BACKFILL_LIMIT_MS',
  'PDS_RATE_LIMITS_ENABLED',
  'PDS_REDIS_SCRATCH_ADDRESS',
  'PDS_REDIS_SCRATCH_PASSWORD',
]

/** Prefixes of what would change where data or trust lies, and is not there yet: never passed over. */
const REFUSED: Readonly<Record<string, string>> = {
  PDS_ENTRYWAY_: 'a host cannot yet share its sign-up with others',
  PDS_PLC_ROTATION_KEY_KMS_:
    'a key held elsewhere signs through a command: FALAJ_PDS_ROTATION_SIGNER',
}

export const referenceNames: readonly string[] = [...Object.keys(SAME), ...COMPUTED]
export const refusedPrefixes: readonly string[] = Object.keys(REFUSED)
/** Settings of ours that are reached by a name of the reference. */
export const reachedSettings: readonly string[] = [
  ...Object.values(SAME),
  'FALAJ_PDS_PUBLIC_URL',
  'FALAJ_PDS_DID_WEB',
  'FALAJ_PDS_APPVIEW',
  'FALAJ_PDS_MODERATION',
  'FALAJ_PDS_REPORTS',
  'FALAJ_PDS_RETENTION_HOURS',
  'FALAJ_PDS_RATE_LIMITS',
  'FALAJ_PDS_REDIS',
]

export interface Translated {
  /** Our names for what was set; what is set under our own name already is left out. */
  env: Record<string, string>
  /** Names that have no meaning here. */
  unused: string[]
  problems: string[]
}

/** Reads the reference's names out of an environment. */
export function translateReferenceEnv(env: Env): Translated {
  const given = Object.keys(env).filter((name) => name.startsWith('PDS_') && env[name] !== '')
  const translated: Record<string, string | undefined> = { ...hostIdentity(env), ...computed(env) }
  for (const [theirs, ours] of Object.entries(SAME))
    if (env[theirs] && (theirs.startsWith('PDS_') || given.length > 0))
      translated[ours] = env[theirs]
  const ours = Object.entries(translated).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && entry[1] !== '' && env[entry[0]] === undefined,
  )
  const refusal = (name: string) =>
    Object.entries(REFUSED).find(([prefix]) => name.startsWith(prefix))?.[1]
  return {
    env: Object.fromEntries(ours),
    unused: given.filter((name) => !refusal(name) && !referenceNames.includes(name)).sort(),
    problems: given.flatMap((name) => (refusal(name) ? [`${name}: ${refusal(name)}`] : [])),
  }
}

/** The reference is did:web by its host name, unless it is given a did:plc. */
function hostIdentity(env: Env): Record<string, string | undefined> {
  const { PDS_HOSTNAME: name, PDS_SERVICE_DID: did, PDS_PORT: port = '2583' } = env
  if (!name) return {}
  return {
    FALAJ_PDS_PUBLIC_URL: name === 'localhost' ? `http://localhost:${port}` : `https://${name}`,
    FALAJ_PDS_DID_WEB: String(did === undefined || did.startsWith('did:web:')),
    // Theirs asks for invites unless told not to: nobody's sign-up opens by coming here.
    FALAJ_PDS_INVITE_REQUIRED: 'true',
  }
}

const HOUR_MS = 3_600_000

function computed(env: Env): Record<string, string | undefined> {
  const backfillMs = Number(env.PDS_REPO_BACKFILL_LIMIT_MS)
  return {
    FALAJ_PDS_APPVIEW: service(env.PDS_BSKY_APP_VIEW_URL, env.PDS_BSKY_APP_VIEW_DID),
    FALAJ_PDS_MODERATION: service(env.PDS_MOD_SERVICE_URL, env.PDS_MOD_SERVICE_DID),
    FALAJ_PDS_REPORTS: service(env.PDS_REPORT_SERVICE_URL, env.PDS_REPORT_SERVICE_DID),
    FALAJ_PDS_RETENTION_HOURS:
      backfillMs > 0 ? String(Math.max(1, Math.ceil(backfillMs / HOUR_MS))) : undefined,
    FALAJ_PDS_RATE_LIMITS: rateLimits(env.PDS_RATE_LIMITS_ENABLED),
    FALAJ_PDS_REDIS: redisUrl(env),
  }
}

const service = (url: string | undefined, did: string | undefined) =>
  url && did ? `${url}#${did}` : undefined

function rateLimits(enabled: string | undefined): string | undefined {
  if (!enabled) return undefined
  return enabled === 'true' || enabled === '1' ? 'on' : 'off'
}

/** Theirs is a host and port, with the password apart. */
function redisUrl(env: Env): string | undefined {
  const { PDS_REDIS_SCRATCH_ADDRESS: address, PDS_REDIS_SCRATCH_PASSWORD: password } = env
  if (!address) return undefined
  const user = password ? `:${encodeURIComponent(password)}@` : ''
  return `redis://${user}${address}`
}
