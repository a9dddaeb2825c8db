/** Telling a moderation service what is wrong with a post or an account. */
import { labelers, type Service } from './services.ts'
import { act } from './session.ts'
import type { StrongRef } from './views.ts'

const names = {
  spam: 'com.atproto.moderation.defs#reasonSpam',
  rude: 'com.atproto.moderation.defs#reasonRude',
  misleading: 'com.atproto.moderation.defs#reasonMisleading',
  sexual: 'com.atproto.moderation.defs#reasonSexual',
  violation: 'com.atproto.moderation.defs#reasonViolation',
  other: 'com.atproto.moderation.defs#reasonOther',
  appeal: 'com.atproto.moderation.defs#reasonAppeal',
} as const

/** What may be wrong, in the order it is offered. */
export const reasons = ['spam', 'rude', 'misleading', 'sexual', 'violation', 'other'] as const
export type Reason = (typeof reasons)[number]

/** Longest own words, in characters as people see them. */
export const maxWords = 1_000

export interface Report {
  /** A post, or an account's DID. */
  subject: StrongRef | string
  /** What is wrong; `appeal` asks for another look at what was decided about oneself. */
  reason: Reason | 'appeal'
  words: string
  /** Who reads it; without one the person's host decides. */
  to: Service | undefined
}

/** Who can be told; empty when only the person's own host knows. */
export const readers = (): readonly Service[] => labelers()

/** Sends a report in the person's name. Throws CallError when nobody took it. */
export async function sendReport({ subject, reason, words, to }: Report): Promise<void> {
  const about =
    typeof subject === 'string'
      ? { $type: 'com.atproto.admin.defs#repoRef', did: subject }
      : { $type: 'com.atproto.repo.strongRef', uri: subject.uri, cid: subject.cid }
  await act('com.atproto.moderation.createReport', {
    headers: to ? { 'atproto-proxy': `${to.did}#atproto_labeler` } : {},
    body: {
      reasonType: names[reason],
      subject: about,
      ...(words.trim() === '' ? {} : { reason: words.trim() }),
    },
  })
}
