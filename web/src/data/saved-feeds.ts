/** The feeds a person saved and pinned, as `savedFeedsPrefV2` keeps them. Pure. */
import { type Preference, preference, withPreference } from './preference-list.ts'

export interface SavedFeed {
  id: string
  type: 'feed' | 'list' | 'timeline' | (string & {})
  value: string
  pinned: boolean
}

const current = 'app.bsky.actor.defs#savedFeedsPrefV2'
const former = 'app.bsky.actor.defs#savedFeedsPref'

/**
 * What is saved, in its order. Preferences from before the second version are read as they were
 * meant: the timeline first, then what was pinned, then the rest.
 */
export function savedFeeds(list: readonly Preference[] | undefined): readonly SavedFeed[] {
  const kept = preference<{ items?: SavedFeed[] }>(list, current)
  if (kept) return Array.isArray(kept.items) ? kept.items : []
  const old = preference<{ saved?: string[]; pinned?: string[] }>(list, former)
  if (!old) return []
  const pinned = old.pinned ?? []
  const uris = [...new Set([...pinned, ...(old.saved ?? [])])]
  return [
    { id: 'following', type: 'timeline', value: 'following', pinned: true },
    ...uris.map((value) => {
      const type = value.includes('/app.bsky.graph.list/') ? 'list' : 'feed'
      return { id: value, type, value, pinned: pinned.includes(value) }
    }),
  ]
}

/** The feeds whose tabs stand on the home page, by URI. */
export function pinnedFeeds(list: readonly Preference[] | undefined): string[] {
  return savedFeeds(list).flatMap(({ type, value, pinned }) =>
    type === 'feed' && pinned ? [value] : [],
  )
}

/** The preferences with a feed pinned or not; `nextId` makes the keys of new items. */
export function withPinned(
  list: readonly Preference[],
  uri: string,
  pinned: boolean,
  nextId: () => string,
): Preference[] {
  const keyed = (item: SavedFeed) =>
    /^[2-7a-z]{13}$/.test(item.id) ? item : { ...item, id: nextId() }
  const before = savedFeeds(list).map(keyed)
  const home = { id: nextId(), type: 'timeline', value: 'following', pinned: true }
  const items = before.some(({ type }) => type === 'timeline') ? before : [home, ...before]
  const known = items.some(({ value }) => value === uri)
  const next = known
    ? items.map((item) => (item.value === uri ? { ...item, pinned } : item))
    : [...items, { id: nextId(), type: 'feed', value: uri, pinned }]
  return withPreference(list, current, { items: next })
}
