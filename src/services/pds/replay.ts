/** How each kind of journal entry is applied again after a crash. */

import type { Entry } from '#platform/storage'
import { decodeCbor } from '#protocol/data'
import type { Did, Handle } from '#protocol/syntax'
import { decodeFrame } from '#protocol/xrpc'
import type { AccountStatus, Accounts } from './accounts/index.ts'
import { decodeSwitch } from './imports/index.ts'
import { Kind, type Replay } from './journal/index.ts'
import { applyPreferences } from './preferences/index.ts'
import { applyChange, changeOfFrame } from './repos/index.ts'

/** Undefined for entries that change nothing here, such as those of accounts that are gone. */
export function replayEntry(accounts: Accounts) {
  return async (entry: Entry): Promise<Replay | undefined> => {
    const did = entry.key as Did
    const account = await accounts.getPending(did)
    if (!account) return undefined
    const { generation } = account
    switch (entry.kind) {
      case Kind.commit:
      case Kind.quietCommit: {
        const change = changeOfFrame(entry.payload, entry.kind === Kind.commit)
        return { file: { generation, apply: (file) => applyChange(file, change) } }
      }
      case Kind.preferences:
        return { file: { generation, apply: applyPreferences(entry.payload) } }
      case Kind.identity: {
        const { handle } = bodyOf(entry) as { handle: Handle }
        return { directory: (seq) => accounts.projectHandle(did, handle, seq) }
      }
      case Kind.account: {
        const { active, status } = bodyOf(entry) as { active: boolean; status?: AccountStatus }
        const now = active ? 'active' : (status ?? 'deactivated')
        return { directory: (seq) => accounts.projectStatus(did, now, seq) }
      }
      case Kind.quietAccount: {
        const { status } = decodeCbor(entry.payload) as { status: AccountStatus }
        return { directory: (seq) => accounts.projectStatus(did, status, seq) }
      }
      case Kind.importSwitch: {
        const { generation: next, head } = decodeSwitch(entry.payload)
        return {
          file: { generation: next, apply: (file) => file.setHead(head) },
          directory: (seq) => accounts.projectGeneration(did, next, seq),
        }
      }
      default:
        return undefined
    }
  }
}

function bodyOf(entry: Entry): unknown {
  const frame = decodeFrame(entry.payload)
  if (!('type' in frame)) throw new Error('journalled frame is an error frame')
  return frame.body
}
