import type { Did } from '#protocol/syntax'
import type { Accounts } from '../accounts/index.ts'
import { languagesFor, type Mail } from '../mail/index.ts'
import type { StoredAlarm } from './identity-alarms.ts'

const RECOVERY_MS = 72 * 3_600_000

/** Writes to the owner of an account that its identity was changed, and until when that can be undone. */
export function alarmLetters({ accounts, mail }: { accounts: Accounts; mail: Mail }) {
  return async (did: Did, { createdMs }: StoredAlarm): Promise<void> => {
    const account = await accounts.get(did)
    if (!account?.email) return
    const facts = [minute(createdMs), minute(createdMs + RECOVERY_MS)]
    const { handle, email: recipient } = account
    const languages = languagesFor(undefined)
    const purpose = 'notice-identity'
    await mail.sendNotice({ did, handle, recipient, purpose, facts, languages })
  }
}

const minute = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
