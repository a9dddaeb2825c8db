/** How the host is: what it says of itself, what stands still, what waits. */
import { number } from '../words/index.ts'
import { ask, askOpenly, operator } from './host.ts'
import { Done, Fact, Facts, Latin, Table, Trouble } from './parts.tsx'
import { type Reading, useReading } from './reading.ts'
import { w } from './words/index.ts'

interface Stopped {
  did: string
  reason: string
}

interface Health {
  version: string
  stoppedCount: number
  stopped: Stopped[]
  unsyncedFiles: number
  leavesHost: boolean
  lettersWaiting: number
  lettersFailed: number
}

interface About {
  did: string
  availableUserDomains: string[]
  inviteCodeRequired?: boolean
}

export function HostHealth() {
  const reading = useReading<Health & About>(async () => {
    const [health, about] = await Promise.all([
      ask<Health>('app.falaj.admin.getHealth'),
      askOpenly<About>('com.atproto.server.describeServer'),
    ])
    return { rows: [{ ...health, ...about }] }
  }, '')
  const [found] = reading.rows.value
  return (
    <>
      <div class="tools">
        <button
          type="button"
          class="button ghost small"
          aria-busy={reading.busy.value}
          onClick={() => void reading.again()}
        >
          {w('refresh')}
        </button>
      </div>
      <Trouble error={reading.trouble.value} />
      {found && <Found found={found} reading={reading} />}
    </>
  )
}

function Found({ found, reading }: { found: Health & About; reading: Reading<Health & About> }) {
  const { stoppedCount, stopped } = found
  return (
    <>
      {stoppedCount === 0 ? (
        <Done>{w('health.good')}</Done>
      ) : (
        <div class="note" data-tone="bad" role="alert">
          <div>
            <b>{w('health.stopped', { n: stoppedCount })}</b>
            {w('health.stoppedWhy')}
          </div>
        </div>
      )}
      {stopped.length > 0 && (
        <Table
          label={w('health.account')}
          columns={[
            {
              key: 'did',
              label: w('health.account'),
              cell: ({ did }: Stopped) => <Latin>{did}</Latin>,
              order: ({ did }: Stopped) => did,
            },
            {
              key: 'reason',
              label: w('health.reason'),
              cell: ({ reason }: Stopped) => <Latin>{reason}</Latin>,
            },
          ]}
          reading={{ ...reading, rows: reading.rows as never }}
          shown={stopped}
          rowKey={({ did }) => did}
          empty=""
        />
      )}
      <Facts>
        <Fact name={w('health.address')}>
          <Latin>{operator.value?.service}</Latin>
        </Fact>
        <Fact name={w('health.version')}>
          <Latin>{found.version}</Latin>
        </Fact>
        <Fact name={w('health.did')}>
          <code class="code" dir="ltr">
            {found.did}
          </code>
        </Fact>
        <Fact name={w('health.domains')}>
          <Latin>{found.availableUserDomains.join(' ')}</Latin>
        </Fact>
        <Fact name={w('health.invites')}>{w(found.inviteCodeRequired ? 'yes' : 'no')}</Fact>
        <Fact name={w('health.mailServer')}>{w(found.leavesHost ? 'yes' : 'no')}</Fact>
        <Fact name={w('health.waiting')}>{number(found.lettersWaiting)}</Fact>
        <Fact name={w('health.failed')}>{number(found.lettersFailed)}</Fact>
        <Fact name={w('health.unsynced')}>{number(found.unsyncedFiles)}</Fact>
      </Facts>
    </>
  )
}
