/** The outbox: letters of the host, one of them open, and sending again. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Dialog, DialogHead } from '../parts/dialog.tsx'
import { Segments } from '../parts/form.tsx'
import { Icon } from '../parts/icon.tsx'
import { number } from '../words/index.ts'
import { ask, tell } from './host.ts'
import {
  Chip,
  type Column,
  Done,
  Fact,
  Facts,
  Latin,
  ownWay,
  Table,
  type Tone,
  Trouble,
  When,
} from './parts.tsx'
import { useReading } from './reading.ts'
import { Search } from './search.tsx'
import { w } from './words/index.ts'

interface Letter {
  id: number
  did?: string
  recipient: string
  purpose: string
  subject: string
  state: 'kept' | 'waiting' | 'sent' | 'failed'
  attempts: number
  reason?: string
  isReadable: boolean
  createdAt: string
  triedAt?: string
  sentAt?: string
}

interface Letters {
  letters: Letter[]
  leavesHost: boolean
  cursor?: string
}

const states = ['kept', 'waiting', 'failed', 'sent'] as const
const tones: Record<Letter['state'], Tone> = {
  kept: 'calm',
  waiting: 'wait',
  sent: 'good',
  failed: 'bad',
}

export function Mail() {
  const state = useSignal<'all' | Letter['state']>('all')
  const recipient = useSignal('')
  const leavesHost = useSignal(true)
  const open = useSignal<Letter | undefined>(undefined)
  const reading = useReading<Letter>(async (cursor) => {
    const filter = state.peek() === 'all' ? undefined : state.peek()
    const params = { limit: 50, cursor, state: filter, recipient: recipient.peek() || undefined }
    const found = await ask<Letters>('app.falaj.admin.listLetters', params)
    leavesHost.value = found.leavesHost
    return { rows: found.letters, cursor: found.cursor }
  }, `${state.value} ${recipient.value}`)
  return (
    <>
      {!leavesHost.value && (
        <div class="note" data-tone="warm" role="status">
          <Icon name="info" />
          <div>{w('letters.noServer')}</div>
        </div>
      )}
      <div class="tools">
        <Search label={w('letters.search')} onSearch={(text) => (recipient.value = text)} />
        <Segments
          name="letter-state"
          label={w('letters.filter')}
          value={state.value}
          options={[
            { value: 'all' as const, label: w('state.all') },
            ...states.map((one) => ({ value: one, label: w(`letter.${one}`) })),
          ]}
          onChoose={(value) => (state.value = value)}
        />
        <button type="button" class="button ghost small" onClick={() => void reading.again()}>
          {w('refresh')}
        </button>
      </div>
      <Table
        label={w('mail')}
        columns={columns()}
        reading={reading}
        shown={reading.rows.value}
        rowKey={({ id }) => String(id)}
        empty={w('letters.none')}
        onOpen={(letter) => (open.value = letter)}
      />
      {open.value !== undefined && (
        <LetterDialog
          row={open.value}
          leavesHost={leavesHost.value}
          onClose={() => {
            open.value = undefined
          }}
          onChange={() => void reading.again()}
        />
      )}
    </>
  )
}

function columns(): Column<Letter>[] {
  return [
    {
      key: 'subject',
      label: w('letters.subject'),
      cell: ({ subject }) => <span dir="auto">{subject}</span>,
      order: ({ subject }) => subject,
    },
    {
      key: 'recipient',
      label: w('letters.recipient'),
      cell: ({ recipient }) => <Latin>{recipient}</Latin>,
      order: ({ recipient }) => recipient,
    },
    {
      key: 'state',
      label: w('letters.state'),
      cell: ({ state }) => <Chip tone={tones[state]}>{w(`letter.${state}`)}</Chip>,
      order: ({ state }) => states.indexOf(state),
    },
    {
      key: 'tries',
      label: w('letters.tries'),
      cell: ({ attempts }) => number(attempts),
      order: ({ attempts }) => attempts,
      numeric: true,
    },
    {
      key: 'written',
      label: w('letters.written'),
      cell: ({ createdAt }) => <When at={createdAt} />,
      order: ({ createdAt }) => createdAt,
    },
  ]
}

interface LetterDialogProps {
  row: Letter
  leavesHost: boolean
  onClose: () => void
  onChange: () => void
}

/** A letter; what it says is told only to who runs the host. */
function LetterDialog({ row, leavesHost, onClose, onChange }: LetterDialogProps) {
  const { id } = row
  const found = useSignal<{ letter: Letter; text?: string } | undefined>(undefined)
  const error = useSignal<unknown>(undefined)
  const resent = useSignal(false)
  useEffect(() => {
    ask<{ letter: Letter; text?: string }>('app.falaj.admin.getLetter', { id }).then(
      (answer) => (found.value = answer),
      (thrown) => (error.value = thrown),
    )
  }, [id])
  const resend = async () => {
    error.value = undefined
    try {
      const { letter } = await tell<{ letter: Letter }>('app.falaj.admin.resendLetter', { id })
      found.value = { ...found.peek(), letter }
      resent.value = true
      onChange()
    } catch (thrown) {
      error.value = thrown
    }
  }
  const letter = found.value?.letter ?? row
  const title = ownWay(letter.subject)
  return (
    <Dialog title={title} onClose={onClose} tall class="sheet">
      <DialogHead title={title} onClose={onClose} />
      <div class="dialog-body form">
        <Facts>
          <Fact name={w('letters.recipient')}>
            <Latin>{letter.recipient}</Latin>
          </Fact>
          <Fact name={w('letters.state')}>
            <Chip tone={tones[letter.state]}>{w(`letter.${letter.state}`)}</Chip>
          </Fact>
          <Fact name={w('letters.written')}>
            <When at={letter.createdAt} />
          </Fact>
          <Fact name={w('letters.tries')}>{number(letter.attempts)}</Fact>
        </Facts>
        {letter.reason && (
          <div>
            <h3>{w('letters.reason')}</h3>
            <code class="code" dir="ltr">
              {letter.reason}
            </code>
          </div>
        )}
        {found.value?.text ? (
          <div class="letter-text">
            {found.value.text.split('\n').map((line, index) => (
              <p dir="auto" key={index}>
                {line || ' '}
              </p>
            ))}
          </div>
        ) : (
          !letter.isReadable && <p class="soft">{w('letters.gone')}</p>
        )}
        <Trouble error={error.value} />
        {resent.value && <Done>{w('letters.resent')}</Done>}
        {letter.isReadable && leavesHost && !resent.value && (
          <div class="row end-row">
            <button type="button" class="button" onClick={() => void resend()}>
              {w('letters.resend')}
            </button>
          </div>
        )}
      </div>
    </Dialog>
  )
}
