/** The frame around every page: side bar, page, margin; messages above all. */
import { signal, useSignal } from '@preact/signals'
import { Component, type ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { problemOf } from '../data/problem.ts'
import { hostAway, me } from '../data/session.ts'
import { hostOf } from '../data/xrpc.ts'
import { asking } from '../parts/asking.ts'
import { writing } from '../parts/composer-state.ts'
import { Head } from '../parts/page.tsx'
import { signInPath, Trouble } from '../parts/states.tsx'
import { PictureViewer } from '../parts/viewer.tsx'
import { rich, t } from '../words/index.ts'
import { Aside } from './aside.tsx'
import { later } from './later.tsx'
import { Nav } from './nav.tsx'
import { language } from './prefs.ts'
import { path, place } from './router.ts'
import { pageAt } from './routes.tsx'
import { dismiss, toasts } from './toasts.ts'

const loadComposer = async () => (await import('../pages/rest.ts')).ComposerDialog
const ComposerDialog = later(loadComposer, { quiet: true })
// Words are written where the network is bad, too: the composer comes before anybody asks for it.
if (me.peek()) setTimeout(() => void loadComposer().catch(() => {}), 3_000)
const Asked = later(async () => (await import('../pages/rest.ts')).Asked, { quiet: true })

const online = signal(navigator.onLine)
addEventListener('online', () => {
  online.value = true
})
addEventListener('offline', () => {
  online.value = false
})

export function Shell() {
  const page = pageAt(path.value)
  const allowed = !page.mine || me.value !== undefined
  return (
    <>
      <a class="skip" href="#page">
        {t('skip')}
      </a>
      <div class="app">
        <Nav />
        <main class="page" id="page" tabIndex={-1}>
          <Banners />
          {/* A page that breaks must not take the others with it; language starts it anew. */}
          <Guard key={`${path.value} ${language.value} ${me.value?.did}`}>
            {allowed ? page.content : <PleaseSignIn />}
          </Guard>
        </main>
        <Aside />
      </div>
      {writing.value && <ComposerDialog />}
      <PictureViewer />
      {asking.value && <Asked />}
      <Toasts />
      <Announcer />
    </>
  )
}

function PleaseSignIn() {
  return (
    <>
      <Head title={t('signIn')} up="/" />
      <Trouble problem={{ kind: 'signedOut', host: '', detail: '' }} />
    </>
  )
}

function Banners() {
  if (!online.value) {
    return (
      <div class="banner" role="status">
        {t('offline')}
      </div>
    )
  }
  if (me.value && hostAway.value) {
    return (
      <div class="banner" role="status">
        <span>{rich('hostAway', { host: <bdi dir="ltr">{hostOf(me.value.pds)}</bdi> })}</span>{' '}
        <a href="/data">{t('silent.layers')}</a>
      </div>
    )
  }
  const movedTo = me.value?.movedTo
  if (movedTo) {
    return (
      <div class="banner" role="status">
        <span>{rich('movedAway', { host: <bdi dir="ltr">{hostOf(movedTo)}</bdi> })}</span>{' '}
        <a href={signInPath()}>{t('signIn')}</a>
      </div>
    )
  }
  if (me.value?.expired) {
    return (
      <div class="banner" role="status">
        {t('expired')} <a href={signInPath()}>{t('signIn')}</a>
      </div>
    )
  }
  return null
}

function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, action }) => (
        <div class="toast" key={id}>
          <span dir="auto">{text}</span>
          {action && (
            <button
              type="button"
              onClick={() => {
                dismiss(id)
                action.run()
              }}
            >
              {action.label}
            </button>
          )}
        </div>
      ))}
    </div>
  )
}

/** Says the new page's name to those who do not see it change. */
function Announcer() {
  const title = useSignal('')
  useEffect(() => {
    if (place.peek().visit > 0) requestAnimationFrame(() => (title.value = document.title))
  }, [path.value])
  return (
    <div class="sr" role="status" aria-live="polite">
      {title}
    </div>
  )
}

/** Shows what went wrong in a page's own code instead of an empty screen. */
class Guard extends Component<{ children: ComponentChildren }, { error?: unknown }> {
  override componentDidCatch(error: unknown) {
    console.error(error)
    this.setState({ error })
  }

  render() {
    if (this.state.error === undefined) return this.props.children
    return (
      <Trouble
        problem={problemOf(this.state.error)}
        retry={() => this.setState({ error: undefined })}
      />
    )
  }
}
