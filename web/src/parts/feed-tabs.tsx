/** The tabs of the home page: those one follows, then the feeds that were pinned. */
import { useEffect } from 'preact/hooks'
import { language } from '../app/prefs.ts'
import { generatorOf, meetGenerators, pinned, readPinned } from '../data/generators.ts'
import { inLanguage } from '../data/in-language.ts'
import { t } from '../words/index.ts'
import { Icon } from './icon.tsx'

/** Where a feed is read at home. */
export const homeOf = (uri: string) => `/?${new URLSearchParams({ feed: uri })}`

/** What a feed is called, for who reads this page. */
export function feedName(uri: string): string {
  const view = generatorOf(uri)
  return view ? inLanguage(view.displayName, language.value) : (uri.split('/').at(-1) ?? uri)
}

/** `current` is the URI of the feed that is shown, or undefined for the timeline. */
export function FeedTabs({ current }: { current: string | undefined }) {
  useEffect(() => {
    // Without its tabs the timeline is still the timeline.
    readPinned().catch(() => {})
  }, [])
  useEffect(() => {
    if (current) meetGenerators([current]).catch(() => {})
  }, [current])
  const kept = pinned()
  const uris = current && !kept.includes(current) ? [...kept, current] : kept
  return (
    <div class="tabs-row">
      <nav class="tabs" aria-label={t('feeds.tabs')}>
        <a class="tab" href="/" aria-current={current === undefined ? 'page' : undefined}>
          {t('feeds.following')}
        </a>
        {uris.map((uri) => (
          <a
            key={uri}
            class="tab"
            href={homeOf(uri)}
            aria-current={uri === current ? 'page' : undefined}
          >
            <bdi dir="auto">{feedName(uri)}</bdi>
          </a>
        ))}
      </nav>
      <a class="round-button" href="/feeds" aria-label={t('feeds.all')} title={t('feeds.all')}>
        <Icon name="feeds" />
      </a>
    </div>
  )
}
