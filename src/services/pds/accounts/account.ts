import type { Sealer } from '#platform/runtime'
import { importKey, type SigningKey } from '#protocol/crypto'
import type { Did, Handle, Tid } from '#protocol/syntax'

export type AccountStatus =
  | 'pending'
  | 'active'
  | 'deactivated'
  | 'suspended'
  | 'takendown'
  | 'deleted'

/** Whether the operator holds an account back: its owner gets in only to fetch it and leave. */
export const isHeldBack = ({ status }: { status: AccountStatus }): boolean =>
  status === 'takendown' || status === 'suspended'

/**
 * One hosted account: its login and hosting state. The signed tree is its repo, elsewhere. There
 * is one such object for each account in use, and its fields follow the projections.
 */
export interface Account {
  readonly did: Did
  handle: Handle
  email: string | undefined
  emailConfirmedMs: number | undefined
  passwordHash: string
  status: AccountStatus
  /** Which of the account's files counts. */
  generation: number
  signingKey: SigningKey
  /** Seals the account's private journal payloads; destroying it erases them everywhere. */
  readonly dataKey: Uint8Array
  readonly createdMs: number
  /** Journal entries up to here are not of this account. */
  readonly bornSeq: number
  /** The file on the disk reflects the journal at least up to here; 0 when that is not known. */
  syncedSeq: number
  /** Writes are refused until this instant. */
  frozenUntilMs: number
  deactivatedMs: number | undefined
  /** It earns no invite codes that are good. */
  invitesDisabled: boolean
  /** Why, in the operator's words. */
  inviteNote: string | undefined
}

/** As the directory database has it. */
export interface AccountRow {
  did: Did
  handle: Handle
  email: string | null
  email_confirmed_ms: number | null
  password_hash: string
  status: AccountStatus
  generation: number
  signing_key: Uint8Array
  data_key: Uint8Array
  created_ms: number
  plc_operation: string | null
  born_seq: number
  synced_seq: number
  frozen_until_ms: number
  deactivated_ms: number | null
  invites_disabled: number
  invite_note: string | null
}

export interface NewAccount {
  did: Did
  handle: Handle
  email: string | undefined
  passwordHash: string
  signingKey: SigningKey
  dataKey: Uint8Array
  /** The signed genesis operation, when this host creates the identity. */
  plcOperation: unknown | undefined
  /** The journal's newest seq. */
  bornSeq: number
}

/** What a synced account file holds. */
export interface SyncedFile {
  did: Did
  generation: number
  /** The journal seq it reflects. */
  seq: number
  rev: Tid | undefined
  head: Uint8Array | undefined
}

/** An account as listings show it, with its head as of the last checkpoint. */
export interface ListedAccount {
  did: Did
  status: AccountStatus
  generation: number
  rev: Tid | null
  head: Uint8Array | null
}

/** Stands where a deleted account's keys were; signs and opens nothing that exists. */
const NO_KEY = new Uint8Array(32).fill(1)

/** An account as its row and the host's key give it. */
export function openAccount(row: AccountRow, sealer: Sealer): Account {
  const { did } = row
  const isErased = row.status === 'deleted'
  const open = (sealed: Uint8Array, purpose: string) =>
    isErased ? NO_KEY : sealer.open(sealed, `${purpose} ${did}`)
  return {
    did,
    handle: row.handle,
    email: row.email ?? undefined,
    emailConfirmedMs: row.email_confirmed_ms ?? undefined,
    passwordHash: row.password_hash,
    status: row.status,
    generation: row.generation,
    signingKey: importKey('k256', open(row.signing_key, 'signing')),
    dataKey: open(row.data_key, 'data'),
    createdMs: row.created_ms,
    bornSeq: row.born_seq,
    syncedSeq: row.synced_seq,
    frozenUntilMs: row.frozen_until_ms,
    deactivatedMs: row.deactivated_ms ?? undefined,
    invitesDisabled: row.invites_disabled === 1,
    inviteNote: row.invite_note ?? undefined,
  }
}

/** The account, unless it is not finished or not here any more. */
export function hosted(account: Account | undefined): Account | undefined {
  return account?.status === 'pending' || account?.status === 'deleted' ? undefined : account
}
