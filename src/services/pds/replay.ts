/** How each kind of journal entry is applied again after a crash. */

import type { Entry } from '#platform/storage'
import { decodeCbor } from '#protocol/data'
import type { Did, Handle } from '#protocol/syntax'
import { decodeFrame } from '#protocol/xrpc'
import type { AccountFile } from './account-files/index.ts'
import type { Account, AccountStatus, Accounts } from './accounts/index.ts'
import { applyBlobEntry } from './blobs/index.ts'
import { applySwitch, decodeSwitch } from './imports/index.ts'
import { Kind, type Replay } from './journal/index.ts'
import { applyPreferences } from './preferences/index.ts'
import { applyChange, changeOfFrame, type TreeEdits } from './repos/index.ts'
import { projectStanding } from './standing/index.ts'

/** What a replay knows of an account. */
export type ReplayedAccount = Pick<Account, 'did' | 'generation' | 'bornSeq' | 'status'>

/** Where a replay finds accounts, and what it tells the directory. */
export interface ReplayedAccounts
  extends Pick<
    Accounts,
    'projectHandle' | 'projectStatus' | 'projectDeletion' | 'projectGeneration'
  > {
  getAny(did: Did): Promise<ReplayedAccount | undefined>
}

/** Undefined for entries that change nothing here, such as those of accounts that are gone. */
export function replayEntry(accounts: ReplayedAccounts, edits: TreeEdits) {
  return async (entry: Entry): Promise<Replay | undefined> => {
    const account = await accounts.getAny(entry.key as Did)
    if (!account || entry.seq <= account.bornSeq || account.status === 'deleted') return undefined
    return replayOf(entry, account, accounts, edits)
  }
}

function replayOf(
  entry: Entry,
  account: ReplayedAccount,
  accounts: ReplayedAccounts,
  edits: TreeEdits,
): Replay | undefined {
  const { did, generation } = account
  switch (entry.kind) {
    case Kind.commit:
    case Kind.quietCommit: {
      const change = changeOfFrame(entry.payload, entry.kind === Kind.commit)
      const begins = change.prevData === undefined
      const met = (file: AccountFile) => edits.note(did, generation, file, change)
      return { file: { generation, begins, met, apply: (file) => applyChange(file, change) } }
    }
    case Kind.sync:
      return { file: { generation, apply: (file) => file.announceHead() } }
    case Kind.preferences:
      return { file: { generation, apply: applyPreferences(entry.payload) } }
    case Kind.blob:
      return { file: { generation, apply: applyBlobEntry(entry.payload) } }
    case Kind.identity: {
      const { handle } = bodyOf(entry) as { handle: Handle }
      return { directory: (seq) => accounts.projectHandle(did, handle, seq) }
    }
    case Kind.account: {
      const { active, status } = bodyOf(entry) as { active: boolean; status?: AccountStatus }
      const now = active ? 'active' : (status ?? 'deactivated')
      return { directory: projectStanding(accounts, did, now) }
    }
    case Kind.quietAccount: {
      const { status } = decodeCbor(entry.payload) as { status: AccountStatus }
      return { directory: projectStanding(accounts, did, status) }
    }
    case Kind.importSwitch: {
      const { generation: next, head } = decodeSwitch(entry.payload)
      if (next < generation) return undefined
      return {
        file: { generation: next, begins: true, apply: applySwitch(head) },
        directory: (seq) => accounts.projectGeneration(did, next, seq),
      }
    }
    default:
      return undefined
  }
}

function bodyOf(entry: Entry): unknown {
  const frame = decodeFrame(entry.payload)
  if (!('type' in frame)) throw new Error('journalled frame is an error frame')
  return frame.body
}
