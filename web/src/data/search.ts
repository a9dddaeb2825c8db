/** Searching posts and people: through the person's host and the view, from whoever searches. */
import { keepItems, keepPeople, owner } from './feeds.ts'
import { makePages, type Pages, pagesFor } from './pages.ts'
import { read } from './session.ts'
import type { FeedItem, Person, Post } from './views.ts'

export const searchTabs = ['top', 'latest', 'people'] as const
export type SearchTab = (typeof searchTabs)[number]

/** The address of a search. */
export function searchPath(q: string, tab: SearchTab = 'top'): string {
  const query = new URLSearchParams({ q })
  if (tab !== 'top') query.set('in', tab)
  return `/search?${query}`
}

/** Posts with these words: the best of them, or all by time. */
export function postsFound(q: string, sort: 'top' | 'latest'): Pages<FeedItem> {
  return pagesFor(`search ${sort} ${q} ${owner()}`, () =>
    makePages(
      async (cursor) => {
        const params = { q, sort, limit: 25, cursor }
        type Answer = { posts: Post[]; cursor?: string }
        const answer = await read<Answer>('app.bsky.feed.searchPosts', { params })
        const items = answer.posts.map((post) => ({ post }))
        return { items: keepItems(items), cursor: answer.cursor }
      },
      ({ post }) => post.uri,
    ),
  )
}

/** People whose name, handle or words about themselves have these words. */
export function peopleFound(q: string): Pages<Person> {
  return pagesFor(`search people ${q} ${owner()}`, () =>
    makePages(
      async (cursor) => {
        const params = { q, limit: 25, cursor }
        type Answer = { actors: Person[]; cursor?: string }
        const answer = await read<Answer>('app.bsky.actor.searchActors', { params })
        return { items: keepPeople(answer.actors), cursor: answer.cursor }
      },
      ({ did }) => did,
    ),
  )
}

/** A few people whose name begins like this, for a field that is being written in. */
export async function peopleLike(q: string, signal: AbortSignal): Promise<Person[]> {
  const params = { q, limit: 6 }
  const options = { params, signal, timeoutMs: 5_000 }
  type Answer = { actors: Person[] }
  return (await read<Answer>('app.bsky.actor.searchActorsTypeahead', options)).actors
}
