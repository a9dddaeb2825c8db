/** Whom one muted and blocked, each with the way back. */
import { useSignal } from '@preact/signals'
import { nameOf } from '../data/actions.ts'
import { personOf } from '../data/keep.ts'
import { type QuietList, quietList, toggleBlock, toggleMute } from '../data/quiet.ts'
import type { Person } from '../data/views.ts'
import { List } from '../parts/feed.tsx'
import { Head } from '../parts/page.tsx'
import { Avatar, Handle, profilePath } from '../parts/person.tsx'
import { Empty, PeopleBones } from '../parts/states.tsx'
import { t } from '../words/index.ts'

const lists = ['mutes', 'blocks'] as const

export function Quiet() {
  const list = useSignal<QuietList>('mutes')
  return (
    <>
      <Head title={t('quiet.title')} up="/settings" />
      <div
        class="tabs"
        role="tablist"
        aria-label={t('quiet.title')}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
          // There are two: either arrow leads to the other.
          list.value = list.peek() === 'mutes' ? 'blocks' : 'mutes'
          const tabs = event.currentTarget.querySelectorAll<HTMLButtonElement>('[role=tab]')
          tabs[lists.indexOf(list.peek())]?.focus()
        }}
      >
        {lists.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            class="tab"
            aria-selected={list.value === name}
            tabIndex={list.value === name ? 0 : -1}
            onClick={() => {
              list.value = name
            }}
          >
            {t(`quiet.${name}`)}
          </button>
        ))}
      </div>
      <div role="tabpanel" aria-label={t(`quiet.${list.value}`)}>
        <p class="veiled">{t(`quiet.${list.value}Text`)}</p>
        <List
          key={list.value}
          pages={quietList(list.value)}
          bones={<PeopleBones />}
          empty={<Empty title={t(`quiet.${list.value}None`)} />}
          trouble={({ detail }) =>
            detail.includes('MethodNotImplemented') ? (
              <Empty title={t('mute.notHere')} />
            ) : undefined
          }
        >
          {(people) => (
            <ul class="people">
              {people.map((person) => (
                <QuietRow key={person.did} person={person} list={list.value} />
              ))}
            </ul>
          )}
        </List>
      </div>
    </>
  )
}

function QuietRow({ person, list }: { person: Person; list: QuietList }) {
  const shown = personOf(person).value
  const on = list === 'mutes' ? shown.viewer?.muted === true : shown.viewer?.blocking !== undefined
  const name = nameOf(shown)
  const label =
    list === 'mutes'
      ? t(on ? 'mute.end' : 'mute.start', { name })
      : t(on ? 'block.end' : 'block.start', { name })
  return (
    <li class="person">
      <Avatar person={shown} />
      <a href={profilePath(shown)} class="person-names">
        <b class="cut own" dir="auto">
          {name}
        </b>
        <span class="small quiet cut latin">
          <Handle handle={shown.handle} />
        </span>
      </a>
      <button
        type="button"
        class="button ghost small"
        aria-label={label}
        onClick={() => void (list === 'mutes' ? toggleMute(shown) : toggleBlock(shown))}
      >
        {t(on ? `quiet.${list}End` : `quiet.${list}Again`)}
      </button>
    </li>
  )
}
