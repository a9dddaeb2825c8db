/** A list that loads its next page as its end comes near, with every state it can be in. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { place } from '../app/router.ts'
import { isGone } from '../data/keep.ts'
import type { Pages } from '../data/pages.ts'
import type { Problem } from '../data/problem.ts'
import { isHushed } from '../data/quiet.ts'
import type { FeedItem, Person } from '../data/views.ts'
import { t } from '../words/index.ts'
import { judgePost } from './labels.tsx'
import { PersonRow } from './person.tsx'
import { PostView } from './post.tsx'
import { PeopleBones, PostBones, SmallTrouble, Trouble } from './states.tsx'

interface ListProps<T> {
  pages: Pages<T>
  bones: ComponentChildren
  empty: ComponentChildren
  /** Said at the end of a list that has something. */
  end?: string
  /** Says what went wrong where the list's own words say it better. */
  trouble?: (problem: Problem, retry: () => void) => ComponentChildren
  children: (items: readonly T[]) => ComponentChildren
}

export function List<T>(props: ListProps<T>): ComponentChildren {
  const { pages, bones, empty, end, trouble, children } = props
  useEffect(() => {
    // Gone to anew, a list is read again; come back to, it stays as it was left.
    if (pages.state.peek() !== 'first' && !place.peek().returned) void pages.reload()
    else pages.start()
  }, [pages, place.value.visit])
  const items = pages.items.value
  const state = pages.state.value
  const problem = pages.problem.value
  const again = () => void pages.reload()
  if (items.length === 0) {
    if (problem) return trouble?.(problem, again) ?? <Trouble problem={problem} retry={again} />
    return state === 'first' ? bones : empty
  }
  return (
    <>
      {children(items)}
      {problem ? (
        <SmallTrouble problem={problem} retry={state === 'first' ? again : pages.more} />
      ) : (
        <Sentinel pages={pages} />
      )}
      {state === 'end' && end && <p class="end">{end}</p>}
    </>
  )
}

function Sentinel<T>({ pages }: { pages: Pages<T> }) {
  const element = useRef<HTMLDivElement>(null)
  const state = pages.state.value
  useEffect(() => {
    if (!element.current || state !== 'idle') return
    const watcher = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) pages.more()
      },
      { rootMargin: '900px' },
    )
    watcher.observe(element.current)
    return () => watcher.disconnect()
  }, [pages, state])
  if (state === 'more') return <PostBones count={1} />
  if (state !== 'idle') return null
  return (
    <div class="end more-sentinel" ref={element}>
      <button type="button" class="link-button" onClick={() => pages.more()}>
        {t('more')}
      </button>
    </div>
  )
}

type FeedProps = Pick<ListProps<FeedItem>, 'pages' | 'empty' | 'end' | 'trouble'> & {
  /** Shows also what those wrote whom one has muted, and where something was left out. */
  everybody?: boolean
}

/** Posts. */
export function Feed({ pages, empty, end, trouble, everybody }: FeedProps) {
  return (
    <List pages={pages} bones={<PostBones />} empty={empty} end={end} trouble={trouble}>
      {(items) => (
        <div role="feed" aria-busy={pages.state.value === 'more'}>
          {items
            .filter(({ post }) => !isGone(post.uri).value)
            .filter(({ post }) => everybody || !(isHushed(post.author) || judgePost(post).hidden))
            .map((item) => (
              <PostView
                key={`${item.post.uri} ${item.reason?.by?.did ?? ''}`}
                post={item.post}
                item={item}
              />
            ))}
        </div>
      )}
    </List>
  )
}

type PeopleProps = Pick<ListProps<Person>, 'pages' | 'empty' | 'trouble'>

/** People. */
export function PeopleFeed({ pages, empty, trouble }: PeopleProps) {
  return (
    <List pages={pages} bones={<PeopleBones />} empty={empty} trouble={trouble}>
      {(items) => (
        <ul class="people">
          {items.map((person) => (
            <PersonRow key={person.did} person={person} bio />
          ))}
        </ul>
      )}
    </List>
  )
}
