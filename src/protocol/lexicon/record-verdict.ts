/** What a validator says of a record. `unknown`: nobody here has its lexicon. */
export type RecordVerdict =
  | { status: 'valid' }
  | { status: 'unknown' }
  | { status: 'invalid'; message: string }

export interface RecordChecks {
  /** The record's key, checked too when given. */
  rkey?: string
  /**
   * True, the default, for records written now: legacy blobs are refused, sizes and types of blobs
   * are looked at. False for what others wrote long ago.
   */
  strict?: boolean
}

export const valid: RecordVerdict = Object.freeze({ status: 'valid' })
export const unknown: RecordVerdict = Object.freeze({ status: 'unknown' })

export function invalid(message: string): RecordVerdict {
  return { status: 'invalid', message }
}
