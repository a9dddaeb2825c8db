/** One field for finding: names people while it is written in, and searches for the words. */
import { useSignal } from '@preact/signals'
import { isDid, isHandle } from 'falaj/protocol/syntax'
import { useEffect, useId } from 'preact/hooks'
import { go } from '../app/router.ts'
import { nameOf } from '../data/actions.ts'
import { cleanName } from '../data/identity.ts'
import { peopleLike, type SearchTab, searchPath } from '../data/search.ts'
import type { Person } from '../data/views.ts'
import { t } from '../words/index.ts'
import { Icon } from './icon.tsx'
import { Avatar, Handle, profilePath } from './person.tsx'

interface SearchBoxProps {
  /** The words that are searched for at the moment. */
  words?: string
  tab?: SearchTab
}

const restMs = 180
const combobox = { role: 'combobox', list: undefined } as const

export function SearchBox({ words = '', tab }: SearchBoxProps) {
  const id = useId()
  const text = useSignal(words)
  const people = useSignal<readonly Person[]>([])
  const at = useSignal(-1)
  const open = useSignal(false)
  useEffect(() => {
    text.value = words
    open.value = false
  }, [words])
  useEffect(() => {
    const typed = text.value.trim()
    if (!open.value || typed === '' || typed.startsWith('#')) {
      people.value = []
      return
    }
    const stop = new AbortController()
    const timer = setTimeout(() => {
      // Names are a help, not the search: when nobody answers, the field is still a field.
      peopleLike(typed.replace(/^@/, ''), stop.signal).then(
        (found) => {
          people.value = found
          at.value = -1
        },
        () => {},
      )
    }, restMs)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [text.value, open.value])
  const shown = open.value ? people.value : []

  function leave(to: string) {
    open.value = false
    go(to)
  }
  function submit() {
    const chosen = shown[at.value]
    const typed = text.value.trim()
    const name = cleanName(typed)
    if (chosen) leave(profilePath(chosen))
    else if (isDid(name) || (typed.startsWith('@') && isHandle(name))) leave(`/profile/${name}`)
    else if (typed !== '') leave(searchPath(typed, tab))
  }
  function press(event: KeyboardEvent) {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (event.key === 'Escape' && open.value) {
      event.preventDefault()
      open.value = false
    }
    if (step === 0 || shown.length === 0) return
    event.preventDefault()
    const next = at.value + step
    at.value = next < -1 ? shown.length - 1 : next >= shown.length ? -1 : next
  }
  return (
    <search>
      <form
        class="field search-field"
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
        onFocusOut={(event) => {
          if (!event.currentTarget.contains(event.relatedTarget as Node)) open.value = false
        }}
      >
        <label class="sr" for={id}>
          {t('search.label')}
        </label>
        <div class="input-row find">
          <Icon name="find" />
          {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: its role comes with the rest */}
          <input
            id={id}
            class="input"
            type="search"
            {...combobox}
            dir="auto"
            enterkeyhint="search"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            value={text.value}
            placeholder={t('search.prompt')}
            aria-expanded={shown.length > 0}
            aria-controls={`${id}-people`}
            aria-autocomplete="list"
            aria-activedescendant={at.value >= 0 ? `${id}-${at.value}` : undefined}
            onInput={(event) => {
              text.value = event.currentTarget.value
              open.value = true
            }}
            onKeyDown={press}
          />
        </div>
        <div
          class="suggestions"
          id={`${id}-people`}
          role="listbox"
          aria-label={t('search.likeThis')}
          hidden={shown.length === 0}
        >
          {shown.map((person, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field's own keys choose among them
            <div
              key={person.did}
              class="suggestion"
              id={`${id}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at.value}
              onClick={() => leave(profilePath(person))}
            >
              <Avatar person={person} size="small" />
              <span class="person-names">
                <b class="cut own" dir="auto">
                  {nameOf(person)}
                </b>
                <span class="small quiet cut latin">
                  <Handle handle={person.handle} />
                </span>
              </span>
            </div>
          ))}
        </div>
      </form>
    </search>
  )
}
