/** Feeds to choose from: what each holds, who makes it, and whether it stands on the home page. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { language } from '../app/prefs.ts'
import { say } from '../app/toasts.ts'
import {
  generatorOf,
  meetGenerators,
  pinned,
  readPinned,
  saved,
  setPinned,
  suggestedFeeds,
} from '../data/generators.ts'
import { inLanguage } from '../data/in-language.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { me } from '../data/session.ts'
import type { Generator } from '../data/views.ts'
import { feedName, homeOf } from '../parts/feed-tabs.tsx'
import { Icon } from '../parts/icon.tsx'
import { Head } from '../parts/page.tsx'
import { Handle, profilePath } from '../parts/person.tsx'
import { Empty, PeopleBones, Trouble } from '../parts/states.tsx'
import { rich, t } from '../words/index.ts'

export function Feeds() {
  const found = useSignal<readonly Generator[] | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)
  const load = () => {
    problem.value = undefined
    if (me.peek())
      readPinned().then(
        () => meetGenerators(saved()),
        () => {},
      )
    suggestedFeeds().then(
      (list) => {
        found.value = list
      },
      (error) => {
        problem.value = problemOf(error)
      },
    )
  }
  useEffect(load, [])
  const mine = pinned().flatMap((uri) => generatorOf(uri) ?? [])
  const kept = new Set(mine.map(({ uri }) => uri))
  const others = [
    ...saved().flatMap((uri) => generatorOf(uri) ?? []),
    ...(found.value ?? []),
  ].filter(({ uri }) => !kept.has(uri) && kept.add(uri))
  return (
    <>
      <Head title={t('feeds.title')} up="/" />
      <div class="body">
        <p class="lead">{t('feeds.lead')}</p>
        {mine.length > 0 && (
          <section aria-labelledby="mine">
            <h2 id="mine">{t('feeds.pinned')}</h2>
            <FeedList list={mine} />
          </section>
        )}
        {problem.value && <Trouble problem={problem.value} retry={load} />}
        {!problem.value && !found.value && <PeopleBones count={3} />}
        {found.value && others.length > 0 && (
          <section class="section" aria-labelledby="others">
            <h2 id="others">{t('feeds.suggested')}</h2>
            <FeedList list={others} />
          </section>
        )}
        {found.value && others.length + mine.length === 0 && (
          <Empty title={t('feeds.none')}>{t('feeds.noneText')}</Empty>
        )}
      </div>
    </>
  )
}

function FeedList({ list }: { list: readonly Generator[] }) {
  return (
    <ul class="feeds">
      {list.map((view) => (
        <FeedCard key={view.uri} view={view} />
      ))}
    </ul>
  )
}

function FeedCard({ view }: { view: Generator }) {
  const { uri, creator, description = '', avatar } = view
  return (
    <li class="feed-card">
      <span class="feed-mark" aria-hidden="true">
        {avatar ? <img src={avatar} alt="" width={44} height={44} /> : <Icon name="feeds" />}
      </span>
      <div class="grow">
        <h3>
          <a href={homeOf(uri)} class="own" dir="auto">
            {feedName(uri)}
          </a>
        </h3>
        {description !== '' && (
          <p dir="auto" class="feed-text">
            {inLanguage(description, language.value)}
          </p>
        )}
        <p class="small quiet">
          {rich('feeds.by', {
            name: (
              <a href={profilePath(creator)}>
                <Handle handle={creator.handle} />
              </a>
            ),
          })}
        </p>
      </div>
      <PinButton uri={uri} />
    </li>
  )
}

/** Pins a feed to the home page, or takes it from there. */
function PinButton({ uri }: { uri: string }) {
  const busy = useSignal(false)
  if (!me.value) return null
  const on = pinned().includes(uri)
  const name = feedName(uri)
  async function toggle() {
    busy.value = true
    try {
      await setPinned(uri, !on)
      say(t(on ? 'feeds.unpinned' : 'feeds.pinnedNow', { name }))
    } catch (error) {
      const again = { label: t('retry'), run: () => void toggle() }
      say(t(`failed.${problemOf(error).kind}`), again)
    } finally {
      busy.value = false
    }
  }
  return (
    <button
      type="button"
      class={on ? 'button ghost small' : 'button small'}
      aria-pressed={on}
      aria-label={t(on ? 'feeds.unpinLabel' : 'feeds.pinLabel', { name })}
      aria-busy={busy.value}
      disabled={busy.value}
      onClick={() => void toggle()}
    >
      {t(on ? 'feeds.unpin' : 'feeds.pin')}
    </button>
  )
}
