/** The timeline of a person; for a visitor, what this place is. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { place } from '../app/router.ts'
import { timeline, timelineHead } from '../data/feeds.ts'
import { feedOf } from '../data/generators.ts'
import { me } from '../data/session.ts'
import { ComposerLine } from '../parts/composer-line.tsx'
import { Feed } from '../parts/feed.tsx'
import { FeedTabs, feedName } from '../parts/feed-tabs.tsx'
import { Head } from '../parts/page.tsx'
import { Empty, Trouble } from '../parts/states.tsx'
import { t } from '../words/index.ts'
import { Welcome } from './welcome.tsx'

export function Home() {
  return me.value ? <Fields key={me.value.did} /> : <Welcome />
}

/** The timeline, or the feed whose tab was chosen. */
function Fields() {
  const feed = place.value.query.get('feed') ?? undefined
  return (
    <>
      <Head title={feed ? feedName(feed) : t('nav.home')} />
      <FeedTabs current={feed} />
      {feed ? <Chosen uri={feed} key={feed} /> : <Timeline />}
    </>
  )
}

/** What a feed holds; one that does not answer takes nothing else with it. */
function Chosen({ uri }: { uri: string }) {
  return (
    <Feed
      pages={feedOf(uri)}
      end={t('feeds.end')}
      empty={<Empty title={t('feeds.empty')}>{t('feeds.emptyText')}</Empty>}
      trouble={(problem, retry) => (
        <Trouble
          problem={problem}
          retry={retry}
          side="feeds"
          what={t('feeds.down')}
          safe={t('feeds.downText')}
        />
      )}
    />
  )
}

function Timeline() {
  const pages = timeline()
  const empty = (
    <Empty
      title={t('home.empty')}
      action={
        <a class="button" href="/people">
          {t('people.find')}
        </a>
      }
    >
      {t('home.emptyText')}
    </Empty>
  )
  return (
    <>
      <ComposerLine />
      <Fresh />
      <Feed pages={pages} empty={empty} end={t('home.end')} />
    </>
  )
}

const everyMs = 30_000

/** Looks now and then whether there is something new, and offers it without moving the page. */
function Fresh() {
  const waiting = useSignal(0)
  useEffect(() => {
    const look = async () => {
      if (document.hidden) return
      const pages = timeline()
      const known = new Set(pages.items.peek().map(({ post }) => post.uri))
      if (known.size === 0) return
      const head = await timelineHead().catch(() => [])
      const mine = me.peek()?.did
      const fresh = head.filter(({ post }) => !known.has(post.uri) && post.author.did !== mine)
      waiting.value = fresh.length
    }
    const timer = setInterval(() => void look(), everyMs)
    const seen = () => void look()
    document.addEventListener('visibilitychange', seen)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', seen)
    }
  }, [])
  if (waiting.value === 0) return null
  return (
    <div class="fresh">
      <button
        type="button"
        onClick={() => {
          waiting.value = 0
          scrollTo(0, 0)
          void timeline().reload()
        }}
      >
        {t('home.fresh')}
      </button>
    </div>
  )
}
