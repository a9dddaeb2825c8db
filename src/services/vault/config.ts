/** What an operator may set of a vault. */
import { type ConfigOf, config, flag, integer, list, text, url } from '#platform/runtime'

/** What a witness of leases needs to know, in a vault or alone. */
const lease = {
  leaseSecrets: list(text({ secret: true }), {
    default: [],
    help: 'Whose leases are kept here, each as HOSTNAME=SECRET; the two hosts of that name have the same secret.',
  }),
  leaseTermMs: integer({
    default: 5_000,
    min: 1_000,
    max: 60_000,
    unit: 'ms',
    help: 'How long a lease holds after each renewal: another host can take over so much later.',
  }),
}

export const witnessConfig = config('witness', lease)

export type WitnessConfig = ConfigOf<typeof witnessConfig>

export const vaultConfig = config('vault', {
  ...lease,
  plc: list(url({}), {
    default: [],
    help: 'The directory of identities; several are asked in this order, the first takes new ones.',
  }),
  followHost: list(url({}), {
    default: [],
    help: 'Hosts every account of which is kept.',
  }),
  openVault: flag({
    default: false,
    help: 'Owners of any account, whatever its host, may ask for it to be kept.',
  }),
  adminPassword: text({
    secret: true,
    help: 'Password of the operator (HTTP Basic, user admin).',
  }),
  accountsMax: integer({
    flag: 'vault-accounts-max',
    default: 100_000,
    min: 1,
    help: 'Accounts that are kept at most.',
  }),
  blobBytesMax: integer({
    flag: 'vault-blob-bytes-max',
    default: 100_000_000,
    min: 1,
    unit: 'bytes',
    help: 'Largest blob that is kept.',
  }),
  windowDays: integer({
    flag: 'vault-window-days',
    default: 30,
    min: 1,
    unit: 'days',
    help: 'How far back every acknowledged instant can be restored.',
  }),
  snapshotEveryDays: integer({
    flag: 'vault-snapshot-every-days',
    default: 7,
    min: 1,
    unit: 'days',
    help: 'Beyond the window, one state is kept for so many days each.',
  }),
  snapshotDays: integer({
    flag: 'vault-snapshot-days',
    default: 365,
    min: 0,
    unit: 'days',
    help: 'How long those are kept.',
  }),
  deletedDays: integer({
    flag: 'vault-deleted-days',
    default: 30,
    min: 0,
    unit: 'days',
    help: 'How long a copy outlives the word of its host that the account was deleted.',
  }),
  privateEveryHours: integer({
    flag: 'vault-private-every-hours',
    default: 24,
    min: 1,
    unit: 'hours',
    help: 'How often hosts are asked for what is not in repositories, when they do not say that it changed.',
  }),
  drillEveryHours: integer({
    flag: 'vault-drill-every-hours',
    default: 24,
    min: 1,
    unit: 'hours',
    help: 'How often accounts are given back on trial.',
  }),
  drillAccounts: integer({
    flag: 'vault-drill-accounts',
    default: 5,
    min: 1,
    help: 'How many each time, chosen by chance.',
  }),
  s3Bucket: text({
    flag: 'vault-s3-bucket',
    help: 'Bucket that packs and blobs are kept in, instead of a folder.',
  }),
  s3Endpoint: url({
    flag: 'vault-s3-endpoint',
    help: 'The S3-speaking service; AWS of the region when not set.',
  }),
  s3Region: text({
    flag: 'vault-s3-region',
    default: 'us-east-1',
    help: 'Region that requests are signed for.',
  }),
  s3PathStyle: flag({
    flag: 'vault-s3-path-style',
    default: false,
    help: 'Name the bucket in the path, not in the host name.',
  }),
  s3AccessKeyId: text({
    flag: 'vault-s3-access-key-id',
    secret: true,
    help: 'Who asks the bucket.',
  }),
  s3SecretAccessKey: text({
    flag: 'vault-s3-secret-access-key',
    secret: true,
    help: 'What requests to the bucket are signed with.',
  }),
})

export type VaultConfig = ConfigOf<typeof vaultConfig>
