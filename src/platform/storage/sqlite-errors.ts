import { StorageError } from './contracts.ts'

/** Names the failures that callers act on; every other error stays the engine's own. */
export function sqlError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error
  const { code, errcode } = error as { code?: string; errcode?: number }
  if (code === 'ERR_INVALID_STATE' && /not open|finalized/.test(error.message)) {
    return new StorageError('Closed', 'the database is closed', { cause: error })
  }
  if (errcode === undefined) return error
  // https://www.sqlite.org/rescode.html: the low byte is the primary code.
  if (errcode === 2067 || errcode === 1555) {
    return new StorageError('Conflict', error.message, { cause: error })
  }
  switch (errcode & 0xff) {
    case 5:
      return new StorageError('Locked', error.message, { cause: error })
    case 10:
      return new StorageError('Fatal', `${error.message} (${errcode})`, { cause: error })
    case 11:
    case 26:
      return new StorageError('Corrupt', error.message, { cause: error })
    case 8:
    case 13:
      return new StorageError('NoSpace', error.message, { cause: error })
    default:
      return error
  }
}
