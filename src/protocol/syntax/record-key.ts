import { invalid } from './error.ts'

/** Names a record within its collection. */
export type RecordKey = string

const RECORD_KEY = /^[a-zA-Z0-9_~.:-]{1,512}$/

/** Whether the text may name a record. https://atproto.com/specs/record-key */
export function isRecordKey(text: unknown): text is RecordKey {
  return typeof text === 'string' && text !== '.' && text !== '..' && RECORD_KEY.test(text)
}

/** The text as a record key, unchanged. Throws 'InvalidRecordKey'. */
export function parseRecordKey(text: string): RecordKey {
  if (!isRecordKey(text)) throw invalid('RecordKey', text)
  return text
}
