/** What moderators decided about the signed-in person and hold to, and asking them to look again. */
import { signal } from '@preact/signals'
import type { MyDecision } from 'falaj/protocol/account'
import { network } from '../app/config.ts'
import { isUnknownMethod } from './quiet.ts'
import { sendReport } from './report.ts'
import { labelers, type Service } from './services.ts'
import { ask, me } from './session.ts'
import type { PostRecord, StrongRef } from './views.ts'

/** A decision, and who took it. */
export interface Decided extends MyDecision {
  by: Service
}

const known = signal<{ did: string; list: readonly Decided[] } | undefined>(undefined)

/** What is known to have been decided; undefined until it was asked for. */
export function decisions(): readonly Decided[] | undefined {
  return known.value?.did === me.value?.did ? known.value?.list : undefined
}

/** Whoever may have decided something: this network's moderators, and those followed. */
export function deciders(): readonly Service[] {
  const { moderation } = network()
  const own = moderation?.did ? [{ did: moderation.did, url: moderation.url }] : []
  return [...own, ...labelers().filter(({ did }) => did !== own[0]?.did)]
}

/**
 * Asks the moderators. A service that does not tell is passed over; one that does not answer is an
 * error, unless another one told something.
 */
export async function readDecisions(): Promise<void> {
  const did = me.peek()?.did ?? ''
  const answers = await Promise.allSettled(deciders().map(toldBy))
  const list = answers.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  const failed = answers.find((one) => one.status === 'rejected' && !isUnknownMethod(one.reason))
  if (list.length === 0 && failed) throw (failed as PromiseRejectedResult).reason
  const newest = list.toSorted((a, b) => b.decidedAt.localeCompare(a.decidedAt))
  known.value = { did, list: newest }
}

async function toldBy(by: Service): Promise<Decided[]> {
  const answer = await ask<{ decisions: MyDecision[] }>('app.falaj.moderation.getMyStatus', {
    params: { limit: 100 },
    headers: { 'atproto-proxy': `${by.did}#atproto_labeler` },
  })
  return answer.decisions.map((one) => ({ ...one, by }))
}

const seenKey = () => `falaj.decisions.${me.peek()?.did}`

/** Whether something was decided since the person last read what was. */
export function isNewlyDecided(): boolean {
  const newest = decisions()?.[0]?.decidedAt
  if (newest === undefined) return false
  try {
    return newest > (localStorage.getItem(seenKey()) ?? '')
  } catch {
    return true
  }
}

/** Notes that the person has read what was decided. */
export function markDecisionsSeen(): void {
  const newest = decisions()?.[0]?.decidedAt
  try {
    if (newest) localStorage.setItem(seenKey(), newest)
  } catch {}
}

/** Asks `to` to look again at what they decided about a record or the account. */
export async function appeal(
  subject: StrongRef | string,
  to: Service | undefined,
  words: string,
): Promise<void> {
  await sendReport({ subject, reason: 'appeal', words, to })
  const key = typeof subject === 'string' ? subject : subject.uri
  const now = known.peek()
  if (!now) return
  const list = now.list.map((one) =>
    one.subject === key && one.by.did === to?.did ? { ...one, appeal: 'waiting' as const } : one,
  )
  known.value = { ...now, list }
}

/** What a decision is about, in the form a report names it; nothing for a version nobody knows. */
export function subjectOf({ subject, cid }: MyDecision): StrongRef | string | undefined {
  if (subject.startsWith('did:')) return subject
  return cid === undefined ? undefined : { uri: subject, cid }
}

/** One's own words that a decision is about, while the host still shows them. */
export async function ownWords(uri: string): Promise<string | undefined> {
  const [repo, collection, rkey] = uri.slice('at://'.length).split('/')
  const params = { repo, collection, rkey }
  const { value } = await ask<{ value: Partial<PostRecord> }>('com.atproto.repo.getRecord', {
    params,
  })
  return typeof value.text === 'string' ? value.text : undefined
}
