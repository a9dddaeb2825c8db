/** My data: where it lives, who serves it, how much it is, how to take it and how to leave. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { say } from '../app/toasts.ts'
import { channelOf, checkChannel, type Stop } from '../data/health.ts'
import { activate, downloadRepo, type Holdings, holdings, whoAndWhat } from '../data/holdings.ts'
import type { Identity } from '../data/identity.ts'
import { type Arrival, follow, lastPost } from '../data/journey.ts'
import { type KeyState, keyState } from '../data/key-health.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { viewService } from '../data/services.ts'
import { me, noteAccount, type Session } from '../data/session.ts'
import { Address, Channel } from '../parts/channel.tsx'
import { Icon } from '../parts/icon.tsx'
import { Head } from '../parts/page.tsx'
import { Handle } from '../parts/person.tsx'
import { Bone, SmallTrouble } from '../parts/states.tsx'
import { ago, bytes, number, t } from '../words/index.ts'

export function MyData() {
  const session = me.value
  if (!session) return null
  return <Holder session={session} key={session.did} />
}

interface Known {
  identity: Identity
  collections: string[]
}

function Holder({ session }: { session: Session }) {
  const known = useSignal<Known | undefined>(undefined)
  const held = useSignal<Holdings | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)
  const arrivals = useSignal<readonly Arrival[] | undefined>(undefined)

  async function load() {
    problem.value = undefined
    void checkChannel(session.pds)
    void whoAndWhat(session.did, session.pds).then((found) => {
      known.value = found
    })
    try {
      held.value = await holdings()
    } catch (error) {
      problem.value = problemOf(error)
    }
  }
  useEffect(() => {
    void load()
  }, [])

  return (
    <>
      <Head title={t('nav.data')} />
      <div class="body">
        <p class="lead">{t('data.lead')}</p>
        {held.value?.active === false && !session.movedTo && (
          <Asleep session={session} onAwake={() => void load()} />
        )}
        <Channel stops={channelOf(session.pds)} arrivals={arrivals.value} end={t('data.fields')}>
          {(stop) => <StopText stop={stop} session={session} known={known.value} />}
        </Channel>
        <ChannelButtons session={session} arrivals={arrivals} onCheck={() => void load()} />
        <Counts held={held.value} problem={problem.value} retry={() => void load()} />
        <div class="offer">
          <div>
            <h2>{t('move.title')}</h2>
            <p>{t('move.lead')}</p>
          </div>
          <a class="button" href="/data/move">
            {t('move.check')}
          </a>
        </div>
        <KeyOffer />
        <Download />
        {known.value && known.value.collections.length > 0 && (
          <Collections names={known.value.collections} />
        )}
      </div>
    </>
  )
}

interface StopTextProps {
  stop: Stop
  session: Session
  known: Known | undefined
}

function StopText({ stop, session, known }: StopTextProps) {
  switch (stop.layer) {
    case 'identity':
      return (
        <>
          <span class="cut">
            <Handle handle={known?.identity.handle ?? session.handle} />
          </span>
          <details class="more">
            <summary>{t('data.identityDetails')}</summary>
            <code class="code">{session.did}</code>
            <p class="small soft">
              {t('data.directory')} <Address url={stop.url} />
            </p>
            {known?.identity.document !== undefined && (
              <code class="code pre">{JSON.stringify(known.identity.document, null, 1)}</code>
            )}
          </details>
        </>
      )
    case 'host':
      return (
        <>
          <span class="cut">
            <Address url={stop.url} />
          </span>
          <div class="stop-links small">
            <span>{t('data.hostText')}</span>
            <a href="/data/move">{t('data.change')}</a>
          </div>
        </>
      )
    case 'relay':
      return (
        <>
          <span class="cut">
            <Address url={stop.url} />
          </span>
          <span class="small">{t('data.relayText')}</span>
        </>
      )
    case 'view':
      return (
        <>
          <span class="cut">
            <Address url={stop.url} />
          </span>
          <span class="small">{t('data.viewText')}</span>
          {viewService().did && (
            <details class="more">
              <summary>{t('details')}</summary>
              <code class="code">{viewService().did}</code>
            </details>
          )}
        </>
      )
    default:
      return (
        <>
          <span class="cut">
            <Address url={stop.url} />
          </span>
          <span class="small">{t(`data.${stop.layer}Text`)}</span>
        </>
      )
  }
}

interface ButtonsProps {
  session: Session
  arrivals: { value: readonly Arrival[] | undefined }
  onCheck: () => void
}

/** Ask again, or follow the last post from stop to stop. */
function ChannelButtons({ session, arrivals, onCheck }: ButtonsProps) {
  const busy = useSignal(false)
  async function run() {
    busy.value = true
    arrivals.value = []
    try {
      const uri = await lastPost(session.pds, session.did)
      if (uri === undefined) {
        say(t('journey.nothing'))
        arrivals.value = undefined
        return
      }
      for await (const arrival of follow(session.pds, session.did, uri)) {
        arrivals.value = [...(arrivals.value ?? []), arrival]
        await new Promise((resolve) => setTimeout(resolve, dropMs()))
      }
      const whole = arrivals.value?.every(({ passage }) => passage === 'here')
      say(t(whole ? 'journey.arrived' : 'journey.held'))
    } catch (error) {
      say(t(`failed.${problemOf(error).kind}`))
    } finally {
      busy.value = false
      setTimeout(() => {
        arrivals.value = undefined
      }, 6_000)
    }
  }
  return (
    <div class="row wrap">
      <button
        type="button"
        class="button ghost small"
        disabled={busy.value}
        onClick={() => void run()}
      >
        {t('journey.follow')}
      </button>
      <button type="button" class="button ghost small" onClick={onCheck}>
        {t('health.again')}
      </button>
      <a class="button ghost small" href="/settings/service">
        {t('service.choose')}
      </a>
    </div>
  )
}

/** The time a drop takes from stop to stop; none when motion is not wanted. */
function dropMs(): number {
  return matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 950
}

interface CountsProps {
  held: Holdings | undefined
  problem: Problem | undefined
  retry: () => void
}

function Counts({ held, problem, retry }: CountsProps) {
  if (problem && !held) return <SmallTrouble problem={problem} retry={retry} />
  const bone = <Bone width="60%" height={20} top={5} />
  const lacking = held ? held.mediaExpected - held.mediaHeld : 0
  return (
    <>
      <dl class="cards">
        <div class="figure">
          <dt>{t('data.records')}</dt>
          <dd>{held ? number(held.records) : bone}</dd>
        </div>
        <div class="figure">
          <dt>{t('data.media')}</dt>
          <dd>{held ? number(held.mediaHeld) : bone}</dd>
        </div>
        <div class="figure">
          <dt>{t('data.changed')}</dt>
          <dd class="when">{held ? changed(held) : bone}</dd>
        </div>
      </dl>
      {lacking > 0 && <p class="hint">{t('data.lacking', { n: lacking })}</p>}
    </>
  )
}

const changed = ({ changedAtMs }: Holdings) =>
  changedAtMs === undefined ? '—' : ago(changedAtMs, Math.max(Date.now(), changedAtMs))

function Asleep({ session, onAwake }: { session: Session; onAwake: () => void }) {
  return (
    <div class="note section" data-tone="warm">
      <Icon name="info" />
      <div>
        <b>{t('data.asleep')}</b>
        {t('data.asleepText')}{' '}
        <button
          type="button"
          class="link-button"
          onClick={() =>
            activate().then(
              () => {
                noteAccount(session.did, { handle: session.handle, status: undefined })
                onAwake()
              },
              (error) => say(t(`failed.${problemOf(error).kind}`)),
            )
          }
        >
          {t('data.wake')}
        </button>
      </div>
    </div>
  )
}

/** How the key to one's name stands; nothing where the host knows no such keys, or is away. */
function KeyOffer() {
  const state = useSignal<KeyState | undefined>(undefined)
  useEffect(() => {
    keyState().then(
      (found) => {
        state.value = found
      },
      () => {},
    )
  }, [])
  const found = state.value
  if (found === undefined || found === 'unsupported') return null
  return (
    <div class="offer plain-offer" data-key-state={found}>
      <div>
        <h2>{t('ownKey.title')}</h2>
        <p>{t(`ownKey.state.${found}`)}</p>
      </div>
      <a class="button ghost" href="/data/key">
        {t(found === 'none' ? 'ownKey.make' : 'ownKey.look')}
      </a>
    </div>
  )
}

function Download() {
  const size = useSignal<number | undefined>(undefined)
  async function run() {
    size.value = 0
    try {
      const total = await downloadRepo((come) => {
        size.value = come
      })
      say(t('download.done', { size: bytes(total) }))
    } catch (error) {
      say(t(`failed.${problemOf(error).kind}`), { label: t('retry'), run: () => void run() })
    } finally {
      size.value = undefined
    }
  }
  const running = size.value !== undefined
  return (
    <div class="offer plain-offer">
      <div>
        <h2>{t('download.title')}</h2>
        <p>{t('download.text')}</p>
      </div>
      <button
        type="button"
        class="button ghost"
        disabled={running}
        aria-busy={running}
        onClick={() => void run()}
      >
        {running ? <span class="num">{bytes(size.value ?? 0)}</span> : t('download.do')}
      </button>
    </div>
  )
}

/** The kinds of records there are, by the names developers know. */
function Collections({ names }: { names: string[] }) {
  return (
    <details class="more section">
      <summary>{t('data.collections', { n: names.length })}</summary>
      <ul>
        {names.map((name) => (
          <li key={name}>
            <code class="code">{name}</code>
          </li>
        ))}
      </ul>
    </details>
  )
}
