/** The record of what operators did: newest first, narrowed by whom, what and about what. */
import { useSignal } from '@preact/signals'
import { Dialog, DialogHead } from '../parts/dialog.tsx'
import { Segments } from '../parts/form.tsx'
import { Icon } from '../parts/icon.tsx'
import { ask } from './host.ts'
import { Chip, type Column, Fact, Facts, Latin, latin, Table, When } from './parts.tsx'
import { useReading } from './reading.ts'
import { Search } from './search.tsx'
import { w } from './words/index.ts'

interface Entry {
  id: number
  at: string
  operator: string
  role: 'admin' | 'moderator' | 'support' | 'viewer'
  method: string
  subject?: string
  detail?: string
  outcome?: string
}

interface Filter {
  operator?: string
  method?: string
  subject?: string
}

const PAGE = 50
const kinds = ['all', 'changes', 'refused'] as const
type Kind = (typeof kinds)[number]

/** Most of what operators do is looking. */
const isLook = ({ method }: Entry) => /^(get|list|search)/.test(shortOf(method))

const isOf: Record<Kind, (entry: Entry) => boolean> = {
  all: () => true,
  changes: (entry) => !isLook(entry),
  refused: ({ outcome }) => outcome !== undefined && outcome !== 'ok',
}

export function Audit() {
  const filter = useSignal<Filter>({})
  const kind = useSignal<Kind>('all')
  const open = useSignal<Entry | undefined>(undefined)
  const reading = useReading<Entry>(async (cursor) => {
    const params = { limit: PAGE, cursor, ...filter.peek() }
    const found = await ask<{ entries: Entry[]; cursor?: string }>(
      'app.falaj.admin.listAudit',
      params,
    )
    return { rows: found.entries, cursor: found.cursor }
  }, JSON.stringify(filter.value))
  const narrow = (more: Filter) => {
    filter.value = { ...filter.peek(), ...more }
    open.value = undefined
  }
  return (
    <>
      <div class="tools">
        <Search
          label={w('audit.search')}
          onSearch={(text) => {
            const { subject: _, ...others } = filter.peek()
            filter.value = text === '' ? others : { ...others, subject: text }
          }}
        />
        <Segments
          name="audit-kind"
          label={w('audit.kind')}
          value={kind.value}
          options={kinds.map((one) => ({ value: one, label: w(`audit.kind.${one}`) }))}
          onChoose={(value) => (kind.value = value)}
        />
        <Narrowed filter={filter.value} onChange={(next) => (filter.value = next)} />
        <button type="button" class="button ghost small" onClick={() => void reading.again()}>
          {w('refresh')}
        </button>
      </div>
      <Table
        label={w('audit')}
        columns={columns()}
        reading={reading}
        shown={reading.rows.value.filter(isOf[kind.value])}
        rowKey={({ id }) => String(id)}
        empty={w('audit.none')}
        onOpen={(entry) => (open.value = entry)}
      />
      {open.value !== undefined && (
        <EntryDialog
          entry={open.value}
          onNarrow={narrow}
          onClose={() => {
            open.value = undefined
          }}
        />
      )}
    </>
  )
}

/** What is asked for, each to be taken back. */
function Narrowed({ filter, onChange }: { filter: Filter; onChange: (next: Filter) => void }) {
  const entries = Object.entries(filter) as [keyof Filter, string][]
  if (entries.length === 0) return null
  return (
    <ul class="narrowed" aria-label={w('audit.filter')}>
      {entries.map(([key, value]) => (
        <li key={key}>
          <button
            type="button"
            class="chip"
            data-tone="calm"
            aria-label={w('audit.without', { name: latin(value) })}
            onClick={() => {
              const { [key]: _, ...others } = filter
              onChange(others)
            }}
          >
            <Latin>{key === 'method' ? shortOf(value) : value}</Latin> <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  )
}

/** A method's last word says what was done; the whole of it is in the dialog. */
const shortOf = (method: string) => method.slice(method.lastIndexOf('.') + 1)

function Outcome({ outcome }: { outcome: string | undefined }) {
  if (outcome === 'ok') return <Chip tone="good">{w('audit.ok')}</Chip>
  if (outcome === undefined) return <Chip tone="wait">{w('audit.open')}</Chip>
  return (
    <Chip tone="bad">
      <Latin>{outcome}</Latin>
    </Chip>
  )
}

function columns(): Column<Entry>[] {
  return [
    {
      key: 'what',
      label: w('audit.what'),
      cell: ({ method }) => <Latin>{shortOf(method)}</Latin>,
      order: ({ method }) => shortOf(method),
    },
    {
      key: 'who',
      label: w('audit.who'),
      cell: ({ operator }) => <Latin>{operator}</Latin>,
      order: ({ operator }) => operator,
    },
    {
      key: 'about',
      label: w('audit.about'),
      cell: ({ subject }) =>
        subject ? (
          <span class="about">
            <Latin>{subject}</Latin>
          </span>
        ) : (
          ''
        ),
      order: ({ subject }) => subject ?? '',
    },
    {
      key: 'outcome',
      label: w('audit.outcome'),
      cell: ({ outcome }) => <Outcome outcome={outcome} />,
      order: ({ outcome }) => outcome ?? '',
    },
    {
      key: 'when',
      label: w('audit.when'),
      cell: ({ at }) => <When at={at} />,
      order: ({ at }) => at,
    },
  ]
}

interface EntryDialogProps {
  entry: Entry
  onNarrow: (more: Filter) => void
  onClose: () => void
}

function EntryDialog({ entry, onNarrow, onClose }: EntryDialogProps) {
  const { operator, role, method, subject, detail, outcome, at } = entry
  const title = latin(shortOf(method))
  const only = (label: string, more: Filter) => (
    <button type="button" class="button ghost small" onClick={() => onNarrow(more)}>
      {label}
    </button>
  )
  return (
    <Dialog title={title} onClose={onClose} tall class="sheet">
      <DialogHead title={title} onClose={onClose} />
      <div class="dialog-body form">
        <Facts>
          <Fact name={w('audit.who')}>
            <Latin>{operator}</Latin> <span class="quiet">{w(`role.${role}`)}</span>
          </Fact>
          <Fact name={w('audit.outcome')}>
            <Outcome outcome={outcome} />
          </Fact>
          <Fact name={w('audit.when')}>
            <When at={at} />
          </Fact>
          <Fact name={w('audit.what')}>
            <code class="code" dir="ltr">
              {method}
            </code>
          </Fact>
          {subject && (
            <Fact name={w('audit.about')}>
              <code class="code" dir="ltr">
                {subject}
              </code>
            </Fact>
          )}
        </Facts>
        {detail && (
          <div>
            <h3>{w('audit.detail')}</h3>
            <code class="code" dir="ltr">
              {detail}
            </code>
          </div>
        )}
        <div class="row">
          {only(w('audit.onlyBy', { name: latin(operator) }), { operator })}
          {only(w('audit.onlyMethod'), { method })}
          {subject && only(w('audit.onlyAbout'), { subject })}
        </div>
      </div>
    </Dialog>
  )
}
