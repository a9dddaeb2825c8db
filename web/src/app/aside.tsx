/** The margin: finding people, people to know, and the channel at a glance. */
import { useEffect } from 'preact/hooks'
import { channelOf, checkChannel } from '../data/health.ts'
import { loadNeighbours, neighbours } from '../data/neighbours.ts'
import { hostAway, me } from '../data/session.ts'
import { ChannelGlance } from '../parts/channel.tsx'
import { PersonRow } from '../parts/person.tsx'
import { SearchBox } from '../parts/search-box.tsx'
import { t } from '../words/index.ts'
import { path } from './router.ts'

const wide = matchMedia('(min-width: 1121px)')
const everyMs = 120_000

export function Aside() {
  const session = me.value
  useEffect(() => {
    // Nothing is asked for a margin that is not shown.
    if (!wide.matches) return
    if (!neighbours.peek()) loadNeighbours().catch(() => {})
    void checkChannel(session?.pds)
    const timer = setInterval(() => {
      if (!document.hidden) void checkChannel(me.peek()?.pds)
    }, everyMs)
    return () => clearInterval(timer)
  }, [session?.did])
  const strangers = neighbours.value
    ?.filter(({ did, viewer }) => did !== session?.did && !viewer?.following)
    .slice(0, 4)
  const finding = path.value === '/people' || path.value === '/search'
  return (
    <aside class="aside" aria-label={t('aside.label')}>
      {!finding && <SearchBox />}
      {!path.value.startsWith('/data') && (
        <section class="box">
          <h2>{session ? <a href="/data">{t('data.layers')}</a> : t('data.layersHere')}</h2>
          <ChannelGlance stops={channelOf(session?.pds)} />
        </section>
      )}
      {!finding && !hostAway.value && strangers && strangers.length > 0 && (
        <section class="box">
          <h2>{t('people.maybe')}</h2>
          <ul>
            {strangers.map((person) => (
              <PersonRow key={person.did} person={person} />
            ))}
          </ul>
        </section>
      )}
    </aside>
  )
}
