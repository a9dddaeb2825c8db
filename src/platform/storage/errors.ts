import { StorageError } from './contracts.ts'

/** EROFS: a disk that was made read-only, by an operator or by the system when it met trouble. */
const spaceCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS'])

/** Whether the disk did not take it: the file is as it was, and trying again later is sound. */
export function isNoSpace(error: unknown): boolean {
  if (error instanceof StorageError) return error.code === 'NoSpace'
  return spaceCodes.has((error as NodeJS.ErrnoException)?.code ?? '')
}

/** Whether there is nothing at that path (a file in the place of one of its directories counts as nothing). */
export function isMissing(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
