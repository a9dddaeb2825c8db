import type { Entry, NewEntry, StorageError, Stream, StreamOptions, Streams } from './contracts.ts'
import type { Files } from './files.ts'
import { type Fault, type FileOperation, faultyFiles } from './files-faulty.ts'
import { type MemoryFiles, memoryFiles } from './files-memory.ts'
import { openLocalStreams } from './streams-local.ts'

export const code = (name: string) => ({ code: name })

export function entry(payload: string, key = 'k'): NewEntry {
  return { key, kind: 0, make: () => Buffer.from(payload) }
}

export async function collect(batches: AsyncIterable<readonly Entry[]>): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const batch of batches) entries.push(...batch)
  return entries
}

export async function shown(stream: Stream, after = 0): Promise<[number, string][]> {
  const entries = await collect(stream.read({ after }))
  return entries.map(({ seq, payload }) => [seq, Buffer.from(payload).toString()])
}

export interface Rig {
  disk: MemoryFiles
  streams: Streams
  stream: Stream
  fatal: StorageError[]
  failed: { code: string; firstSeq: number }[]
  /** Faults to come, by operation; the first of a list is used up by the next such call. */
  faults: Partial<Record<FileOperation, (Fault | undefined)[]>>
}

export async function rig(
  options: StreamOptions & {
    disk?: MemoryFiles
    reserveBytes?: number
    decide?: (operation: FileOperation, path: string, bytes: number) => Fault | undefined
  } = {},
): Promise<Rig> {
  const { disk = memoryFiles(), reserveBytes = 0, decide, ...streamOptions } = options
  const faults: Rig['faults'] = {}
  const files: Files = faultyFiles(
    disk,
    (operation, path, bytes) => faults[operation]?.shift() ?? decide?.(operation, path, bytes),
  )
  const fatal: StorageError[] = []
  const failed: Rig['failed'] = []
  const streams = await openLocalStreams('/streams', {
    files,
    reserveBytes,
    now: () => 1,
    onFatal: (error) => fatal.push(error),
  })
  const stream = await streams.open('s', {
    ...streamOptions,
    onFailed: (error, firstSeq) => failed.push({ code: error.code, firstSeq }),
  })
  return { disk, streams, stream, fatal, failed, faults }
}

/** Opens what a rig left, after its process is gone. */
export async function after(disk: MemoryFiles, options: StreamOptions = {}): Promise<Rig> {
  disk.kill()
  return rig({ disk, ...options })
}

export const segments = (disk: MemoryFiles) =>
  disk.paths.filter((path) => path.endsWith('.segment'))
