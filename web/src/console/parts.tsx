/** What the console's sections are made of: troubles, chips, facts, and tables that sort. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { CallError } from '../data/xrpc.ts'
import { Icon } from '../parts/icon.tsx'
import { ago, moment } from '../words/index.ts'
import type { Reading } from './reading.ts'
import { w } from './words/index.ts'

/** What went wrong, in the host's own words: operators want those. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => void }) {
  if (error === undefined) return null
  const call = error instanceof CallError ? error : undefined
  const detail = call
    ? [call.status || '', call.error, call.message].filter(Boolean).join(' · ')
    : String(error)
  return (
    <div class="note" data-tone="bad" role="alert">
      <Icon name="warn" />
      <div>
        <b>{call?.status === 0 ? w('unreachable') : w('failed')}</b>
        <code class="code" dir="ltr">
          {detail}
        </code>
        {retry && (
          <button type="button" class="link-button" onClick={retry}>
            {w('again')}
          </button>
        )}
      </div>
    </div>
  )
}

/** That something was done. */
export function Done({ children }: { children: ComponentChildren }) {
  return (
    <div class="note" data-tone="good" role="status">
      <Icon name="check" />
      <div>{children}</div>
    </div>
  )
}

export type Tone = 'good' | 'wait' | 'bad' | 'calm'

export function Chip({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class="chip" data-tone={tone}>
      {children}
    </span>
  )
}

/** Names, addresses and hashes: left to right in any line. */
export function Latin({ children }: { children: ComponentChildren }) {
  return <bdi dir="ltr">{children}</bdi>
}

/** The same where only text may stand: inside a left-to-right isolate. */
export const latin = (text: string): string => `\u2066${text}\u2069`

/** What somebody wrote, in its own direction, where only text may stand. */
export const ownWay = (text: string): string => `\u2068${text}\u2069`

/** A moment, short, with the whole of it when asked. */
export function When({ at }: { at: string | undefined }) {
  if (!at) return <span class="quiet">{w('never')}</span>
  const ms = Date.parse(at)
  return (
    <time dateTime={at} title={moment(ms)}>
      {ago(ms, Date.now())}
    </time>
  )
}

export function Facts({ children }: { children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

export interface Column<T> {
  key: string
  label: string
  cell: (row: T) => ComponentChildren
  /** What rows are put in order by; a column without it does not sort. */
  order?: (row: T) => string | number
  /** Numbers, which are compared. */
  numeric?: boolean
}

interface TableProps<T> {
  label: string
  columns: readonly Column<T>[]
  reading: Reading<T>
  shown: readonly T[]
  rowKey: (row: T) => string
  empty: string
  /** Opens a row; its first cell is then a button. */
  onOpen?: (row: T) => void
}

/** Rows that sort by a click on a head and are walked with the arrow keys. */
export function Table<T>(props: TableProps<T>) {
  const { label, columns, reading, rowKey, empty, onOpen } = props
  const by = useSignal<{ key: string; down: boolean } | undefined>(undefined)
  const rows = sorted(props.shown, columns, by.value)
  const busy = reading.busy.value
  return (
    <>
      <Trouble error={reading.trouble.value} retry={() => void reading.again()} />
      {rows.length > 0 && (
        <table class="table" aria-label={label} aria-busy={busy} onKeyDown={walk}>
          <thead>
            <tr>
              {columns.map((column) => (
                <Head
                  key={column.key}
                  column={column}
                  by={by.value}
                  onSort={(next) => (by.value = next)}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={rowKey(row)}>
                {columns.map((column, index) => (
                  <td
                    key={column.key}
                    data-label={column.label}
                    class={column.numeric ? 'num' : ''}
                  >
                    {index === 0 && onOpen ? (
                      <button type="button" class="row-button" onClick={() => onOpen(row)}>
                        {column.cell(row)}
                      </button>
                    ) : (
                      column.cell(row)
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {busy && rows.length === 0 && <Bones />}
      {!busy && rows.length === 0 && reading.trouble.value === undefined && (
        <p class="nothing">{empty}</p>
      )}
      {reading.cursor.value && (
        <button
          type="button"
          class="button ghost small"
          aria-busy={busy}
          onClick={() => void reading.more()}
        >
          {w('more')}
        </button>
      )}
    </>
  )
}

interface HeadProps<T> {
  column: Column<T>
  by: { key: string; down: boolean } | undefined
  onSort: (by: { key: string; down: boolean }) => void
}

function Head<T>({ column, by, onSort }: HeadProps<T>) {
  const { key, label, order } = column
  if (!order) return <th scope="col">{label}</th>
  const mine = by?.key === key
  const direction = by?.down ? 'descending' : 'ascending'
  return (
    <th scope="col" aria-sort={mine ? direction : 'none'}>
      <button
        type="button"
        title={w('sortBy', { name: label })}
        onClick={() => onSort({ key, down: mine ? !by.down : false })}
      >
        {label}
        <span class="sort-mark" aria-hidden="true">
          {mine ? (by.down ? '▾' : '▴') : ''}
        </span>
      </button>
    </th>
  )
}

function sorted<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  by: { key: string; down: boolean } | undefined,
): readonly T[] {
  const order = columns.find(({ key }) => key === by?.key)?.order
  if (!order || !by) return rows
  const compare = (a: T, b: T) => {
    const [x, y] = [order(a), order(b)]
    if (typeof x === 'number' && typeof y === 'number') return x - y
    return String(x).localeCompare(String(y))
  }
  return rows.toSorted((a, b) => (by.down ? compare(b, a) : compare(a, b)))
}

/** Up and down go from row to row. */
function walk(event: KeyboardEvent): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (step === 0) return
  const buttons = [
    ...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('.row-button'),
  ]
  const next = buttons[buttons.indexOf(document.activeElement as HTMLElement) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}

function Bones() {
  return (
    <div role="status" aria-label={w('loading')} class="bones">
      {Array.from({ length: 6 }, (_, index) => (
        <span class="bone" key={index} style={{ width: `${92 - ((index * 17) % 30)}%` }} />
      ))}
    </div>
  )
}
