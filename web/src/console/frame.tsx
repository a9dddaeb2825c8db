/** The console's frame: who and where, six sections, keys. */
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { language, setLanguage } from '../app/prefs.ts'
import { hostOf } from '../data/xrpc.ts'
import { Mark } from '../parts/icon.tsx'
import { Accounts } from './accounts.tsx'
import { Audit } from './audit.tsx'
import { HostHealth } from './health.tsx'
import { operator, signOut } from './host.ts'
import { Invites } from './invites.tsx'
import { Mail } from './mail.tsx'
import { Operators } from './operators.tsx'
import { Latin } from './parts.tsx'
import { SignIn } from './sign-in.tsx'
import { w } from './words/index.ts'

const sections = ['accounts', 'mail', 'invites', 'health', 'operators', 'audit'] as const
type Section = (typeof sections)[number]

const section = signal<Section>(sectionNow())

function sectionNow(): Section {
  const name = location.hash.slice(1)
  return sections.find((one) => one === name) ?? 'accounts'
}

addEventListener('hashchange', () => {
  section.value = sectionNow()
})

export function Frame() {
  const current = section.value
  useEffect(() => {
    document.title = `${w(current)} · ${w('title')}`
  }, [current, language.value, operator.value])
  useEffect(() => {
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  return (
    <div class="console">
      <a class="skip" href="#page">
        {w('skip')}
      </a>
      <header class="console-bar">
        <span class="console-brand">
          <Mark size={26} /> {w('brand')}
        </span>
        {operator.value && (
          <span class="console-where quiet">
            <Latin>
              {operator.value.name}@{hostOf(operator.value.service)}
            </Latin>
          </span>
        )}
        <span class="console-choices">
          <button
            type="button"
            class="link-button"
            lang={language.value === 'ar' ? 'en' : 'ar'}
            onClick={() => setLanguage(language.peek() === 'ar' ? 'en' : 'ar')}
          >
            {w('language')}
          </button>
          {operator.value && (
            <button type="button" class="link-button" onClick={signOut}>
              {w('signOut')}
            </button>
          )}
        </span>
      </header>
      {operator.value ? <Sections current={current} /> : <SignIn />}
    </div>
  )
}

function Sections({ current }: { current: Section }) {
  return (
    <>
      <nav class="console-nav" aria-label={w('sections')}>
        {sections.map((one) => (
          <a key={one} href={`#${one}`} aria-current={one === current ? 'page' : undefined}>
            {w(one)}
          </a>
        ))}
      </nav>
      <main id="page" tabIndex={-1} key={current}>
        <h1>{w(current)}</h1>
        {current === 'accounts' && <Accounts />}
        {current === 'mail' && <Mail />}
        {current === 'invites' && <Invites />}
        {current === 'health' && <HostHealth />}
        {current === 'operators' && <Operators />}
        {current === 'audit' && <Audit />}
      </main>
      <p class="console-keys small quiet">{w('keys')}</p>
    </>
  )
}

/** Sections by number, the search field by a slash; nothing while somebody writes. */
function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement
  const isWriting = target.closest('input, textarea, select, dialog') !== null
  if (isWriting || event.ctrlKey || event.metaKey || event.altKey || !operator.peek()) return
  if (event.key === '/') {
    event.preventDefault()
    document.querySelector<HTMLElement>('input[type=search]')?.focus()
  }
  const chosen = sections[Number(event.key) - 1]
  if (chosen && /^[1-9]$/.test(event.key)) location.hash = chosen
}
