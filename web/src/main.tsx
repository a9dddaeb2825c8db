/** The client's start: configuration, then the page. */

import { effect, untracked } from '@preact/signals'
import { render } from 'preact'
import './design/index.css'
import { chosenLanguage } from './app/choices.ts'
import { loadConfig, network } from './app/config.ts'
import { language } from './app/prefs.ts'
import { startRouter } from './app/router.ts'
import { Shell } from './app/shell.tsx'
import { startShortcuts } from './app/shortcuts.ts'
import { identityOf } from './data/identity.ts'
import { forgetRead, keepPerson } from './data/keep.ts'
import { readLabelers } from './data/labeler-words.ts'
import { startUnread } from './data/notify.ts'
import { forgetPages } from './data/pages.ts'
import type { Preference } from './data/preference-list.ts'
import { readPreferences } from './data/preferences.ts'
import { problemOf } from './data/problem.ts'
import { labelers } from './data/services.ts'
import { me, noteHost, read, type Session } from './data/session.ts'
import type { Profile } from './data/views.ts'
import { CallError } from './data/xrpc.ts'
import { Trouble } from './parts/states.tsx'

const root = document.getElementById('app')!

async function start(): Promise<void> {
  try {
    await loadConfig()
  } catch (error) {
    const failure =
      error instanceof TypeError
        ? new CallError({
            status: 0,
            error: 'Unreachable',
            message: String(error),
            host: location.host,
          })
        : error
    render(
      <main class="lonely">
        <Trouble problem={problemOf(failure)} retry={() => void start()} />
      </main>,
      root,
    )
    return
  }
  language.value = chosenLanguage(network().languages)
  startRouter()
  startShortcuts()
  startUnread()
  effect(() => {
    const session = me.value
    if (session) knowMyself(session)
  })
  // Now, and whenever other labelers are followed.
  effect(() => {
    if (labelers().length > 0) untracked(() => void readLabelers())
  })
  render(<Shell />, root)
}

/** The person's own picture and name, for the bar and the composer. */
function knowMyself({ did, handle, pds }: Session): void {
  if (did === last?.did && pds === last.pds) return
  // What was read carries somebody's likes and follows; another person starts without them.
  if (last && last.did !== did) {
    forgetRead()
    forgetPages()
  }
  last = { did, pds }
  keepPerson({ did, handle })
  // What they want covered is known before they read far.
  readPreferences().then(takeOver, () => {})
  // A move that was made elsewhere is noticed here.
  identityOf(did).then(
    (identity) => noteHost(did, identity.pds === pds ? undefined : identity.pds),
    () => {},
  )
  const params = { actor: did }
  read<Profile>('app.bsky.actor.getProfile', { params }).then(keepPerson, () => {})
}

/** Whose labels the account follows, on a device that does not know it yet. */
async function takeOver(list: readonly Preference[]): Promise<void> {
  if (!list.some(({ $type }) => $type === 'app.bsky.actor.defs#labelersPref')) return
  const { adoptLabelers } = await import('./pages/rest.ts')
  await adoptLabelers(list)
}

let last: Pick<Session, 'did' | 'pds'> | undefined

void start()
