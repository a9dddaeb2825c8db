/** Who serves a person, layer by layer: where it is, whose it is, how it is, and choosing another. */
import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { network } from '../app/config.ts'
import { say } from '../app/toasts.ts'
import { findService, NoService, type ServiceKind } from '../data/find-service.ts'
import { channelOf, checkChannel, type Stop } from '../data/health.ts'
import { forgetRead } from '../data/keep.ts'
import { maxLabelers, setLabelers } from '../data/labelers.ts'
import { forgetPages } from '../data/pages.ts'
import { problemOf } from '../data/problem.ts'
import { chooseView, isViewChosen, labelers, type Service, viewService } from '../data/services.ts'
import { me } from '../data/session.ts'
import { query } from '../data/xrpc.ts'
import { Address, Channel } from '../parts/channel.tsx'
import { Field } from '../parts/form.tsx'
import { Head } from '../parts/page.tsx'
import { t } from '../words/index.ts'

export function ServicePage() {
  const host = me.value?.pds
  const hostDid = useSignal<string | undefined>(undefined)
  useEffect(() => {
    void checkChannel(host)
    const place = host ?? network().pds[0]?.url
    if (!place) return
    query<{ did: string }>(place, 'com.atproto.server.describeServer').then(
      ({ did }) => {
        hostDid.value = did
      },
      () => {},
    )
  }, [host])
  return (
    <>
      <Head title={t('service.title')} up="/settings" />
      <div class="body">
        <p class="lead">{t('service.lead')}</p>
        <Channel stops={channelOf(host)} end={t('data.fields')}>
          {(stop) => <StopText stop={stop} hostDid={hostDid.value} />}
        </Channel>
        <button type="button" class="button ghost small" onClick={() => void checkChannel(host)}>
          {t('health.again')}
        </button>
      </div>
    </>
  )
}

function StopText({ stop, hostDid }: { stop: Stop; hostDid: string | undefined }) {
  const { feeds } = network()
  switch (stop.layer) {
    case 'identity':
      return <Place stop={stop}>{t('service.identityText')}</Place>
    case 'host':
      return (
        <Place stop={stop} did={hostDid} link={<a href="/data/move">{t('data.change')}</a>}>
          {t('data.hostText')}
        </Place>
      )
    case 'relay':
      return <Place stop={stop}>{t('data.relayText')}</Place>
    case 'view':
      return (
        <Place stop={stop} did={viewService().did}>
          {t('data.viewText')}
          <ViewChoice />
        </Place>
      )
    case 'feeds':
      return (
        <Place stop={stop} did={feeds?.did} link={<a href="/feeds">{t('service.chooseFeeds')}</a>}>
          {t('data.feedsText')}
        </Place>
      )
    case 'search':
      return <Place stop={stop}>{t('data.searchText')}</Place>
    case 'moderation':
      return (
        <Place stop={stop} did={labelers()[0]?.did}>
          {t('data.moderationText')}
          <LabelerChoice />
        </Place>
      )
  }
}

interface PlaceProps {
  stop: Stop
  /** Under which identity it answers. */
  did?: string
  link?: ComponentChildren
  children: ComponentChildren
}

function Place({ stop, did, link, children }: PlaceProps) {
  return (
    <>
      <span class="cut">{stop.url && <Address url={stop.url} />}</span>
      <div class="stop-links small">
        <div>{children}</div>
        {link}
      </div>
      {did && (
        <details class="more">
          <summary>{t('service.operator')}</summary>
          <code class="code">{did}</code>
        </details>
      )}
    </>
  )
}

/** Another view by its identity, and the way back to this page's own. */
function ViewChoice() {
  const open = useSignal(false)
  function use(view: Service | undefined) {
    chooseView(view)
    // What was read carries the other view's counts and labels.
    forgetRead()
    forgetPages()
    void checkChannel(me.peek()?.pds)
    say(t(view ? 'service.viewChosen' : 'service.viewOwn'))
    open.value = false
  }
  return (
    <div class="row wrap stop-choice">
      <Opener open={open} label={t('service.changeView')} />
      {isViewChosen() && (
        <button type="button" class="link-button" onClick={() => use(undefined)}>
          {t('service.backToOwn')}
        </button>
      )}
      {open.value && <ServiceForm kind="view" label={t('service.viewName')} onFound={use} />}
    </div>
  )
}

/** Whose labels are followed: leave one, add one. */
function LabelerChoice() {
  const open = useSignal(false)
  const list = labelers()
  const own = network().moderation?.did
  async function set(next: readonly Service[]) {
    try {
      await setLabelers(next)
      forgetRead()
      forgetPages()
      void checkChannel(me.peek()?.pds)
      say(t('service.labelersKept'))
      open.value = false
    } catch (error) {
      say(t(`failed.${problemOf(error).kind}`))
    }
  }
  return (
    <>
      <ul class="labelers">
        {list.map((one) => (
          <li key={one.did}>
            <Address url={one.url} />
            <button
              type="button"
              class="link-button"
              aria-label={t('service.leaveLabeler', { name: one.did })}
              onClick={() => void set(list.filter(({ did }) => did !== one.did))}
            >
              {t('service.leave')}
            </button>
          </li>
        ))}
      </ul>
      {list.length === 0 && <p class="hint">{t('service.noLabelers')}</p>}
      <div class="row wrap stop-choice">
        {list.length < maxLabelers && <Opener open={open} label={t('service.addLabeler')} />}
        {own && !list.some(({ did }) => did === own) && (
          <button
            type="button"
            class="link-button"
            onClick={() => void set([{ did: own, url: network().moderation!.url }, ...list])}
          >
            {t('service.ownLabeler')}
          </button>
        )}
        {open.value && (
          <ServiceForm
            kind="labeler"
            label={t('service.labelerName')}
            onFound={(found) => void set([...list.filter(({ did }) => did !== found.did), found])}
          />
        )}
      </div>
    </>
  )
}

function Opener({ open, label }: { open: Signal<boolean>; label: string }) {
  return (
    <button
      type="button"
      class="link-button"
      aria-expanded={open.value}
      onClick={() => {
        open.value = !open.value
      }}
    >
      {label}
    </button>
  )
}

interface FormProps {
  kind: ServiceKind
  label: string
  onFound: (service: Service) => void
}

/** Takes a DID or an address, and only gives back a service that answers. */
function ServiceForm({ kind, label, onFound }: FormProps) {
  const typed = useSignal('')
  const trouble = useSignal('')
  const busy = useSignal(false)
  async function look() {
    if (busy.peek()) return
    busy.value = true
    trouble.value = ''
    try {
      onFound(await findService(typed.peek(), kind))
    } catch (error) {
      trouble.value =
        error instanceof NoService
          ? t(`service.no.${error.why}`)
          : t(`problem.${problemOf(error).kind}.what`)
    } finally {
      busy.value = false
    }
  }
  return (
    <form
      class="form wide-form"
      onSubmit={(event) => {
        event.preventDefault()
        void look()
      }}
    >
      <Field
        label={label}
        value={typed.value}
        latin
        hint={trouble.value || t('service.nameHint')}
        tone={trouble.value ? 'bad' : undefined}
        onInput={(value) => {
          typed.value = value
          trouble.value = ''
        }}
      />
      <button type="submit" class="button small" disabled={busy.value} aria-busy={busy.value}>
        {t('service.use')}
      </button>
    </form>
  )
}
