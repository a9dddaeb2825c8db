import type { Files, OpenFile } from './files.ts'

export type FileOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'syncDirectory'
  | 'freeBytes'

/**
 * An error code such as EIO or ENOSPC; `short`: so many bytes of a write arrive; `lateTurns`: a write takes effect so
 * many turns of the loop later; `free`: what the disk claims to have.
 */
export type Fault = string | { short: number } | { lateTurns: number } | { free: number }

/** Any Files with faults: before each call `decide` may name one. For tests. */
export function faultyFiles(
  base: Files,
  decide: (operation: FileOperation, path: string, bytes: number) => Fault | undefined,
): Files {
  function fail(operation: FileOperation, path: string, bytes = 0): Fault | undefined {
    const fault = decide(operation, path, bytes)
    if (typeof fault !== 'string') return fault
    throw Object.assign(new Error(`${fault}: ${operation} ${path}`), { code: fault })
  }
  return {
    makeDirectory: (path) => base.makeDirectory(path),
    list: (path) => base.list(path),
    fileSize: (path) => base.fileSize(path),
    lock: (path) => base.lock(path),
    async open(path, flags) {
      fail('open', path)
      const file = await base.open(path, flags)
      const faulty: OpenFile = {
        size: () => file.size(),
        close: () => file.close(),
        async read(into, position) {
          fail('read', path, into.length)
          return file.read(into, position)
        },
        async write(bytes, position) {
          const fault = fail('write', path, bytes.length)
          if (typeof fault !== 'object') return file.write(bytes, position)
          if ('short' in fault) return file.write(bytes.subarray(0, fault.short), position)
          if ('lateTurns' in fault) await turns(fault.lateTurns)
          return file.write(bytes, position)
        },
        writeAll(pieces, position) {
          return faulty.write(Buffer.concat(pieces), position)
        },
        async datasync() {
          fail('datasync', path)
          return file.datasync()
        },
        async truncate(length) {
          fail('truncate', path)
          return file.truncate(length)
        },
      }
      return faulty
    },
    async rename(from, to) {
      fail('rename', from)
      return base.rename(from, to)
    },
    async remove(path) {
      fail('remove', path)
      return base.remove(path)
    },
    async syncDirectory(path) {
      fail('syncDirectory', path)
      return base.syncDirectory(path)
    },
    async freeBytes(path) {
      const fault = fail('freeBytes', path)
      return typeof fault === 'object' && 'free' in fault ? fault.free : base.freeBytes(path)
    },
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
