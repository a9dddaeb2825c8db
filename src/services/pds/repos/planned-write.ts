import { cidForCbor } from '#protocol/crypto'
import { type BlobRef, blobRefs, type CidBytes, encodeCbor, fromJson } from '#protocol/data'
import { recordSchema, validateRecord } from '#protocol/lexicon'
import { type Nsid, parseNsid, parseRecordKey, type RecordKey } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { subjectOf } from '../account-files/index.ts'

/** One record write, checked and encoded, before it meets the repository's state. */
export interface PlannedWrite {
  /** 'put' becomes a create or an update when the state is known. */
  action: 'create' | 'update' | 'put' | 'delete'
  collection: Nsid
  rkey: RecordKey
  path: string
  cid?: CidBytes
  bytes?: Uint8Array
  blobs: readonly BlobRef[]
  validationStatus?: 'valid' | 'unknown'
  /** The record's CID must be this, or the record must not exist when null. */
  swapRecord?: CidBytes | null
  /** What a like, repost, follow or block is about. */
  subject?: string | undefined
  /** Older records of its collection with the same subject go. */
  onlyOne?: boolean
  /** A delete of what is not there is no error. */
  optional?: boolean
}

/** 1 MB a record: the limit that the specification's event stream implies for its blocks. */
const RECORD_BYTES_MAX = 1_000_000

type Action = 'create' | 'update' | 'put'

/**
 * Checks and encodes a record to write. `validate`: true demands a known and valid record, false
 * skips the check, undefined checks known collections. Throws InvalidRequest (400).
 */
export function planRecord(
  action: Action,
  collectionText: string,
  rkeyText: string,
  record: unknown,
  validate: boolean | undefined,
): PlannedWrite {
  const collection = parseNsid(collectionText)
  const rkey = parseRecordKey(rkeyText)
  const value = typedRecord(collection, record)
  refuseOldBlobs(value)
  const validationStatus = validate === false ? undefined : check(collection, rkey, value, validate)
  const bytes = encodeCbor(value)
  if (bytes.byteLength > RECORD_BYTES_MAX) {
    throw new XrpcError(400, 'InvalidRequest', `Record is over ${RECORD_BYTES_MAX} bytes`)
  }
  const path = `${collection}/${rkey}`
  const cid = cidForCbor(bytes)
  const blobs = blobRefs(value)
  const subject = subjectOf(collection, value)
  return { action, collection, rkey, path, cid, bytes, blobs, validationStatus, subject }
}

export function planDelete(collectionText: string, rkeyText: string): PlannedWrite {
  const collection = parseNsid(collectionText)
  const rkey = parseRecordKey(rkeyText)
  return { action: 'delete', collection, rkey, path: `${collection}/${rkey}`, blobs: [] }
}

/** The record in the data model, with its `$type` set when absent. */
function typedRecord(collection: Nsid, record: unknown): Record<string, unknown> {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw new XrpcError(400, 'InvalidRequest', 'Record must be an object')
  }
  const value = fromJson(record) as Record<string, unknown>
  if (value.$type === undefined) return { ...value, $type: collection }
  if (value.$type !== collection) {
    throw new XrpcError(
      400,
      'InvalidRequest',
      `Invalid $type: expected ${collection}, got ${String(value.$type).slice(0, 317)}`,
    )
  }
  return value
}

/**
 * Blobs as records had them before blobs had a type, `{ cid, mimeType }`: nothing would keep their
 * bytes. Throws InvalidRequest.
 */
function refuseOldBlobs(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  const { cid, mimeType } = value as { cid?: unknown; mimeType?: unknown }
  if (typeof cid === 'string' && typeof mimeType === 'string' && Object.keys(value).length === 2) {
    throw new XrpcError(
      400,
      'InvalidRequest',
      `Legacy blobs are not allowed (${cid.slice(0, 100)})`,
    )
  }
  for (const part of Object.values(value)) refuseOldBlobs(part)
}

function check(
  collection: Nsid,
  rkey: RecordKey,
  value: unknown,
  validate: boolean | undefined,
): 'valid' | 'unknown' {
  const known = recordSchema(collection) !== undefined
  if (!known) {
    if (validate) {
      throw new XrpcError(400, 'InvalidRequest', `Unknown lexicon type: ${collection}`)
    }
    return 'unknown'
  }
  const verdict = validateRecord(collection, value, { rkey })
  if (verdict.status === 'invalid') {
    throw new XrpcError(400, 'InvalidRequest', `Invalid ${collection} record: ${verdict.message}`)
  }
  return verdict.status
}
