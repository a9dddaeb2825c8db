/** Searching: one field, and what was found, in posts and people. */
import { useEffect, useRef } from 'preact/hooks'
import { place } from '../app/router.ts'
import type { Problem } from '../data/problem.ts'
import { peopleFound, postsFound, type SearchTab, searchPath, searchTabs } from '../data/search.ts'
import { Feed, PeopleFeed } from '../parts/feed.tsx'
import { Head } from '../parts/page.tsx'
import { SearchBox } from '../parts/search-box.tsx'
import { Empty, Trouble } from '../parts/states.tsx'
import { t } from '../words/index.ts'
import { PeopleHere } from './people.tsx'

export function Search() {
  const { query } = place.value
  const q = query.get('q')?.trim() ?? ''
  const tab = searchTabs.find((name) => name === query.get('in')) ?? 'top'
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // Without a mouse or keyboard a field in focus covers half the screen with keys.
    if (q === '' && matchMedia('(pointer: fine)').matches)
      box.current?.querySelector('input')?.focus()
  }, [])
  return (
    <>
      <Head title={q === '' ? t('nav.search') : t('search.title', { q })} />
      <div class="find-box" ref={box}>
        <SearchBox words={q} tab={tab} />
      </div>
      {q === '' ? <PeopleHere /> : <Found q={q} tab={tab} />}
    </>
  )
}

function Found({ q, tab }: { q: string; tab: SearchTab }) {
  return (
    <>
      <nav class="tabs" aria-label={t('search.tabs')}>
        {searchTabs.map((name) => (
          <a
            key={name}
            class="tab"
            href={searchPath(q, name)}
            aria-current={name === tab ? 'page' : undefined}
          >
            {t(`search.tab.${name}`)}
          </a>
        ))}
      </nav>
      {tab === 'people' ? (
        <PeopleFeed
          key={q}
          pages={peopleFound(q)}
          trouble={trouble}
          empty={<Empty title={t('search.nobody')}>{t('search.nobodyText')}</Empty>}
        />
      ) : (
        <Feed
          key={`${tab} ${q}`}
          pages={postsFound(q, tab)}
          trouble={trouble}
          end={t('search.end')}
          empty={<Empty title={t('search.nothing')}>{t('search.nothingText')}</Empty>}
        />
      )}
    </>
  )
}

// A host or a view that answers "not from me" has a search behind it that does not answer.
const away = new Set<Problem['kind']>(['upstream', 'broken'])

function trouble(problem: Problem, retry: () => void) {
  if (!away.has(problem.kind)) return undefined
  return (
    <Trouble
      problem={problem}
      retry={retry}
      side="search"
      what={t('search.down')}
      safe={t('search.downText')}
    />
  )
}
