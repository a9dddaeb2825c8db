/** Moving to another host: choose, check, move, and a receipt. */
import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { network } from '../app/config.ts'
import { place } from '../app/router.ts'
import {
  canDrop,
  check,
  dropMove,
  keptMove,
  type MoveState,
  type Preflight,
  plan,
} from '../data/move.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { isMoving, type Running, run, running } from '../data/run-move.ts'
import { me, type Session } from '../data/session.ts'
import { hostOf } from '../data/xrpc.ts'
import { Choices, Field } from '../parts/form.tsx'
import { Icon } from '../parts/icon.tsx'
import { MoveReport } from '../parts/move-report.tsx'
import { MovingPicture, StepList, shareDone } from '../parts/moving.tsx'
import { Head } from '../parts/page.tsx'
import { Receipt } from '../parts/receipt.tsx'
import { FormTrouble } from '../parts/states.tsx'
import { t } from '../words/index.ts'

export function MovePage() {
  const session = me.value
  if (!session) return null
  return (
    <>
      <Head title={t('move.title')} up="/data" />
      <div class="body">
        <Move session={session} key={session.did} />
      </div>
    </>
  )
}

function Move({ session }: { session: Session }) {
  const kept = useSignal(keptMove(session.did))
  const current = running.value?.state.did === session.did ? running.value : undefined
  const forget = () => {
    dropMove(session.did)
    running.value = undefined
    kept.value = undefined
  }
  const state = current?.state ?? kept.value
  if (state?.receipt && (current?.at ?? state.step) === 'done') {
    return <Receipt receipt={state.receipt} onClose={forget} />
  }
  if (current && isMoving()) return <UnderWay current={current} />
  if (state)
    return <Interrupted state={state} current={current} session={session} onDrop={forget} />
  return <Choose session={session} />
}

/** Where to? Then the check, which changes nothing. */
function Choose({ session }: { session: Session }) {
  const others = network().pds.filter(({ url }) => url !== session.pds)
  const asked = place.peek().query.get('to')
  const choice = useSignal(asked ?? others[0]?.url ?? 'other')
  const other = useSignal('')
  const found = useSignal<Preflight | undefined>(undefined)
  const busy = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const destination = choice.value === 'other' ? addressOf(other.value) : choice.value

  async function look() {
    if (busy.peek() || !destination) return
    busy.value = true
    problem.value = undefined
    found.value = undefined
    try {
      found.value = await check(session, destination)
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }

  const hosts = [...new Set([...others.map(({ url }) => url), ...(asked ? [asked] : [])])]
  return (
    <>
      <p class="lead">{t('move.lead')}</p>
      <form
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          void look()
        }}
      >
        <Choices
          name="to"
          legend={t('move.where')}
          value={choice.value}
          options={[
            ...hosts.map((url) => ({ value: url, label: <bdi dir="ltr">{hostOf(url)}</bdi> })),
            { value: 'other', label: t('move.other') },
          ]}
          onChoose={(value) => {
            choice.value = value
            found.value = undefined
          }}
        />
        {choice.value === 'other' && (
          <Field
            label={t('move.address')}
            latin
            value={other.value}
            placeholder="pds.example"
            onInput={(value) => {
              other.value = value
              found.value = undefined
            }}
          />
        )}
        {problem.value && <FormTrouble problem={problem.value} />}
        {!found.value && (
          <div>
            <button
              type="submit"
              class="button"
              disabled={busy.value || !destination}
              aria-busy={busy.value}
            >
              {t(busy.value ? 'move.checking' : 'move.check')}
            </button>
            <p class="hint">{t('move.checkHint')}</p>
          </div>
        )}
      </form>
      {found.value && (
        <>
          <MovingPicture
            from={found.value.from}
            to={found.value.to}
            filled={0}
            flowing={false}
            moved={false}
          />
          <MoveReport found={found.value} />
          {found.value.obstacles.length === 0 && <Begin session={session} found={found.value} />}
        </>
      )}
    </>
  )
}

/** The origin of what was typed, or undefined when it is no address. */
function addressOf(typed: string): string | undefined {
  const text = typed.trim()
  if (text === '') return undefined
  const local = /^(localhost|127\.)/.test(text)
  const whole = /^https?:\/\//.test(text) ? text : `${local ? 'http' : 'https'}://${text}`
  return URL.canParse(whole) ? new URL(whole).origin : undefined
}

function Begin({ session, found }: { session: Session; found: Preflight }) {
  const email = useSignal(session.email ?? '')
  const invite = useSignal('')
  return (
    <WithPassword
      words="move.now"
      hint={t('move.passwordHint')}
      start={async (password) => {
        const state = await plan(session, found, password)
        const inviteCode = invite.peek().trim()
        void run(state, { password, email: email.peek().trim(), inviteCode })
      }}
    >
      <Field
        label={t('email')}
        type="email"
        optional
        value={email.value}
        autocomplete="email"
        hint={t('move.emailHint')}
        onInput={(value) => {
          email.value = value
        }}
      />
      {found.inviteRequired && (
        <Field
          label={t('signUp.invite')}
          latin
          value={invite.value}
          hint={t('signUp.inviteHint')}
          onInput={(value) => {
            invite.value = value
          }}
        />
      )}
    </WithPassword>
  )
}

interface WithPasswordProps {
  words: 'move.now' | 'move.goOn'
  hint: string
  start: (password: string) => Promise<void>
  children?: ComponentChildren
}

/** A form whose button starts something that the password must allow. */
function WithPassword({ words, hint, start, children }: WithPasswordProps) {
  const password = useSignal('')
  const busy = useSignal(false)
  const wrong = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  async function submit() {
    if (busy.peek() || password.peek() === '') return
    busy.value = true
    wrong.value = false
    problem.value = undefined
    try {
      await start(password.peek())
    } catch (error) {
      const found = problemOf(error)
      if (found.kind === 'signedOut') wrong.value = true
      else problem.value = found
    } finally {
      busy.value = false
    }
  }
  return (
    <form
      class="form section"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <Field
        label={t('password')}
        type="password"
        value={password.value}
        autocomplete="current-password"
        tone={wrong.value ? 'bad' : undefined}
        hint={wrong.value ? t('move.passwordWrong') : hint}
        onInput={(value) => {
          password.value = value
        }}
      />
      {children}
      {problem.value && <FormTrouble problem={problem.value} />}
      <button
        type="submit"
        class="button"
        disabled={busy.value || password.value === ''}
        aria-busy={busy.value}
      >
        {t(words)}
      </button>
    </form>
  )
}

function UnderWay({ current }: { current: Running }) {
  return (
    <>
      <p class="lead">{t('move.underWay')}</p>
      <Progress current={current} flowing={!current.giveCode} />
      {current.giveCode && <Code give={current.giveCode} />}
      <p class="hint">{t('move.leaveHint')}</p>
    </>
  )
}

function Progress({ current, flowing }: { current: Running; flowing: boolean }) {
  const { state, at, count, stopped } = current
  const moved = at === 'done' || (['activate', 'leave', 'verify'] as string[]).includes(at)
  return (
    <>
      <MovingPicture
        from={state.source.service}
        to={state.destination}
        filled={shareDone(at, count)}
        flowing={flowing}
        moved={moved}
      />
      <StepList at={at} count={count} failed={stopped !== undefined} />
    </>
  )
}

function Code({ give }: { give: (code: string) => void }) {
  const code = useSignal('')
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault()
        give(code.peek().trim())
      }}
    >
      <Field
        label={t('move.code')}
        latin
        autofocus
        value={code.value}
        autocomplete="one-time-code"
        hint={t('move.codeHint')}
        onInput={(value) => {
          code.value = value
        }}
      />
      <button type="submit" class="button" disabled={code.value.trim() === ''}>
        {t('move.codeGive')}
      </button>
    </form>
  )
}

interface InterruptedProps {
  state: MoveState
  current: Running | undefined
  session: Session
  onDrop: () => void
}

/** A move that stopped on the way: what is done stays done. */
function Interrupted({ state, current, session, onDrop }: InterruptedProps) {
  const at = state.step
  const stopped: Signal<Problem | undefined> = useSignal(undefined)
  const failure = current?.stopped === 'paused' ? undefined : current?.stopped
  return (
    <>
      <div class="note" data-tone="warm">
        <Icon name="info" />
        <div>
          <b>{t('move.stopped')}</b>
          {t(canDrop(state) ? 'move.stoppedBefore' : 'move.stoppedAfter')}
        </div>
      </div>
      <Progress current={{ state, at, stopped: failure ?? 'paused' }} flowing={false} />
      {failure && <FormTrouble problem={failure} />}
      {stopped.value && <FormTrouble problem={stopped.value} />}
      <WithPassword
        words="move.goOn"
        hint={t('move.passwordAgain')}
        start={async (password) => void run(state, { password, email: session.email })}
      />
      {canDrop(state) && (
        <p class="section">
          <button type="button" class="link-button" onClick={onDrop}>
            {t('move.drop')}
          </button>
        </p>
      )}
    </>
  )
}
