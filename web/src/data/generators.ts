/** Feeds that somebody puts together: what they are called, what they hold, and pinning them. */
import { signal } from '@preact/signals'
import { network } from '../app/config.ts'
import { feedKey, feedPage, keepPeople, owner } from './feeds.ts'
import { makePages, type Pages, pagesFor } from './pages.ts'
import { changePreferences, preferences, readPreferences } from './preferences.ts'
import { nextKey } from './records.ts'
import { pinnedFeeds, savedFeeds, withPinned } from './saved-feeds.ts'
import { read } from './session.ts'
import type { FeedItem, Generator } from './views.ts'

const known = signal<ReadonlyMap<string, Generator>>(new Map())

/** A feed's view, if it was met. */
export const generatorOf = (uri: string): Generator | undefined => known.value.get(uri)

function keepGenerators(list: readonly Generator[]): readonly Generator[] {
  keepPeople(list.map(({ creator }) => creator))
  known.value = new Map([...known.peek(), ...list.map((one) => [one.uri, one] as const)])
  return list
}

/** Reads the views of feeds that were not met yet. */
export async function meetGenerators(uris: readonly string[]): Promise<void> {
  const feeds = uris.filter((uri) => !known.peek().has(uri)).slice(0, 50)
  if (feeds.length === 0) return
  type Answer = { feeds: Generator[] }
  const answer = await read<Answer>('app.bsky.feed.getFeedGenerators', { params: { feeds } })
  keepGenerators(answer.feeds)
}

/** What one feed holds for the person who asks. */
export function feedOf(uri: string): Pages<FeedItem> {
  return pagesFor(`feed ${uri} ${owner()}`, () =>
    makePages((cursor) => {
      const params = { feed: uri, limit: 30, cursor }
      return feedPage(read('app.bsky.feed.getFeed', { params }))
    }, feedKey),
  )
}

/** Feeds to choose from: this network's own first, then what the view suggests. */
export async function suggestedFeeds(): Promise<Generator[]> {
  const own = network().feeds?.uris ?? []
  type Answer = { feeds: Generator[] }
  const [ours, theirs] = await Promise.allSettled([
    meetGenerators(own),
    read<Answer>('app.bsky.feed.getSuggestedFeeds', { params: { limit: 50 } }),
  ])
  if (theirs.status === 'rejected' && (ours.status === 'rejected' || own.length === 0)) {
    throw theirs.reason
  }
  if (theirs.status === 'fulfilled') keepGenerators(theirs.value.feeds)
  const more = theirs.status === 'fulfilled' ? theirs.value.feeds.map(({ uri }) => uri) : []
  return [...new Set([...own, ...more])].flatMap((uri) => known.peek().get(uri) ?? [])
}

/** URIs of the feeds whose tabs stand at home, in their order; empty until that is known. */
export const pinned = (): string[] => pinnedFeeds(preferences())

/** URIs of all feeds the person keeps, pinned or not. */
export const saved = (): string[] =>
  savedFeeds(preferences()).flatMap(({ type, value }) => (type === 'feed' ? [value] : []))

/** Reads what is pinned, and what those feeds are called. */
export async function readPinned(): Promise<void> {
  await meetGenerators(pinnedFeeds(await readPreferences()))
}

/** Pins a feed to the home page, or takes it from there. */
export async function setPinned(uri: string, on: boolean): Promise<void> {
  await changePreferences((list) => withPinned(list, uri, on, nextKey))
}
