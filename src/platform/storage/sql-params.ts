import { type SqlParams, StorageError } from './contracts.ts'

/** Refuses what cannot be stored, by its place: engines bind what is missing as NULL, which hides mistakes. */
export function checkParams(params: SqlParams, expected: number): void {
  if (params.length !== expected) {
    throw new StorageError(
      'InvalidArgument',
      `the statement has ${expected} parameters, ${params.length} were given`,
    )
  }
  for (let index = 0; index < expected; index++) {
    const value = params[index]
    if (typeof value === 'string' || value === null) continue
    if (typeof value === 'number' ? !Number.isNaN(value) : value instanceof Uint8Array) continue
    if (typeof value === 'bigint' && BigInt(Number(value)) === value) {
      if (Number.isSafeInteger(Number(value))) continue
    }
    throw new StorageError(
      'InvalidArgument',
      `parameter ${index + 1} cannot be stored: ${typeof value} ${String(value)}`,
    )
  }
}
