/** The timeline of a person; for a visitor, what this place is. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { timeline, timelineHead } from '../data/feeds.ts'
import { me } from '../data/session.ts'
import { ComposerLine } from '../parts/composer.tsx'
import { Feed } from '../parts/feed.tsx'
import { Head } from '../parts/page.tsx'
import { Empty } from '../parts/states.tsx'
import { t } from '../words/index.ts'
import { Welcome } from './welcome.tsx'

export function Home() {
  return me.value ? <Timeline key={me.value.did} /> : <Welcome />
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
      <Head title={t('nav.home')} />
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
