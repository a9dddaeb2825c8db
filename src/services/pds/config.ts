/** What an operator may set of a PDS. */
import {
  type ConfigOf,
  choice,
  config,
  flag,
  integer,
  list,
  smtpUrl,
  text,
  url,
  urlAndDid,
} from '#platform/runtime'

export const pdsConfig = config('pds', {
  plc: list(url({}), {
    default: [],
    help: 'The directory of identities; several are asked in this order, the first takes new ones.',
  }),
  appview: urlAndDid({ help: 'The app view that app.bsky calls go to, as URL#DID.' }),
  appviewCdnUrlPattern: text({
    help: 'Where the app view serves pictures, with %s for preset, DID and CID. From this host if not set.',
  }),
  chat: urlAndDid({ help: 'The service that chat.bsky calls go to, as URL#DID.' }),
  feeds: urlAndDid({
    help: 'The feed generator that is asked for feeds when a call names none, as URL#DID.',
  }),
  moderation: urlAndDid({
    help: 'The moderation service that reports and moderators’ calls go to, as URL#DID.',
  }),
  reports: urlAndDid({
    help: 'Where reports go when it is not the moderation service, as URL#DID.',
  }),
  crawlers: list(url({ required: true, help: '' }), {
    default: [],
    help: 'Relays that are asked to crawl this host.',
  }),
  privateVaults: list(url({ required: true, help: '' }), {
    default: [],
    help: 'Vaults that read what people have here beside their repositories; others read it only by their owners’ word.',
  }),
  pdsHosts: list(url({ required: true, help: '' }), {
    default: [],
    help: 'Hosts that are asked for handles under .test and .example.',
  }),
  handleDomains: list(text({ required: true, help: '' }), {
    default: ['.test'],
    help: 'Suffixes of the handles this host gives out.',
  }),
  reservedFor: list(text({ required: true, help: '' }), {
    default: [],
    help: 'Handles kept for services of yours, each as HANDLE=DID: who signs up with one proves that DID by its token, and needs no invite.',
  }),
  didWeb: flag({
    default: false,
    help: 'Be did:web by the host name instead of a did:plc in the directory.',
  }),
  hostedDids: flag({
    default: false,
    help: 'People may sign up with a did:web under a handle domain, whose document this host serves.',
  }),
  watchIdentities: flag({
    default: true,
    help: 'Tell owners of changes of their identity that were not made through this host.',
  }),
  adminPassword: text({ secret: true, help: 'Password of the operator (HTTP Basic, user admin).' }),
  inviteRequired: flag({ default: false, help: 'Sign-up needs an invite code.' }),
  inviteIntervalMs: integer({
    min: 1,
    unit: 'ms',
    help: 'An account earns an invite code in each such interval; it earns none if not set.',
  }),
  inviteEpochMs: integer({
    default: 0,
    unit: 'ms',
    help: 'Invite codes are earned only by time after this instant (milliseconds since 1970).',
  }),
  privacyPolicyUrl: url({ help: 'Address of the privacy policy, shown at sign-up.' }),
  termsOfServiceUrl: url({ help: 'Address of the terms of use, shown at sign-up.' }),
  contactEmail: text({ max: 254, help: 'Address at which the operator is reached.' }),
  secondFactors: choice({
    of: ['encouraged', 'operators', 'everybody'],
    default: 'operators',
    help: 'Of whom more than a password is asked at sign-in: of who set it up, also of operators (accounts in moderators, or named like an operator), or of everybody. Who set up nothing gets codes by mail.',
  }),
  moderators: list(text({ required: true, help: '' }), {
    default: [],
    help: 'DIDs of moderation services that may call what a moderator of this host may.',
  }),
  oauthTrustedClients: list(text({ required: true, help: '' }), {
    default: [],
    help: 'Apps, by client_id, whose own names are shown when they ask to be let in. Others are shown by address.',
  }),
  rotationKeyHex: text({
    secret: true,
    help: 'K-256 key, 64 hex digits, that signs changes of identities made here. Made if none is given.',
  }),
  rotationKeyFile: text({ help: 'File that holds the rotation key instead.' }),
  rotationSigner: text({
    help: 'Command that holds the rotation key instead and signs with it, such as one before an HSM; see docs/operating/rotation-key.md.',
  }),
  recoveryDidKey: text({
    help: "The operator's own recovery key as a did:key, kept apart from the host: it is placed above the host's in identities made here.",
  }),
  emailSmtpUrl: smtpUrl({
    help: 'The mail server, smtps://user:password@host. Without one, letters stay in the outbox.',
  }),
  emailFromAddress: text({
    max: 400,
    help: 'In whose name letters are sent: an address, or Name <address>.',
  }),
  moderationEmailSmtpUrl: smtpUrl({
    help: "The mail server of the operator's own letters, where it is another one.",
  }),
  moderationEmailFromAddress: text({
    max: 400,
    help: "In whose name the operator's own letters are sent by it.",
  }),
  leaseWitness: url({
    help: 'The witness that gives the right to write under the name of this host, where a standby may take its place; see docs/operating/standby.md.',
  }),
  leaseSecret: text({
    secret: true,
    help: 'What this host and its standby share with the witness.',
  }),
  blobBytesMax: integer({ default: 50_000_000, min: 1, unit: 'bytes', help: 'Largest blob.' }),
  acceptImports: flag({
    default: true,
    help: 'Accounts may bring a repository (importRepo), as moves to this host do.',
  }),
  importBytesMax: integer({
    default: 64 * 1024 ** 3,
    min: 1,
    unit: 'bytes',
    help: 'Largest repository that is brought; read in bounded memory, whatever its size.',
  }),
  accountBlobBytesMax: integer({
    default: 100_000_000_000,
    min: 1,
    unit: 'bytes',
    help: 'All blobs of one account.',
  }),
  unusedBlobHours: integer({
    default: 72,
    min: 1,
    unit: 'hours',
    help: 'How long an uploaded blob waits for a record that mentions it.',
  }),
  droppedBlobHours: integer({
    default: 72,
    min: 1,
    unit: 'hours',
    help: 'How long a blob is kept when the last record that mentioned it is gone.',
  }),
  blobsFolder: text({ help: 'Folder of the blobs; beside the other data when not set.' }),
  s3Bucket: text({ help: 'Bucket that blobs are kept in, instead of a folder.' }),
  s3Endpoint: url({ help: 'The S3-speaking service; AWS of the region when not set.' }),
  s3Region: text({ default: 'us-east-1', help: 'Region that requests are signed for.' }),
  s3PathStyle: flag({ default: false, help: 'Name the bucket in the path, not in the host name.' }),
  s3AccessKeyId: text({ secret: true, help: 'Who asks the bucket.' }),
  s3SecretAccessKey: text({ secret: true, help: 'What requests to the bucket are signed with.' }),
  s3Prefix: text({ default: '', help: 'Before the name of every object in the bucket.' }),
  s3TimeoutMs: integer({
    default: 20_000,
    min: 100,
    unit: 'ms',
    help: 'How long the bucket may take to answer a request.',
  }),
  rateLimits: choice({
    of: ['auto', 'on', 'off'],
    default: 'auto',
    help: 'Limit how often people may call: auto is on, but for local mode.',
  }),
  rateBypassKey: text({
    secret: true,
    help: 'Calls with this in x-ratelimit-bypass are not limited.',
  }),
  rateBypassAddresses: list(text({ required: true, help: '' }), {
    default: [],
    help: 'Addresses whose calls are not limited.',
  }),
  redis: text({
    secret: true,
    help: 'Server where several nodes count calls together, as a redis:// or rediss:// URL. Without one, and while it is away, each process counts alone.',
  }),
  standbySecret: text({
    secret: true,
    help: 'What this host and its standby share, 24 characters at least; without it nobody may follow. See docs/operating/standby.md.',
  }),
  standbyMode: choice({
    of: ['async', 'sync'],
    default: 'async',
    help: 'Answer a write when it is on this disk (async: what the standby lacks is lost with it), or on the standby’s as well.',
  }),
  standbyAwayMs: integer({
    default: 5_000,
    min: 100,
    unit: 'ms',
    help: 'How long a write waits for a standby that does not answer (sync).',
  }),
  standbyWhenAway: choice({
    of: ['continue', 'refuse'],
    default: 'continue',
    help: 'What then becomes of writes (sync): they go on without the standby, or are refused until it is back.',
  }),
  standbyOf: url({
    help: 'Be the standby of the host at this address: follow it, serve nobody, and take its place when promoted.',
  }),
  openFilesMax: integer({ default: 512, min: 8, help: 'Account files kept open.' }),
  retentionHours: integer({
    default: 72,
    min: 1,
    unit: 'hours',
    help: 'How long events can be replayed.',
  }),
  retentionBytes: integer({
    default: 50_000_000_000,
    min: 1,
    unit: 'bytes',
    help: 'How much disk the events may take; the oldest go first.',
  }),
})

export type PdsConfig = ConfigOf<typeof pdsConfig>
