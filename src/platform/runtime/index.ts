/**
 * The machine, handed to services as plain parts: listener, guarded outgoing calls and streams, the
 * transport between services, config tables, logs, metrics, loops, jobs and passwords.
 */

/** The checksum of ZIP and gzip, by the machine: a sixth of what it costs in JavaScript. */
export { crc32 } from 'node:zlib'
export type { AddressRules } from './addresses.ts'
export {
  ConfigError,
  type ConfigOf,
  type ConfigSources,
  type ConfigTable,
  config,
  configLines,
  configMarkdown,
  envName,
  flagName,
  flagsOf,
  readConfig,
} from './config.ts'
export { type CommandLine, readFlags } from './flags.ts'
export { type FetchLimits, type GuardedFetchOptions, guardedFetch } from './guarded-fetch.ts'
export { createGuesses, type Guesses } from './guesses.ts'
export {
  createJobs,
  type JobKind,
  type JobRun,
  type JobStatus,
  type Jobs,
  type JobsDeps,
  type JobsSql,
  jobsTableSql,
} from './jobs.ts'
export { type KeepReadingOptions, keepReading } from './keep-reading.ts'
export { type LineProcess, type LineProcessOptions, lineProcess } from './line-process.ts'
export {
  ListenError,
  type Listening,
  type ListenLimits,
  type ListenOptions,
  listen,
} from './listen.ts'
export { type LocalTransport, localTransport, type Network } from './local-transport.ts'
export {
  createLog,
  type Log,
  type LogFields,
  type LogLevel,
  type LogOptions,
  silentLog,
} from './log.ts'
export { isLoopbackHost } from './loopback.ts'
export { type LoopDeps, type RunningLoops, superviseLoops } from './loops.ts'
export { createLru, type Lru, type LruOptions } from './lru.ts'
export {
  type MailAddress,
  MailError,
  type MailMessage,
  type MailTransport,
  readSmtpUrl,
  type SmtpTimeouts,
  smtpTransport,
} from './mail.ts'
export {
  addProcessMetrics,
  type Counter,
  type CounterSeries,
  createMetrics,
  type Gauge,
  type GaugeSeries,
  type Histogram,
  type HistogramSeries,
  type Metrics,
  type MetricsOptions,
} from './metrics.ts'
export { type OutgoingCode, OutgoingError } from './outgoing-error.ts'
export { type RealOutsideOptions, realOutside } from './outside.ts'
export {
  deriveForeign,
  hashPassword,
  isForeignHash,
  PasswordError,
  verifyNothing,
  verifyPassword,
} from './passwords.ts'
export { BodyError } from './request-body.ts'
export { SealError, type Sealer, sealer } from './sealer.ts'
export {
  choice,
  flag,
  integer,
  list,
  type Setting,
  smtpUrl,
  text,
  url,
  urlAndDid,
} from './settings.ts'
export type {
  Fetch,
  FetchInit,
  Frame,
  FrameBatch,
  HttpRequest,
  HttpResponse,
  Loop,
  Outside,
  Service,
  Subscribe,
  SubscribeOptions,
  TimerHandle,
  Timers,
} from './shapes.ts'
export { eagerStopwatch, lazyStopwatch, type Stopwatch } from './stopwatch.ts'
export { type NetworkSubscribeOptions, networkSubscribe } from './subscribe.ts'
export { type TestOutside, type TestOutsideOptions, testOutside } from './test-outside.ts'
export { type ZipEntry, zip } from './zip.ts'
export { pack, unpack } from './zstd.ts'
