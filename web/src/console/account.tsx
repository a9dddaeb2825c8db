/** One account: what is known of it, and what its host's operator may do. */
import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { Dialog, DialogHead } from '../parts/dialog.tsx'
import { Field } from '../parts/form.tsx'
import { moment, number } from '../words/index.ts'
import { type AccountView, type Standing, StandingChip, standingOf } from './accounts.tsx'
import { ask, tell } from './host.ts'
import { Done, Fact, Facts, Latin, latin, Trouble, When } from './parts.tsx'
import { w } from './words/index.ts'

interface Known {
  account: AccountView
  standing: Standing
  /** The operator's own words about a takedown or suspension in force. */
  ref: string | undefined
  /** When a suspension ends by itself. */
  until: string | undefined
}

async function read(did: string): Promise<Known> {
  const [account, status, paused, standing] = await Promise.all([
    ask<AccountView>('com.atproto.admin.getAccountInfo', { did }),
    ask<{ takedown?: { applied: boolean; ref?: string } }>('com.atproto.admin.getSubjectStatus', {
      did,
    }),
    ask<{ suspensions: { until?: string; ref?: string }[] }>('app.falaj.admin.listSuspensions', {
      did,
    }),
    standingOf(did),
  ])
  const { takedown } = status
  if (takedown?.applied) {
    return { account, standing: 'takendown', ref: takedown.ref, until: undefined }
  }
  const [suspension] = paused.suspensions
  return { account, standing, ref: suspension?.ref, until: suspension?.until }
}

interface AccountDialogProps {
  did: string
  onClose: () => void
  onChange: () => void
}

export function AccountDialog({ did, onClose, onChange }: AccountDialogProps) {
  const known = useSignal<Known | undefined>(undefined)
  const error = useSignal<unknown>(undefined)
  const done = useSignal<string | undefined>(undefined)
  const load = () =>
    read(did).then(
      (found) => (known.value = found),
      (thrown) => (error.value = thrown),
    )
  useEffect(() => void load(), [did])
  const act: Act = async (work, said) => {
    error.value = undefined
    done.value = undefined
    try {
      const answer = await work()
      done.value = typeof said === 'function' ? said(answer) : (said ?? w('done'))
      await load()
      onChange()
      return true
    } catch (thrown) {
      error.value = thrown
      return false
    }
  }
  const handle = known.value ? latin(`@${known.value.account.handle}`) : w('loading')
  return (
    <Dialog title={handle} onClose={onClose} tall class="sheet">
      <DialogHead title={handle} onClose={onClose} />
      <div class="dialog-body form">
        {known.value && <WhatIsKnown known={known.value} />}
        {done.value && <Done>{done.value}</Done>}
        <Trouble error={error.value} />
        {known.value && <Actions known={known.value} act={act} />}
      </div>
    </Dialog>
  )
}

type Act = <T>(work: () => Promise<T>, said?: string | ((answer: T) => string)) => Promise<boolean>

function WhatIsKnown({ known: { account, standing, ref, until } }: { known: Known }) {
  const { did, email, emailConfirmedAt, indexedAt, invitedBy, invitesDisabled, invites } = account
  return (
    <Facts>
      <Fact name={w('accounts.state')}>
        <StandingChip standing={standing} />
      </Fact>
      <Fact name={w('accounts.since')}>
        <When at={indexedAt} />
      </Fact>
      <Fact name={w('accounts.email')}>
        {email ? (
          <>
            <Latin>{email}</Latin>{' '}
            <span class="quiet">
              {w(emailConfirmedAt ? 'accounts.confirmed' : 'accounts.unconfirmed')}
            </span>
          </>
        ) : (
          w('accounts.noEmail')
        )}
      </Fact>
      <Fact name={w('account.did')}>
        <code class="code" dir="ltr">
          {did}
        </code>
      </Fact>
      <Fact name={w('account.invites')}>
        {w(invitesDisabled ? 'account.invitesOff' : 'account.invitesOn')}
        {invites && invites.length > 0 && <> · {number(invites.length)}</>}
      </Fact>
      {invitedBy && (
        <Fact name={w('account.invitedBy')}>
          <Latin>{invitedBy.code}</Latin>
        </Fact>
      )}
      {until && <Fact name={w('account.suspendedUntil')}>{moment(Date.parse(until))}</Fact>}
      {ref && (
        <Fact name={w('account.decision')}>
          <span dir="auto">{ref}</span>
        </Fact>
      )}
    </Facts>
  )
}

function Actions({ known, act }: { known: Known; act: Act }) {
  const { account, standing } = known
  const { did, invitesDisabled } = account
  const invites = invitesDisabled ? 'enableAccountInvites' : 'disableAccountInvites'
  return (
    <div class="folds">
      <Takedown known={known} act={act} />
      <Suspension known={known} act={act} />
      {account.email && <Write account={account} act={act} />}
      {standing !== 'deleted' && <NewPassword did={did} act={act} />}
      <div class="row">
        <button
          type="button"
          class="button ghost small"
          onClick={() => void act(() => tell(`com.atproto.admin.${invites}`, { account: did }))}
        >
          {w(invitesDisabled ? 'account.allowInvites' : 'account.stopInvites')}
        </button>
      </div>
    </div>
  )
}

function Fold({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <details class="fold">
      <summary>{title}</summary>
      <div class="form">{children}</div>
    </details>
  )
}

function Takedown({ known: { account, standing }, act }: { known: Known; act: Act }) {
  const ref = useSignal('')
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did: account.did }
  const set = (applied: boolean) =>
    act(() =>
      tell('com.atproto.admin.updateSubjectStatus', {
        subject,
        takedown: { applied, ...(applied && ref.peek() && { ref: ref.peek() }) },
      }),
    )
  if (standing === 'takendown') {
    return (
      <div class="row">
        <button type="button" class="button small" onClick={() => void set(false)}>
          {w('account.bringBack')}
        </button>
      </div>
    )
  }
  return (
    <Fold title={w('account.takedown')}>
      <p class="soft">{w('account.takedownAsk')}</p>
      <Field
        label={w('account.takedownWhy')}
        value={ref.value}
        onInput={(value) => (ref.value = value)}
      />
      <button type="button" class="button danger small" onClick={() => void set(true)}>
        {w('account.takedown')}
      </button>
    </Fold>
  )
}

/** A pause, which an account that was taken down does not need. */
function Suspension({ known: { account, standing }, act }: { known: Known; act: Act }) {
  const { did } = account
  const hours = useSignal('')
  const ref = useSignal('')
  if (standing === 'suspended') {
    const end = () => act(() => tell('app.falaj.admin.endSuspension', { did }))
    return (
      <div class="row">
        <button type="button" class="button small" onClick={() => void end()}>
          {w('account.unsuspend')}
        </button>
      </div>
    )
  }
  if (standing === 'takendown' || standing === 'deleted') return null
  const isGood = /^([1-9]\d{0,4})?$/.test(hours.value)
  const suspend = () => {
    const ms = Number(hours.peek()) * 3_600_000
    return act(() =>
      tell('app.falaj.admin.suspendAccount', {
        did,
        ...(ms > 0 && { until: new Date(Date.now() + ms).toISOString() }),
        ...(ref.peek() && { ref: ref.peek() }),
      }),
    )
  }
  return (
    <Fold title={w('account.suspend')}>
      <p class="soft">{w('account.suspendAsk')}</p>
      <Field
        label={w('account.suspendHours')}
        value={hours.value}
        onInput={(value) => (hours.value = value.trim())}
        latin
        tone={isGood ? undefined : 'bad'}
      />
      <Field
        label={w('account.takedownWhy')}
        value={ref.value}
        onInput={(value) => (ref.value = value)}
      />
      <button
        type="button"
        class="button danger small"
        disabled={!isGood}
        onClick={() => void suspend()}
      >
        {w('account.suspend')}
      </button>
    </Fold>
  )
}

function Write({ account, act }: { account: AccountView; act: Act }) {
  const subject = useSignal('')
  const content = useSignal('')
  const busy = useSignal(false)
  const send = async () => {
    busy.value = true
    const letter = {
      recipientDid: account.did,
      senderDid: account.did,
      subject: subject.peek() || undefined,
      content: content.peek(),
    }
    const sent = await act(
      () => tell<{ sent: boolean }>('com.atproto.admin.sendEmail', letter),
      (answer) => w(answer.sent ? 'account.sent' : 'account.kept'),
    )
    busy.value = false
    if (sent) clear(subject, content)
  }
  return (
    <Fold title={w('account.write')}>
      <Field
        label={w('account.subject')}
        value={subject.value}
        onInput={(value) => (subject.value = value)}
      />
      <label class="field">
        <span class="label">{w('account.content')}</span>
        <textarea
          class="input"
          dir="auto"
          rows={5}
          value={content.value}
          onInput={(event) => (content.value = event.currentTarget.value)}
        />
      </label>
      <button
        type="button"
        class="button small"
        disabled={content.value.trim() === ''}
        aria-busy={busy.value}
        onClick={() => void send()}
      >
        {w('account.send')}
      </button>
    </Fold>
  )
}

function NewPassword({ did, act }: { did: string; act: Act }) {
  const password = useSignal('')
  const set = async () => {
    const work = () =>
      tell('com.atproto.admin.updateAccountPassword', { did, password: password.peek() })
    if (await act(work, w('account.passwordSet'))) clear(password)
  }
  return (
    <Fold title={w('account.password')}>
      <Field
        label={w('account.newPassword')}
        value={password.value}
        onInput={(value) => (password.value = value)}
        type="password"
        autocomplete="new-password"
      />
      <button
        type="button"
        class="button small"
        disabled={password.value.length < 8}
        onClick={() => void set()}
      >
        {w('account.setPassword')}
      </button>
    </Fold>
  )
}

function clear(...fields: Signal<string>[]): void {
  for (const field of fields) field.value = ''
}
