/** The side bar; a rail on narrower screens, a bar below on phones. */

import { nameOf } from '../data/actions.ts'
import { unread } from '../data/notify.ts'
import { me } from '../data/session.ts'
import { myself } from '../parts/composer-line.tsx'
import { startWriting } from '../parts/composer-state.ts'
import { Icon, type IconName, Mark } from '../parts/icon.tsx'
import { Avatar, Handle, profilePath } from '../parts/person.tsx'
import { compact, type Key, t } from '../words/index.ts'
import { path } from './router.ts'

interface Item {
  icon: IconName
  to: string
  words: Key & ('nav.home' | 'nav.search' | 'nav.notifications' | 'nav.data' | 'nav.settings')
  /** Left out below, where there is little room. */
  desk?: boolean
}

const forMembers: readonly Item[] = [
  { icon: 'home', to: '/', words: 'nav.home' },
  { icon: 'find', to: '/search', words: 'nav.search' },
  { icon: 'bell', to: '/notifications', words: 'nav.notifications' },
  { icon: 'data', to: '/data', words: 'nav.data' },
  { icon: 'settings', to: '/settings', words: 'nav.settings', desk: true },
]

const forVisitors: readonly Item[] = [
  { icon: 'home', to: '/', words: 'nav.home' },
  { icon: 'find', to: '/search', words: 'nav.search' },
  { icon: 'settings', to: '/settings', words: 'nav.settings' },
]

export function Nav() {
  const person = myself()
  const items = person ? forMembers : forVisitors
  return (
    <nav class="nav" aria-label={t('nav.label')}>
      <a class="nav-brand" href="/">
        <Mark />
        <span>{t('brand')}</span>
      </a>
      {items.map((item) => (
        <NavLink key={item.to} item={item} />
      ))}
      {person ? (
        <>
          <button
            type="button"
            class={resting() ? 'button write resting' : 'button write'}
            onClick={() => startWriting()}
          >
            <Icon name="write" />
            <span>{t('nav.write')}</span>
            <span class="sr">{t('nav.write')}</span>
          </button>
          <a
            class="nav-me"
            href={profilePath(person)}
            aria-label={t('nav.profile')}
            aria-current={path.value === profilePath(person) ? 'page' : undefined}
          >
            <Avatar person={person} size="small" />
            <span>
              <b class="cut own" dir="auto">
                {nameOf(person)}
              </b>
              <span class="small quiet cut latin">
                <Handle handle={person.handle} />
              </span>
            </span>
          </a>
        </>
      ) : (
        <>
          <a class="button join nav-desk" href="/sign-up">
            {t('signUp')}
          </a>
          <a
            class="nav-link"
            href="/sign-in"
            aria-current={path.value === '/sign-in' ? 'page' : undefined}
          >
            <Icon name="person" />
            <span>{t('signIn')}</span>
          </a>
        </>
      )}
    </nav>
  )
}

/** Pages that are not for writing: on phones the button would lie over them. */
function resting(): boolean {
  return /^\/(data|settings)/.test(path.value)
}

function NavLink({ item: { icon, to, words, desk } }: { item: Item }) {
  const current = to === '/' ? path.value === '/' : path.value.startsWith(to)
  const count = icon === 'bell' && me.value ? unread.value : 0
  const label = count > 0 ? t('nav.unread', { n: count }) : t(words)
  return (
    <a
      class={desk ? 'nav-link nav-desk' : 'nav-link'}
      href={to}
      aria-current={current ? 'page' : undefined}
      aria-label={label}
    >
      <Icon name={icon} />
      <span>{t(words)}</span>
      {count > 0 && <span class="nav-count">{compact(count)}</span>}
    </a>
  )
}
