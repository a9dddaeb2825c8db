import type { AppBskyActorStatus } from '@atcute/bluesky'
import { cidText } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { embedOf } from './embed.ts'
import type { MediaUrls } from './images.ts'
import { type Json, member, quote } from './json.ts'

/** A word of a trusted verifier on who an account is: what it was called then. */
export interface Verification {
  issuer: string
  rkey: string
  handle: string
  displayName: string
  createdAt: string
}

/** What an account says of itself beside its profile, and what trusted verifiers say of it. */
export interface Said {
  isLabeler: boolean
  isVerifier: boolean
  isUnlisted: boolean
  /** Who may ask to be told of every post. */
  subscribers: string
  /** The declaration of whose messages it takes. */
  chat: Record<string, unknown> | undefined
  status: { cid: Uint8Array; body: Json; indexedMs: number } | undefined
  verifications: readonly Verification[]
}

export const NOTHING_SAID: Said = {
  isLabeler: false,
  isVerifier: false,
  isUnlisted: false,
  // What the lexicon says of accounts without the record.
  subscribers: 'followers',
  chat: undefined,
  status: undefined,
  verifications: [],
}

/** Members of `app.bsky.actor.defs#profileAssociated`, the last without a comma behind it. */
export function associatedOf({ isLabeler, subscribers, chat }: Said): string {
  const { allowIncoming, allowGroupInvites } = chat ?? {}
  const groups = typeof allowGroupInvites === 'string' ? quote(allowGroupInvites) : undefined
  return (
    (isLabeler ? '"labeler":true,' : '') +
    (typeof allowIncoming === 'string'
      ? `"chat":{"allowIncoming":${quote(allowIncoming)}${member('allowGroupInvites', groups)}},`
      : '') +
    `"activitySubscription":{"allowSubscriptions":${quote(subscribers)}}`
  )
}

/**
 * `,"verification":{…}`: what verifiers said holds while the account is still called what it was
 * called then. Nothing of accounts whose handle cannot be verified.
 */
export function verificationOf(
  { isVerifier, verifications }: Said,
  handle: string,
  displayName: string | undefined,
): string {
  if ((verifications.length === 0 && !isVerifier) || handle === 'handle.invalid') return ''
  const views = verifications.map((one) => ({
    issuer: one.issuer,
    uri: `at://${one.issuer}/app.bsky.graph.verification/${one.rkey}`,
    isValid: one.displayName !== '' && one.displayName === displayName && one.handle === handle,
    createdAt: one.createdAt,
  }))
  const isVerified = views.some(({ isValid }) => isValid)
  const status = views.length === 0 ? 'none' : isVerified ? 'valid' : 'invalid'
  return member(
    'verification',
    quote({
      verifications: views,
      verifiedStatus: status,
      trustedVerifierStatus: isVerifier ? 'valid' : 'none',
    }),
  )
}

/** What verifiers said, of an account that our moderators hold to be somebody else. */
export function doubted(verification: string): string {
  return verification.replace(/"(verified|trustedVerifier)Status":"valid"/g, '"$1Status":"invalid"')
}

const MINUTE_MS = 60_000
/** The shortest and the longest that anybody is shown as being at something. */
const LIVE_MS_MIN = 5 * MINUTE_MS
const LIVE_MS_MAX = 240 * MINUTE_MS
const NOT_LIVE = { live: '', liveUri: '', freshUntilMs: Number.POSITIVE_INFINITY }

/** `,"status":{…}`, its labels last; and until when that stays true. */
export function liveOf(
  { status }: Said,
  did: Did,
  urls: MediaUrls,
  nowMs: number,
): { live: string; liveUri: string; freshUntilMs: number } {
  if (status === undefined) return NOT_LIVE
  // Records were checked when they were indexed.
  const record = JSON.parse(status.body) as AppBskyActorStatus.Main
  const liveUri = `at://${did}/app.bsky.actor.status/self`
  const { durationMinutes } = record
  const fromMs = Math.min(Date.parse(record.createdAt) || status.indexedMs, status.indexedMs)
  const lastsMs = Math.min(Math.max((durationMinutes ?? 0) * MINUTE_MS, LIVE_MS_MIN), LIVE_MS_MAX)
  const endMs = durationMinutes === undefined ? undefined : fromMs + lastsMs
  const isActive = endMs !== undefined && endMs > nowMs
  const ends =
    endMs === undefined
      ? ''
      : `,"expiresAt":"${new Date(endMs).toISOString()}","isActive":${isActive}`
  const embed = record.embed && embedOf(record.embed, did, urls)?.media
  const live =
    `,"status":{"uri":"${liveUri}","cid":"${cidText(status.cid as never)}"` +
    `,"status":${quote(record.status)},"record":${status.body}${member('embed', embed)}${ends}` +
    ',"labels":[]}'
  return { live, liveUri, freshUntilMs: isActive ? endMs : Number.POSITIVE_INFINITY }
}
