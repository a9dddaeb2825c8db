/** The way into the composer, which itself comes when somebody writes. */
import { knownPerson } from '../data/keep.ts'
import { me } from '../data/session.ts'
import type { Person } from '../data/views.ts'
import { t } from '../words/index.ts'
import { writing } from './composer-state.ts'
import { Avatar } from './person.tsx'

/** The line on the home page that opens the composer. */
export function ComposerLine() {
  const person = myself()
  return (
    <button
      type="button"
      class="composer-line"
      onClick={() => {
        writing.value = {}
      }}
    >
      {person && <Avatar person={person} size="small" />}
      {t('compose.prompt')}
    </button>
  )
}

export function myself(): Person | undefined {
  const session = me.value
  if (!session) return undefined
  return knownPerson(session.did)?.value ?? { did: session.did, handle: session.handle }
}
