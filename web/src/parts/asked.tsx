/** The dialogs behind `asking`: they come when they are needed. */
import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { nameOf } from '../data/actions.ts'
import { graphemes } from '../data/count.ts'
import { type Problem, problemOf } from '../data/problem.ts'
import { toggleBlock } from '../data/quiet.ts'
import { maxWords, type Reason, readers, reasons, sendReport } from '../data/report.ts'
import { me } from '../data/session.ts'
import type { Person, Post } from '../data/views.ts'
import { hostOf } from '../data/xrpc.ts'
import { rich, t } from '../words/index.ts'
import { asking } from './asking.ts'
import { Confirm, Dialog, DialogHead } from './dialog.tsx'
import { Choices } from './form.tsx'
import { FormTrouble } from './states.tsx'

const close = () => {
  asking.value = undefined
}

export function Asked() {
  const what = asking.value
  if (!what || !me.value) return null
  if (what.kind === 'report') return <ReportDialog person={what.person} post={what.post} />
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
  const id = useId()
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
        options={(Object.keys(reasons) as Reason[]).map((value) => ({
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
      <div class="field">
        <label for={id}>
          {t('report.words')} <span class="optional">{t('optional')}</span>
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
      <WhoReads to={to} />
      {problem.value && <FormTrouble problem={problem.value} />}
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
