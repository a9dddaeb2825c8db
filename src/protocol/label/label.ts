import type { PublicKey, SigningKey } from '#protocol/crypto'
import { type Bytes, encodeCbor, fromBytes, isBytes, toBytes } from '#protocol/data'
import { isUtf8LengthWithin } from '#protocol/lexicon'
import { type Did, isCidSyntax, isDatetime, isDid, isUri } from '#protocol/syntax'

/** What is said, before it is signed. */
export interface LabelClaim {
  /** The labeler. */
  src: Did
  /** An AT-URI of a record, or the DID of an account. */
  uri: string
  /** Only this version of the record is meant. */
  cid?: string | undefined
  /** The label's value: `spam`, `!takedown`, … */
  val: string
  /** Takes back an earlier label of the same source, subject and value. */
  neg?: boolean | undefined
  /** When it was said. */
  cts: string
  /** When it stops being true. */
  exp?: string | undefined
}

export interface Label extends LabelClaim {
  ver: 1
  /** 64 bytes. */
  sig: Bytes
}

/** Beyond these a label is not read. Bytes of UTF-8. */
export const LABEL_LIMITS = { valueBytes: 128, uriBytes: 3_072 }

const SIGNATURE_BYTES = 64

/** Signs a claim. What is absent or false is left out of what is signed. */
export function signLabel(claim: LabelClaim, key: SigningKey): Label {
  const { src, uri, cid, val, neg, cts, exp } = claim
  const unsigned = {
    ver: 1 as const,
    src,
    uri,
    ...(cid !== undefined && { cid }),
    val,
    ...(neg && { neg }),
    cts,
    ...(exp !== undefined && { exp }),
  }
  return { ...unsigned, sig: toBytes(key.sign(encodeCbor(unsigned))) }
}

/**
 * Whether this key signed the label: over the DAG-CBOR of everything in it but the signature (and
 * a `$type`, which some send along), so that a field we do not know is covered too.
 */
export function verifyLabel(label: Label, key: PublicKey): boolean {
  const { sig, ...signed } = label
  const signature = fromBytes(sig)
  if (signature.length !== SIGNATURE_BYTES) return false
  delete (signed as { $type?: unknown }).$type
  return key.verify(encodeCbor(signed), signature)
}

/**
 * Reads a label out of decoded CBOR (or JSON through `fromJson`): its form, not its signature.
 * Undefined when it is none, or of another version.
 */
export function parseLabel(value: unknown): Label | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { ver, src, uri, cid, val, neg, cts, exp, sig } = value as Record<string, unknown>
  const isLabel =
    ver === 1 &&
    isText(src, isDid) &&
    isText(uri, isSubject) &&
    isText(val, isValue) &&
    isText(cts, isDatetime) &&
    (cid === undefined || isText(cid, isCidSyntax)) &&
    (neg === undefined || typeof neg === 'boolean') &&
    (exp === undefined || isText(exp, isDatetime)) &&
    isBytes(sig)
  return isLabel ? (value as Label) : undefined
}

function isText(value: unknown, is: (text: string) => boolean): boolean {
  return typeof value === 'string' && is(value)
}

function isSubject(uri: string): boolean {
  return isUtf8LengthWithin(uri, 1, LABEL_LIMITS.uriBytes) && isUri(uri)
}

function isValue(val: string): boolean {
  return isUtf8LengthWithin(val, 1, LABEL_LIMITS.valueBytes)
}

/** Whether the newest label of its kind holds now: it takes nothing back and has not expired. */
export function isInForce({ neg, exp }: Pick<LabelClaim, 'neg' | 'exp'>, nowMs: number): boolean {
  return !neg && (exp === undefined || Date.parse(exp) > nowMs)
}
