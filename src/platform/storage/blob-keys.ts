import { StorageError } from './contracts.ts'

const maxKeyLength = 512
/** Keys become file names: nothing that could leave the directory, hide in it or mean something to a file system. */
const safePart = /^[A-Za-z0-9_~:=-][A-Za-z0-9._~:=-]{0,199}$/

/** Throws InvalidKey. */
export function assertBlobKey(key: string): void {
  if (key.length > maxKeyLength || !key.split('/').every((part) => safePart.test(part))) {
    throw new StorageError('InvalidKey', `not a blob key: ${JSON.stringify(key)}`)
  }
}

/** The beginning of a key: the last part may be empty. Throws InvalidKey. */
export function assertBlobPrefix(prefix: string): void {
  assertBlobKey(prefix === '' || prefix.endsWith('/') ? `${prefix}x` : prefix)
}
