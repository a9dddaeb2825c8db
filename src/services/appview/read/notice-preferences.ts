import type { AppBskyNotificationDefs } from '@atcute/bluesky'
import type { Sql } from '#platform/storage'
import { REASONS, type Reason } from '../index/batch.ts'
import { Cache, type Changes } from './cache.ts'

const ACCOUNTS_MAX = 20_000

export type Preferences = AppBskyNotificationDefs.Preferences

/** What one account wants to be told. */
export interface NoticePreferences {
  /** Only by those it follows, where a client does not say otherwise. */
  priority: boolean
  /** Reasons that are listed and counted. */
  listed: readonly Reason[]
  /** Reasons that are listed and counted only where the account follows the author. */
  byFollowed: ReadonlySet<Reason>
  preferences: Preferences
}

const FILTERABLE = [
  'follow',
  'like',
  'likeViaRepost',
  'mention',
  'quote',
  'reply',
  'repost',
  'repostViaRepost',
] as const
const PLAIN = ['starterpackJoined', 'subscribedPost', 'unverified', 'verified'] as const
type FilterableName = (typeof FILTERABLE)[number]
type PreferenceName = FilterableName | (typeof PLAIN)[number]

const NAME_OF: Record<Reason, PreferenceName> = {
  like: 'like',
  repost: 'repost',
  follow: 'follow',
  mention: 'mention',
  reply: 'reply',
  quote: 'quote',
  'like-via-repost': 'likeViaRepost',
  'repost-via-repost': 'repostViaRepost',
  'subscribed-post': 'subscribedPost',
  verified: 'verified',
  unverified: 'unverified',
  'starterpack-joined': 'starterpackJoined',
}

/** Preferences as clients give them: any member may be missing, and hold what no lexicon knows. */
export type GivenPreferences = {
  [N in PreferenceName]?: { include?: string; list?: boolean; push?: boolean } | undefined
}

/** What of the given preferences is known; nothing else is kept. */
export function knownPreferences(given: GivenPreferences): Partial<Preferences> {
  const known: Partial<Preferences> = {}
  for (const name of FILTERABLE) {
    const one = given[name]
    if (one !== undefined) known[name] = { include: includeOf(one.include), ...flagsOf(one) }
  }
  for (const name of PLAIN) {
    const one = given[name]
    if (one !== undefined) known[name] = flagsOf(one)
  }
  return known
}

const includeOf = (text: string | undefined) => (text === 'follows' ? 'follows' : 'all')
const flagsOf = ({ list = true, push = true }: { list?: boolean; push?: boolean }) => ({
  list,
  push,
})

/** The preferences with what was not set as it is without. */
function whole(known: Partial<Preferences>): Preferences {
  const defaults = knownPreferences(
    Object.fromEntries([...FILTERABLE, ...PLAIN].map((name) => [name, {}])),
  )
  // Chats have preferences of their own elsewhere; the lexicon wants this one to say nothing.
  return { chat: { include: 'all', push: true }, ...defaults, ...known } as Preferences
}

function preferencesOf(priority: boolean, known: Partial<Preferences>): NoticePreferences {
  const preferences = whole(known)
  const byFollowed = new Set<Reason>()
  for (const reason of REASONS) {
    const preference = preferences[NAME_OF[reason]]
    if ('include' in preference && preference.include === 'follows') byFollowed.add(reason)
  }
  const listed = REASONS.filter((reason) => preferences[NAME_OF[reason]].list)
  return { priority, listed, byFollowed, preferences }
}

const DEFAULTS = preferencesOf(false, {})

/** What accounts want to be told. */
export class NoticePreferencesByAccount {
  readonly #sql: Sql
  readonly #changes: Changes
  readonly #kept: Cache<number, NoticePreferences>

  constructor({ sql, changes }: { sql: Sql; changes: Changes }) {
    this.#sql = sql
    this.#changes = changes
    this.#kept = new Cache(changes, ACCOUNTS_MAX)
  }

  async load(aid: number): Promise<NoticePreferences> {
    const kept = this.#kept.get(aid)
    if (kept !== undefined) return kept
    const { version } = this.#changes
    const row = await this.#sql.get<{ priority: number; body: string }>(
      'select priority, body from notice_preference where aid = ?',
      [aid],
    )
    const loaded = row ? preferencesOf(row.priority === 1, JSON.parse(row.body)) : DEFAULTS
    this.#kept.fill(version, aid, loaded)
    return loaded
  }

  /** The account wants something else now. */
  drop(aid: number): void {
    this.#kept.drop(aid)
  }
}
