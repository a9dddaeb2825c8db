/** The key to one's own name: made here, written on paper, put above the host's. */
import { type Signal, useSignal } from '@preact/signals'
import type { Did } from 'falaj/protocol/syntax'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { go, place } from '../app/router.ts'
import { say } from '../app/toasts.ts'
import { codeFor, type KeyState, keyState, putOwnKey } from '../data/key-health.ts'
import { isWord, makeOwnKey, type OwnKey, placesToAsk, proofOf } from '../data/own-key.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { me, type Session } from '../data/session.ts'
import { CallError, hostOf } from '../data/xrpc.ts'
import { Field } from '../parts/form.tsx'
import { Head } from '../parts/page.tsx'
import { Bone, FormTrouble, SmallTrouble } from '../parts/states.tsx'
import { rich, t } from '../words/index.ts'

type Step = 'look' | 'words' | 'ask' | 'keep'

export function OwnKeyPage() {
  const session = me.value
  return session ? <Owner session={session} key={session.did} /> : null
}

/** Whether the person came from signing up, and goes on from here. */
const isNew = () => place.peek().query.get('new') !== null

function Owner({ session }: { session: Session }) {
  const step = useSignal<Step>('look')
  const state = useSignal<KeyState | 'unknown' | undefined>(undefined)
  const made = useSignal<OwnKey | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)

  async function look() {
    problem.value = undefined
    try {
      state.value = (await keyState()) ?? 'unknown'
    } catch (error) {
      problem.value = problemOf(error)
    }
  }
  useEffect(() => {
    void look()
  }, [])
  useEffect(() => {
    if (step.value !== 'words' && step.value !== 'ask') return
    // Words nobody has written down yet are lost with the page.
    const hold = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', hold)
    return () => removeEventListener('beforeunload', hold)
  }, [step.value])

  function done(now: KeyState) {
    state.value = now
    made.value = undefined
    step.value = 'look'
    say(t('ownKey.done'))
    if (isNew()) go('/people', { replace: true })
  }

  return (
    <>
      <Head title={t('ownKey.title')} up={isNew() ? '/people' : '/data'} />
      <div class="stage own-key">
        {step.value === 'look' && (
          <>
            <p class="lead">{t('ownKey.lead')}</p>
            {problem.value && <SmallTrouble problem={problem.value} retry={() => void look()} />}
            {!problem.value && <Look state={state.value} session={session} />}
            <Begin
              state={state.value}
              onBegin={() => {
                made.value = makeOwnKey()
                step.value = 'words'
              }}
            />
          </>
        )}
        {step.value === 'words' && made.value && (
          <Words own={made.value} session={session} step={step} />
        )}
        {step.value === 'ask' && made.value && <Ask own={made.value} step={step} />}
        {step.value === 'keep' && made.value && (
          <Keep own={made.value} session={session} onDone={done} />
        )}
      </div>
    </>
  )
}

const TONES = {
  none: 'warm',
  good: 'good',
  unchecked: 'warm',
  outranked: 'bad',
  lost: 'bad',
} as const

function Look({ state, session }: { state: KeyState | 'unknown' | undefined; session: Session }) {
  if (state === undefined) return <Bone width="80%" height={20} />
  if (state === 'unknown') return <p>{t('ownKey.hostCannot')}</p>
  if (state === 'unsupported') return <p>{t('ownKey.domain')}</p>
  const there = (
    <a href={`${session.pds}/account/recovery-key`} rel="noopener" target="_blank">
      {t('ownKey.there')}
    </a>
  )
  return (
    <>
      <p class="note" data-tone={TONES[state]} data-key-state={state}>
        <span>{t(`ownKey.state.${state}`)}</span>
      </p>
      {state !== 'none' && <p class="small soft">{rich('ownKey.more', { there })}</p>}
    </>
  )
}

function Begin(props: { state: KeyState | 'unknown' | undefined; onBegin: () => void }) {
  const { state, onBegin } = props
  const can = state !== undefined && state !== 'unknown' && state !== 'unsupported'
  return (
    <div class="row wrap section">
      {can && (
        <button
          type="button"
          class={state === 'none' ? 'button' : 'button ghost'}
          onClick={onBegin}
        >
          {t(state === 'none' ? 'ownKey.make' : 'ownKey.makeAnother')}
        </button>
      )}
      {isNew() && (
        <a class="button ghost" href="/people">
          {t('ownKey.later')}
        </a>
      )}
    </div>
  )
}

interface StepProps {
  own: OwnKey
  step: Signal<Step>
}

function Words({ own, session, step }: StepProps & { session: Session }) {
  return (
    <>
      <p>{t('ownKey.write')}</p>
      <div class="key-sheet">
        <b>
          <bdi dir="ltr">@{session.handle}</bdi>
        </b>
        <code class="code">{session.did}</code>
        <ol dir="ltr" lang="en" translate={false}>
          {own.words.map(({ word, code }, at) => (
            <li key={at}>
              <span class="place">{at + 1}</span> <b>{word}</b> <span class="place">{code}</span>
            </li>
          ))}
        </ol>
        <p class="small soft">{t('ownKey.sheet')}</p>
      </div>
      <div class="row wrap section">
        <button
          type="button"
          class="button"
          onClick={() => {
            step.value = 'ask'
          }}
        >
          {t('ownKey.written')}
        </button>
        <button type="button" class="button ghost" onClick={() => print()}>
          {t('ownKey.print')}
        </button>
      </div>
    </>
  )
}

function Ask({ own, step }: StepProps) {
  const places = useSignal(placesToAsk(own.words.length))
  const typed = useSignal(['', '', ''])
  const wrong = useSignal<number | undefined>(undefined)
  function submit() {
    const at = places
      .peek()
      .findIndex((number, i) => !isWord(typed.peek()[i]!, own.words[number - 1]!))
    wrong.value = at < 0 ? undefined : at
    if (at < 0) step.value = 'keep'
  }
  return (
    <Steps onSubmit={submit}>
      <p>{t('ownKey.ask')}</p>
      {places.value.map((number, at) => (
        <Field
          key={number}
          label={t('ownKey.word', { n: number })}
          latin
          autofocus={at === 0}
          autocomplete="off"
          value={typed.value[at]!}
          tone={wrong.value === at ? 'bad' : undefined}
          hint={wrong.value === at ? t('ownKey.wrong') : undefined}
          onInput={(value) => {
            typed.value = typed.peek().with(at, value)
          }}
        />
      ))}
      <div class="row wrap">
        <button type="submit" class="button">
          {t('ownKey.goOn')}
        </button>
        <button
          type="button"
          class="button ghost"
          onClick={() => {
            step.value = 'words'
          }}
        >
          {t('ownKey.again')}
        </button>
      </div>
    </Steps>
  )
}

interface KeepProps {
  own: OwnKey
  session: Session
  onDone: (state: KeyState) => void
}

function Keep({ own, session, onDone }: KeepProps) {
  const password = useSignal('')
  const code = useSignal('')
  const byMail = useSignal(false)
  const wrong = useSignal<'password' | 'code' | undefined>(undefined)
  const busy = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  async function submit() {
    if (busy.peek()) return
    busy.value = true
    problem.value = undefined
    wrong.value = undefined
    try {
      const token = byMail.peek() ? code.peek().trim() : await codeFor(password.peek())
      if (token === undefined) byMail.value = true
      else onDone(await putOwnKey(token, proofOf(own, session.did as Did)))
    } catch (error) {
      wrong.value = wrongOf(error)
      if (!wrong.value) problem.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <Steps onSubmit={() => void submit()}>
      <p>{t('ownKey.keep')}</p>
      {byMail.value ? (
        <Field
          label={t('move.code')}
          latin
          autofocus
          autocomplete="one-time-code"
          value={code.value}
          hint={t(wrong.value === 'code' ? 'signIn.codeWrong' : 'move.codeHint')}
          tone={wrong.value === 'code' ? 'bad' : undefined}
          onInput={(value) => {
            code.value = value
          }}
        />
      ) : (
        <Field
          label={t('password')}
          type="password"
          autofocus
          autocomplete="current-password"
          value={password.value}
          hint={wrong.value === 'password' ? t('move.passwordWrong') : t('ownKey.why')}
          tone={wrong.value === 'password' ? 'bad' : undefined}
          onInput={(value) => {
            password.value = value
          }}
        />
      )}
      {problem.value && <FormTrouble problem={problem.value} />}
      <button type="submit" class="button" disabled={busy.value} aria-busy={busy.value}>
        {rich('ownKey.put', { host: <bdi dir="ltr">{hostOf(session.pds)}</bdi> })}
      </button>
    </Steps>
  )
}

function wrongOf(error: unknown): 'password' | 'code' | undefined {
  if (!(error instanceof CallError)) return undefined
  if (error.error === 'AuthenticationRequired') return 'password'
  return error.error === 'InvalidToken' || error.error === 'ExpiredToken' ? 'code' : undefined
}

function Steps({ onSubmit, children }: { onSubmit: () => void; children: ComponentChildren }) {
  return (
    <form
      class="form"
      noValidate
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      {children}
    </form>
  )
}
