/** The client's start: configuration, then the page. */

import { effect } from '@preact/signals'
import { render } from 'preact'
import './design/index.css'
import { loadConfig } from './app/config.ts'
import { startRouter } from './app/router.ts'
import { Shell } from './app/shell.tsx'
import { startShortcuts } from './app/shortcuts.ts'
import { identityOf } from './data/identity.ts'
import { keepPerson } from './data/keep.ts'
import { startUnread } from './data/notify.ts'
import { problemOf } from './data/problem.ts'
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
  startRouter()
  startShortcuts()
  startUnread()
  effect(() => {
    const session = me.value
    if (session) knowMyself(session)
  })
  render(<Shell />, root)
}

/** The person's own picture and name, for the bar and the composer. */
function knowMyself({ did, handle, pds }: Session): void {
  const known = `${did} ${pds}`
  if (known === lastKnown) return
  lastKnown = known
  keepPerson({ did, handle })
  // A move that was made elsewhere is noticed here.
  identityOf(did).then(
    (identity) => noteHost(did, identity.pds === pds ? undefined : identity.pds),
    () => {},
  )
  const params = { actor: did }
  read<Profile>('app.bsky.actor.getProfile', { params }).then(keepPerson, () => {})
}

let lastKnown = ''

void start()
