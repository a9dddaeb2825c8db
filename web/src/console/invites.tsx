/** Invite codes: made, listed, switched off. */
import { useSignal } from '@preact/signals'
import { Field, Segments } from '../parts/form.tsx'
import { number } from '../words/index.ts'
import { ask, tell } from './host.ts'
import { Chip, type Column, Done, Latin, Table, type Tone, Trouble, When } from './parts.tsx'
import { useReading } from './reading.ts'
import { w } from './words/index.ts'

interface Code {
  code: string
  available: number
  disabled: boolean
  forAccount: string
  createdAt: string
  uses: unknown[]
}

const states = ['good', 'usedUp', 'off'] as const
type State = (typeof states)[number]
const tones: Record<State, Tone> = { good: 'good', usedUp: 'calm', off: 'bad' }
const USES_MAX = 1_000

const left = ({ available, uses }: Code) => Math.max(0, available - uses.length)

function stateOf(code: Code): State {
  if (code.disabled) return 'off'
  return left(code) > 0 ? 'good' : 'usedUp'
}

export function Invites() {
  const state = useSignal<'all' | State>('all')
  const error = useSignal<unknown>(undefined)
  const reading = useReading<Code>(async (cursor) => {
    const params = { sort: 'recent', limit: 100, cursor }
    const found = await ask<{ codes: Code[]; cursor?: string }>(
      'com.atproto.admin.getInviteCodes',
      params,
    )
    return { rows: found.codes, cursor: found.cursor }
  }, '')
  const disable = async (code: string) => {
    error.value = undefined
    try {
      await tell('com.atproto.admin.disableInviteCodes', { codes: [code] })
      await reading.again()
    } catch (thrown) {
      error.value = thrown
    }
  }
  const shown = reading.rows.value.filter(
    (code) => state.value === 'all' || stateOf(code) === state.value,
  )
  return (
    <>
      <NewCode onMade={() => void reading.again()} />
      <Trouble error={error.value} />
      <div class="tools">
        <Segments
          name="code-state"
          label={w('codes.filter')}
          value={state.value}
          options={[
            { value: 'all' as const, label: w('state.all') },
            ...states.map((one) => ({ value: one, label: w(`codes.${one}`) })),
          ]}
          onChoose={(value) => (state.value = value)}
        />
      </div>
      <Table
        label={w('invites')}
        columns={columns((code) => void disable(code))}
        reading={reading}
        shown={shown}
        rowKey={({ code }) => code}
        empty={w('codes.none')}
      />
    </>
  )
}

function NewCode({ onMade }: { onMade: () => void }) {
  const uses = useSignal('1')
  const made = useSignal<string | undefined>(undefined)
  const error = useSignal<unknown>(undefined)
  const useCount = Number(uses.value)
  const isGood = Number.isInteger(useCount) && useCount >= 1 && useCount <= USES_MAX
  const make = async () => {
    error.value = undefined
    try {
      const body = { useCount }
      made.value = (await tell<{ code: string }>('com.atproto.server.createInviteCode', body)).code
      onMade()
    } catch (thrown) {
      error.value = thrown
    }
  }
  return (
    <form
      class="new-code"
      aria-label={w('codes.new')}
      onSubmit={(event) => {
        event.preventDefault()
        if (isGood) void make()
      }}
    >
      <Field
        label={w('codes.uses')}
        value={uses.value}
        onInput={(value) => (uses.value = value)}
        latin
        required
        tone={isGood ? undefined : 'bad'}
      />
      <button type="submit" class="button" disabled={!isGood}>
        {w('codes.make')}
      </button>
      {made.value && (
        <Done>
          {w('codes.made')}{' '}
          <b class="fresh-code">
            <Latin>{made.value}</Latin>
          </b>
        </Done>
      )}
      <Trouble error={error.value} />
    </form>
  )
}

function columns(onDisable: (code: string) => void): Column<Code>[] {
  return [
    {
      key: 'code',
      label: w('codes.code'),
      cell: ({ code }) => (
        <code class="code">
          <Latin>{code}</Latin>
        </code>
      ),
      order: ({ code }) => code,
    },
    {
      key: 'state',
      label: w('codes.state'),
      cell: (code) => <Chip tone={tones[stateOf(code)]}>{w(`codes.${stateOf(code)}`)}</Chip>,
      order: stateOf,
    },
    {
      key: 'left',
      label: w('codes.left'),
      cell: (code) => number(left(code)),
      order: left,
      numeric: true,
    },
    {
      key: 'used',
      label: w('codes.used'),
      cell: ({ uses }) => number(uses.length),
      order: ({ uses }) => uses.length,
      numeric: true,
    },
    {
      key: 'for',
      label: w('codes.for'),
      cell: ({ forAccount }) => <Latin>{forAccount}</Latin>,
      order: ({ forAccount }) => forAccount,
    },
    {
      key: 'created',
      label: w('codes.created'),
      cell: ({ createdAt }) => <When at={createdAt} />,
      order: ({ createdAt }) => createdAt,
    },
    {
      key: 'act',
      label: '',
      cell: (code) =>
        stateOf(code) === 'good' && (
          <button type="button" class="link-button" onClick={() => onDisable(code.code)}>
            {w('codes.disable')}
          </button>
        ),
    },
  ]
}
