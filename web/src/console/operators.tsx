/** Operators beside the admin: added with a role, seen at work, revoked. */
import { useSignal } from '@preact/signals'
import { Dialog, DialogHead } from '../parts/dialog.tsx'
import { Field, Segments } from '../parts/form.tsx'
import { ask, tell } from './host.ts'
import {
  Chip,
  type Column,
  Done,
  Fact,
  Facts,
  Latin,
  latin,
  Table,
  Trouble,
  When,
} from './parts.tsx'
import { useReading } from './reading.ts'
import { w } from './words/index.ts'

const roles = ['admin', 'moderator', 'support', 'viewer'] as const
type Role = (typeof roles)[number]

interface Operator {
  name: string
  role: Role
  createdAt: string
  createdBy: string
  revokedAt?: string
  lastSeenAt?: string
}

/** What the host takes for a name. */
const NAME = /^[a-z][a-z0-9._-]{1,31}$/

export function Operators() {
  const open = useSignal<Operator | undefined>(undefined)
  const reading = useReading<Operator>(async () => {
    const { operators } = await ask<{ operators: Operator[] }>('app.falaj.admin.listOperators')
    return { rows: operators }
  }, '')
  return (
    <>
      <NewOperator onMade={() => void reading.again()} />
      <Table
        label={w('operators')}
        columns={columns()}
        reading={reading}
        shown={reading.rows.value}
        rowKey={({ name }) => name}
        empty={w('operators.none')}
        onOpen={(operator) => (open.value = operator)}
      />
      {open.value !== undefined && (
        <OperatorDialog
          operator={open.value}
          onClose={() => (open.value = undefined)}
          onChange={() => void reading.again()}
        />
      )}
    </>
  )
}

function NewOperator({ onMade }: { onMade: () => void }) {
  const name = useSignal('')
  const role = useSignal<Role>('moderator')
  const made = useSignal<{ name: string; secret: string } | undefined>(undefined)
  const error = useSignal<unknown>(undefined)
  const isGood = NAME.test(name.value)
  const make = async () => {
    error.value = undefined
    made.value = undefined
    try {
      const body = { name: name.peek(), role: role.peek() }
      made.value = await tell<{ name: string; secret: string }>('app.falaj.admin.addOperator', body)
      name.value = ''
      onMade()
    } catch (thrown) {
      error.value = thrown
    }
  }
  return (
    <form
      class="new-code"
      aria-label={w('operators.new')}
      onSubmit={(event) => {
        event.preventDefault()
        if (isGood) void make()
      }}
    >
      <Field
        label={w('operators.name')}
        value={name.value}
        onInput={(value) => (name.value = value.trim().toLowerCase())}
        latin
        autocomplete="off"
        required
      />
      <Segments
        name="operator-role"
        label={w('operators.role')}
        value={role.value}
        options={roles.map((one) => ({ value: one, label: w(`role.${one}`) }))}
        onChoose={(value) => (role.value = value)}
      />
      <button type="submit" class="button" disabled={!isGood}>
        {w('operators.add')}
      </button>
      <p class="small quiet wide">{w('operators.roles')}</p>
      {made.value && (
        <Done>
          <Latin>{made.value.name}</Latin> · {w('operators.made')}{' '}
          <b class="fresh-code">
            <Latin>{made.value.secret}</Latin>
          </b>
        </Done>
      )}
      <Trouble error={error.value} />
    </form>
  )
}

function StateChip({ operator: { revokedAt } }: { operator: Operator }) {
  return revokedAt ? (
    <Chip tone="calm">{w('operators.revoked')}</Chip>
  ) : (
    <Chip tone="good">{w('operators.inForce')}</Chip>
  )
}

function columns(): Column<Operator>[] {
  return [
    {
      key: 'name',
      label: w('operators.name'),
      cell: ({ name }) => <Latin>{name}</Latin>,
      order: ({ name }) => name,
    },
    {
      key: 'role',
      label: w('operators.role'),
      cell: ({ role }) => w(`role.${role}`),
      order: ({ role }) => roles.indexOf(role),
    },
    {
      key: 'state',
      label: w('operators.state'),
      cell: (operator) => <StateChip operator={operator} />,
      order: ({ revokedAt }) => (revokedAt ? 1 : 0),
    },
    {
      key: 'seen',
      label: w('operators.seen'),
      cell: ({ lastSeenAt }) => <When at={lastSeenAt} />,
      order: ({ lastSeenAt }) => lastSeenAt ?? '',
    },
    {
      key: 'since',
      label: w('operators.since'),
      cell: ({ createdAt }) => <When at={createdAt} />,
      order: ({ createdAt }) => createdAt,
    },
  ]
}

interface OperatorDialogProps {
  operator: Operator
  onClose: () => void
  onChange: () => void
}

function OperatorDialog({ operator, onClose, onChange }: OperatorDialogProps) {
  const { name, role, createdAt, createdBy, lastSeenAt, revokedAt } = operator
  const error = useSignal<unknown>(undefined)
  const isRevoked = useSignal(revokedAt !== undefined)
  const revoke = async () => {
    error.value = undefined
    try {
      await tell('app.falaj.admin.revokeOperator', { name })
      isRevoked.value = true
      onChange()
    } catch (thrown) {
      error.value = thrown
    }
  }
  const title = latin(name)
  return (
    <Dialog title={title} onClose={onClose} tall class="sheet">
      <DialogHead title={title} onClose={onClose} />
      <div class="dialog-body form">
        <Facts>
          <Fact name={w('operators.role')}>{w(`role.${role}`)}</Fact>
          <Fact name={w('operators.state')}>
            <StateChip operator={isRevoked.value ? { ...operator, revokedAt: '-' } : operator} />
          </Fact>
          <Fact name={w('operators.since')}>
            <When at={createdAt} />
          </Fact>
          <Fact name={w('operators.by')}>
            <Latin>{createdBy}</Latin>
          </Fact>
          <Fact name={w('operators.seen')}>
            <When at={lastSeenAt} />
          </Fact>
        </Facts>
        <Trouble error={error.value} />
        {!isRevoked.value && (
          <>
            <p class="soft">{w('operators.revokeAsk')}</p>
            <div class="row">
              <button type="button" class="button danger small" onClick={() => void revoke()}>
                {w('operators.revoke')}
              </button>
            </div>
          </>
        )}
      </div>
    </Dialog>
  )
}
