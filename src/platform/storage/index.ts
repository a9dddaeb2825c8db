/** Storage: rows, blobs, streams and short-lived values behind four contracts, with their embedded forms. */
export { type DiskBlobsOptions, openDiskBlobs } from './blobs-disk.ts'
export { openS3Blobs, type S3BlobsOptions } from './blobs-s3.ts'
export {
  type Appended,
  type BlobRange,
  type Blobs,
  type Entry,
  type EntryBatch,
  type Kv,
  type Migration,
  type NewEntry,
  type ReadOptions,
  type Sql,
  type SqliteFile,
  type SqliteReader,
  type SqlParams,
  type SqlRow,
  type SqlValue,
  type Staged,
  StorageError,
  type StorageErrorCode,
  type Stream,
  type StreamBounds,
  type StreamOptions,
  type Streams,
  type TrimOptions,
} from './contracts.ts'
export { type Files, nodeFiles, type OpenFile } from './files.ts'
export { type Fault, type FileOperation, faultyFiles } from './files-faulty.ts'
export { MemoryFiles, memoryFiles } from './files-memory.ts'
export { type FallbackOptions, kvWithFallback } from './kv-fallback.ts'
export { type MemoryKvOptions, memoryKv } from './kv-memory.ts'
export { openRedisKv, type RedisKvOptions } from './kv-redis.ts'
export { loadMigrations } from './migrations.ts'
export { removeSqliteFile } from './remove-sqlite-file.ts'
export { openPostgres, type PostgresOptions } from './sql-postgres.ts'
export { openSqlite, type SqliteOptions } from './sqlite.ts'
export { copySqlite, readSqliteCopy, takeSqliteFile } from './sqlite-copy.ts'
export {
  openSqliteFile,
  openSqliteReader,
  type ReaderOptions,
  type SqliteFileOptions,
} from './sqlite-file.ts'
export { type LocalStreamsOptions, openLocalStreams } from './streams-local.ts'
