/** Accounts of the host: found by address, handle or DID; one of them open. */
import { useSignal } from '@preact/signals'
import { Segments } from '../parts/form.tsx'
import { AccountDialog } from './account.tsx'
import { ask, askOpenly } from './host.ts'
import { Chip, type Column, Latin, Table, type Tone, When } from './parts.tsx'
import { type Page, useReading } from './reading.ts'
import { Search } from './search.tsx'
import { w } from './words/index.ts'

export interface AccountView {
  did: string
  handle: string
  email?: string
  emailConfirmedAt?: string
  indexedAt: string
  deactivatedAt?: string
  invitesDisabled?: boolean
  inviteNote?: string
  invitedBy?: { code: string }
  invites?: { code: string; available: number; disabled: boolean; uses: unknown[] }[]
}

export const standings = ['active', 'deactivated', 'takendown', 'suspended', 'deleted'] as const
export type Standing = (typeof standings)[number] | 'unknown'

interface Row extends AccountView {
  standing: Standing
}

const tones: Record<Standing, Tone> = {
  active: 'good',
  deactivated: 'calm',
  takendown: 'bad',
  suspended: 'bad',
  deleted: 'calm',
  unknown: 'calm',
}

/** Rows of a page; each asks once for its standing, which is public. */
const PAGE = 25

export function Accounts() {
  const wanted = useSignal('')
  const standing = useSignal<'all' | Standing>('all')
  const open = useSignal<string | undefined>(undefined)
  const reading = useReading<Row>((cursor) => find(wanted.peek(), cursor), wanted.value)
  const shown = reading.rows.value.filter(
    (row) => standing.value === 'all' || row.standing === standing.value,
  )
  return (
    <>
      <div class="tools">
        <Search label={w('accounts.search')} onSearch={(text) => (wanted.value = text)} />
        <Segments
          name="account-state"
          label={w('accounts.filter')}
          value={standing.value}
          options={[
            { value: 'all' as const, label: w('state.all') },
            ...(['active', 'deactivated', 'suspended', 'takendown'] as const).map((one) => ({
              value: one,
              label: w(`state.${one}`),
            })),
          ]}
          onChoose={(value) => (standing.value = value)}
        />
      </div>
      <Table
        label={w('accounts')}
        columns={columns()}
        reading={reading}
        shown={shown}
        rowKey={({ did }) => did}
        empty={w('accounts.none')}
        onOpen={({ did }) => (open.value = did)}
      />
      {open.value !== undefined && (
        <AccountDialog
          did={open.value}
          onClose={() => (open.value = undefined)}
          onChange={() => void reading.again()}
        />
      )}
    </>
  )
}

export function StandingChip({ standing }: { standing: Standing }) {
  return <Chip tone={tones[standing]}>{w(`state.${standing}`)}</Chip>
}

function columns(): Column<Row>[] {
  return [
    {
      key: 'handle',
      label: w('accounts.handle'),
      cell: ({ handle }) => <Latin>@{handle}</Latin>,
      order: ({ handle }) => handle,
    },
    {
      key: 'email',
      label: w('accounts.email'),
      cell: ({ email }) =>
        email ? <Latin>{email}</Latin> : <span class="quiet">{w('accounts.noEmail')}</span>,
      order: ({ email }) => email ?? '',
    },
    {
      key: 'state',
      label: w('accounts.state'),
      cell: (row) => <StandingChip standing={row.standing} />,
      order: (row) => row.standing,
    },
    {
      key: 'since',
      label: w('accounts.since'),
      cell: ({ indexedAt }) => <When at={indexedAt} />,
      order: ({ indexedAt }) => indexedAt,
    },
  ]
}

async function find(wanted: string, cursor: string | undefined): Promise<Page<Row>> {
  const page = wanted.startsWith('did:') ? await byDid(wanted) : await byText(wanted, cursor)
  return { rows: await Promise.all(page.rows.map(withStanding)), cursor: page.cursor }
}

async function byDid(did: string): Promise<Page<AccountView>> {
  const nsid = 'com.atproto.admin.getAccountInfos'
  return { rows: (await ask<{ infos: AccountView[] }>(nsid, { dids: [did] })).infos }
}

/** By a part of the address or handle; all without a text. */
async function byText(wanted: string, cursor: string | undefined): Promise<Page<AccountView>> {
  const params = { limit: PAGE, cursor, email: wanted.replace(/^@/, '') || undefined }
  const found = await ask<{ accounts: AccountView[]; cursor?: string }>(
    'com.atproto.admin.searchAccounts',
    params,
  )
  return { rows: found.accounts, cursor: found.cursor }
}

async function withStanding(account: AccountView): Promise<Row> {
  return { ...account, standing: await standingOf(account.did) }
}

export async function standingOf(did: string): Promise<Standing> {
  try {
    const found = await askOpenly<{ active: boolean; status?: Standing }>(
      'com.atproto.sync.getRepoStatus',
      { did },
    )
    return found.active ? 'active' : (standings.find((one) => one === found.status) ?? 'unknown')
  } catch {
    return 'unknown'
  }
}
