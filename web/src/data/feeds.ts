/** The lists of posts and people that pages show, each under a name that brings it back. */
import { keepPerson, keepPost } from './keep.ts'
import { makePages, type Page, type Pages, pagesFor } from './pages.ts'
import { ask, me, read } from './session.ts'
import { type FeedItem, isPost, type Notification, type Person, type Post } from './views.ts'
import { type CallOptions, query } from './xrpc.ts'

const pageSize = 30

export const feedKey = ({ post, reason }: FeedItem) => `${post.uri} ${reason?.by?.did ?? ''}`

/** Takes in the posts and people of a page of a list. */
export function keepItems(items: FeedItem[]): FeedItem[] {
  for (const { post, reply, reason } of items) {
    keepPost(post)
    if (isPost(reply?.parent)) keepPost(reply.parent)
    if (reason?.by) keepPerson(reason.by)
  }
  return items
}

export async function feedPage(load: Promise<{ feed: FeedItem[]; cursor?: string }>) {
  const { feed, cursor } = await load
  return { items: keepItems(feed), cursor }
}

/** Lists are kept for whoever is signed in: they carry their likes and follows. */
export const owner = () => me.peek()?.did ?? ''

/** What the people write whom the signed-in person follows. */
export function timeline(): Pages<FeedItem> {
  return pagesFor(`timeline ${owner()}`, () =>
    makePages((cursor) => {
      const params = { limit: pageSize, cursor }
      return feedPage(ask('app.bsky.feed.getTimeline', { params }))
    }, feedKey),
  )
}

/** The first items of the timeline as they are now, for knowing whether there is something new. */
export async function timelineHead(): Promise<FeedItem[]> {
  const params = { limit: 5 }
  return (await ask<{ feed: FeedItem[] }>('app.bsky.feed.getTimeline', { params })).feed
}

export type AuthorFilter = 'posts_no_replies' | 'posts_with_replies' | 'posts_with_media'

/** What one person wrote. */
export function authorFeed(did: string, filter: AuthorFilter): Pages<FeedItem> {
  return pagesFor(`author ${did} ${filter} ${owner()}`, () =>
    makePages((cursor) => {
      const params = { actor: did, filter, limit: pageSize, cursor }
      return feedPage(read('app.bsky.feed.getAuthorFeed', { params }))
    }, feedKey),
  )
}

export type PeopleList = 'followers' | 'follows'

const methods = {
  followers: 'app.bsky.graph.getFollowers',
  follows: 'app.bsky.graph.getFollows',
} as const

/** Who follows somebody, or whom they follow. */
export function peopleList(did: string, list: PeopleList): Pages<Person> {
  return pagesFor(`${list} ${did} ${owner()}`, () =>
    makePages(
      async (cursor) => {
        const params = { actor: did, limit: 50, cursor }
        type Answer = { cursor?: string } & Partial<Record<PeopleList, Person[]>>
        const answer = await read<Answer>(methods[list], { params })
        return { items: keepPeople(answer[list] ?? []), cursor: answer.cursor }
      },
      ({ did: key }) => key,
    ),
  )
}

/** Who liked a post, or reposted it. */
export function reactions(uri: string, kind: 'likes' | 'reposts'): Pages<Person> {
  return pagesFor(`${kind} ${uri} ${owner()}`, () =>
    makePages(
      async (cursor): Promise<Page<Person>> => {
        const options: CallOptions = { params: { uri, limit: 50, cursor } }
        if (kind === 'reposts') {
          type Answer = { repostedBy: Person[]; cursor?: string }
          const answer = await read<Answer>('app.bsky.feed.getRepostedBy', options)
          return { items: keepPeople(answer.repostedBy), cursor: answer.cursor }
        }
        type Answer = { likes: { actor: Person }[]; cursor?: string }
        const answer = await read<Answer>('app.bsky.feed.getLikes', options)
        return { items: keepPeople(answer.likes.map(({ actor }) => actor)), cursor: answer.cursor }
      },
      ({ did }) => did,
    ),
  )
}

export function keepPeople(people: Person[]): Person[] {
  for (const person of people) keepPerson(person)
  return people
}

export interface NotificationItem extends Notification {
  /** The post a like or repost is about, when it could be had. */
  subject?: Post
}

/** What happened to the person and their posts, newest first. */
export function notifications(): Pages<NotificationItem> {
  return pagesFor(`notifications ${owner()}`, () =>
    makePages(
      async (cursor) => {
        type Answer = { notifications: Notification[]; cursor?: string }
        const params = { limit: 40, cursor }
        const answer = await ask<Answer>('app.bsky.notification.listNotifications', { params })
        for (const { author } of answer.notifications) keepPerson(author)
        return { items: await withSubjects(answer.notifications), cursor: answer.cursor }
      },
      ({ uri }) => uri,
    ),
  )
}

const aboutPosts = new Set(['like', 'repost', 'quote'])
const posting = new Set(['reply', 'mention', 'quote'])

async function withSubjects(list: Notification[]): Promise<NotificationItem[]> {
  const wanted = list.flatMap(({ reason, reasonSubject, uri }) => {
    if (posting.has(reason)) return [uri]
    return aboutPosts.has(reason) && reasonSubject ? [reasonSubject] : []
  })
  const posts = await postsByUri([...new Set(wanted)]).catch(() => new Map<string, Post>())
  return list.map((item) => {
    const uri = posting.has(item.reason) ? item.uri : item.reasonSubject
    return { ...item, subject: uri ? posts.get(uri) : undefined }
  })
}

/** Posts by URI, 25 to a call; those that are gone are missing. */
export async function postsByUri(uris: readonly string[]): Promise<Map<string, Post>> {
  const calls: Promise<{ posts: Post[] }>[] = []
  for (let at = 0; at < uris.length; at += 25) {
    calls.push(read('app.bsky.feed.getPosts', { params: { uris: uris.slice(at, at + 25) } }))
  }
  const answers = await Promise.all(calls)
  return new Map(
    answers.flatMap(({ posts }) => posts.map((post) => [post.uri, keepPost(post).peek()] as const)),
  )
}

/** People who have accounts at the hosts of this network, the newest hosts' lists first. */
export async function peopleHere(hosts: readonly string[]): Promise<Person[]> {
  type Answer = { repos: { did: string; active?: boolean }[] }
  const lists = await Promise.allSettled(
    hosts.map((host) =>
      query<Answer>(host, 'com.atproto.sync.listRepos', { params: { limit: 20 } }),
    ),
  )
  const dids = lists
    .flatMap((list) => (list.status === 'fulfilled' ? list.value.repos : []))
    .filter(({ active }) => active !== false)
    .map(({ did }) => did)
  if (dids.length === 0) return []
  const params = { actors: [...new Set(dids)].slice(0, 25) }
  const { profiles } = await read<{ profiles: Person[] }>('app.bsky.actor.getProfiles', { params })
  return keepPeople(profiles)
}
