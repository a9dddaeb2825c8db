/** The dialogs behind `asking`: they come when they are needed. */
import { type Signal, useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { nameOf } from '../data/actions.ts'
import { graphemes } from '../data/count.ts'
import { appeal, deciders } from '../data/decisions.ts'
import { wordOf } from '../data/labeler-words.ts'
import { usualAsks } from '../data/labels.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { toggleBlock } from '../data/quiet.ts'
import { maxWords, type Reason, readers, reasons, sendReport } from '../data/report.ts'
import { labelers, type Service } from '../data/services.ts'
import { me } from '../data/session.ts'
import type { Label, Person, Post, StrongRef } from '../data/views.ts'
import { hostOf } from '../data/xrpc.ts'
import { rich, t } from '../words/index.ts'
import { asking } from './asking.ts'
import { Confirm, Dialog, DialogHead } from './dialog.tsx'
import { Choices } from './form.tsx'
import { LabelWish } from './label-settings.tsx'
import { LabelerName, labelAbout, labelName } from './labels.tsx'
import { FormTrouble } from './states.tsx'

const close = () => {
  asking.value = undefined
}

export function Asked() {
  const what = asking.value
  if (what?.kind === 'label') return <LabelDialog {...what} />
  if (!what || !me.value) return null
  if (what.kind === 'report') return <ReportDialog person={what.person} post={what.post} />
  if (what.kind === 'appeal') return <AppealDialog {...what} />
  const { person } = what
  return (
    <Confirm
      title={t('block.ask', { name: nameOf(person) })}
      text={t('block.text')}
      yes={t('block.do')}
      onYes={() => void toggleBlock(person)}
      onClose={close}
    />
  )
}

function ReportDialog({ person, post }: { person: Person; post?: Post }) {
  const to = useSignal(readers()[0])
  const sent = useSignal(false)
  const title = t(post ? 'report.post' : 'report.account')
  return (
    <Dialog title={title} onClose={close} tall>
      <DialogHead title={title} onClose={close} />
      {sent.value ? (
        <Thanks host={hostOf(to.value?.url ?? me.value?.pds ?? '')} />
      ) : (
        <ReportForm
          person={person}
          post={post}
          to={to}
          onSent={() => {
            sent.value = true
          }}
        />
      )}
    </Dialog>
  )
}

interface FormProps {
  person: Person
  post: Post | undefined
  to: { value: ReturnType<typeof readers>[number] | undefined }
  onSent: () => void
}

function ReportForm({ person, post, to, onSent }: FormProps) {
  const reason = useSignal<Reason | undefined>(undefined)
  const words = useSignal('')
  const busy = useSignal(false)
  const missing = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const left = maxWords - graphemes(words.value)
  async function send() {
    const chosen = reason.peek()
    missing.value = chosen === undefined
    if (!chosen || busy.peek() || left < 0) return
    busy.value = true
    problem.value = undefined
    try {
      const subject = post ? { uri: post.uri, cid: post.cid } : person.did
      await sendReport({ subject, reason: chosen, words: words.peek(), to: to.value })
      onSent()
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <form
      class="dialog-body form"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <Choices<Reason | ''>
        name="reason"
        legend={t('report.why')}
        value={reason.value ?? ''}
        options={reasons.map((value) => ({
          value,
          label: t(`report.reason.${value}`),
          note: t(`report.about.${value}`),
        }))}
        onChoose={(value) => {
          reason.value = value || undefined
          missing.value = false
        }}
      />
      {missing.value && (
        <p class="hint" data-tone="bad" role="alert">
          {t('report.chooseOne')}
        </p>
      )}
      <OwnWords label={t('report.words')} words={words} optional />
      <WhoReads to={to} />
      {problem.value && <Unsent problem={problem.value} to={to.value} />}
      <div class="row end-row">
        <button type="button" class="button ghost" onClick={close}>
          {t('cancel')}
        </button>
        <button type="submit" class="button" disabled={busy.value} aria-busy={busy.value}>
          {t('report.send')}
        </button>
      </div>
    </form>
  )
}

interface WordsProps {
  label: string
  words: Signal<string>
  optional?: boolean
}

/** A few lines of one's own, counted as they near their end. */
function OwnWords({ label, words, optional }: WordsProps) {
  const id = useId()
  const left = maxWords - graphemes(words.value)
  return (
    <div class="field">
      <label for={id}>
        {label} {optional && <span class="optional">{t('optional')}</span>}
      </label>
      <textarea
        id={id}
        class="input"
        dir="auto"
        rows={3}
        value={words.value}
        aria-invalid={left < 0}
        onInput={(event) => {
          words.value = event.currentTarget.value
        }}
      />
      {left <= 60 && (
        <p class="hint" data-tone={left < 0 ? 'bad' : undefined}>
          {t(left < 0 ? 'compose.over' : 'compose.left', { n: Math.abs(left) })}
        </p>
      )}
    </div>
  )
}

/** Why nobody got it: the moderators being away is not the view being away. */
function Unsent({ problem, to }: { problem: Problem; to: Service | undefined }) {
  if (!to || problem.kind !== 'upstream') return <FormTrouble problem={problem} />
  const [what, safe] = [t('moderators.silent'), t('moderators.unsent')]
  return <FormTrouble problem={problem} side="moderation" what={what} safe={safe} />
}

/** Who gets to read the report: said when it is one, chosen when there are several. */
function WhoReads({ to }: Pick<FormProps, 'to'>) {
  const list = readers()
  const address = (url: string) => <bdi dir="ltr">{hostOf(url)}</bdi>
  if (list.length > 1) {
    return (
      <Choices
        name="to"
        legend={t('report.to')}
        value={to.value?.did ?? ''}
        options={list.map(({ did, url }) => ({ value: did, label: address(url) }))}
        onChoose={(did) => {
          to.value = list.find((one) => one.did === did)
        }}
      />
    )
  }
  const host = address(to.value?.url ?? me.value?.pds ?? '')
  return (
    <p class="small soft">{rich(to.value ? 'report.reader' : 'report.readerHost', { host })}</p>
  )
}

function Thanks({ host }: { host: string }) {
  return (
    <div class="dialog-body form" role="status">
      <p>
        <b>{t('report.thanks')}</b>
      </p>
      <p class="soft">{rich('report.next', { host: <bdi dir="ltr">{host}</bdi> })}</p>
      <p class="soft">{t('report.meanwhile')}</p>
      <div class="row end-row">
        <button type="button" class="button" onClick={close}>
          {t('close')}
        </button>
      </div>
    </div>
  )
}

interface LabelProps {
  label: Label
  author: string
  subject?: StrongRef | string
}

/** What a label means, who says so, and what one wants done about it; one's own may be appealed. */
function LabelDialog({ label, author, subject }: LabelProps) {
  const { src, val } = label
  const word = wordOf(src, val)
  const title = labelName(label)
  const byAuthor = src === author
  const about = labelAbout(label)
  const mine = author === me.value?.did && !byAuthor && subject !== undefined
  const follows = labelers().some(({ did }) => did === src)
  // Everybody's words are set for all who say them; a labeler's own for that labeler.
  const known = usualAsks(val) !== undefined && !word
  const wishes = me.value && !mine && !val.startsWith('!') && (word || known)
  return (
    <Dialog title={title} onClose={close} class="confirm">
      <DialogHead title={title} onClose={close} />
      <div class="dialog-body form">
        {about ? <p dir="auto">{about}</p> : <p class="soft">{t('label.noAbout')}</p>}
        <p class="soft">
          {byAuthor
            ? t('label.saidByAuthor')
            : rich('label.saidBy', {
                name: (
                  <b>
                    <LabelerName did={src} />
                  </b>
                ),
              })}
        </p>
        {wishes && (
          <div class="field">
            <span class="label">{t('label.wish')}</span>
            <LabelWish val={val} src={known ? undefined : src} />
          </div>
        )}
        <div class="row wrap end-row">
          {follows && (
            <a class="button ghost" href={`/settings/labels/${src}`} onClick={close}>
              {t('label.words')}
            </a>
          )}
          {mine && (
            <button
              type="button"
              class="button"
              onClick={() => {
                const to = deciders().find(({ did }) => did === src)
                asking.value = { kind: 'appeal', subject, to }
              }}
            >
              {t('appeal.do')}
            </button>
          )}
        </div>
      </div>
    </Dialog>
  )
}

/** Asking those who decided to look again, in one's own words. */
function AppealDialog({ subject, to }: { subject: StrongRef | string; to: Service | undefined }) {
  const words = useSignal('')
  const busy = useSignal(false)
  const sent = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  async function send() {
    if (busy.peek() || graphemes(words.peek()) > maxWords) return
    busy.value = true
    problem.value = undefined
    try {
      await appeal(subject, to, words.peek())
      sent.value = true
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <Dialog title={t('appeal.title')} onClose={close}>
      <DialogHead title={t('appeal.title')} onClose={close} />
      {sent.value ? (
        <div class="dialog-body form" role="status">
          <p>
            <b>{t('appeal.sent')}</b>
          </p>
          <p class="soft">{t('appeal.next')}</p>
          <div class="row end-row">
            <button type="button" class="button" onClick={close}>
              {t('close')}
            </button>
          </div>
        </div>
      ) : (
        <form
          class="dialog-body form"
          onSubmit={(event) => {
            event.preventDefault()
            void send()
          }}
        >
          <p class="soft">{t('appeal.lead')}</p>
          <OwnWords label={t('appeal.words')} words={words} />
          {problem.value && <Unsent problem={problem.value} to={to} />}
          <div class="row end-row">
            <button type="button" class="button ghost" onClick={close}>
              {t('cancel')}
            </button>
            <button
              type="submit"
              class="button"
              disabled={busy.value || words.value.trim() === ''}
              aria-busy={busy.value}
            >
              {t('appeal.send')}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  )
}
