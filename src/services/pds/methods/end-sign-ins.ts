import type { Did } from '#protocol/syntax'
import type { Pds } from '../parts.ts'

/** Ends every sign-in of an account: its password sessions, and its browsers with what they are trusted for. */
export async function endSignIns(
  { devices, sessions }: Pick<Pds, 'devices' | 'sessions'>,
  did: Did,
): Promise<void> {
  await sessions.revokeAll(did)
  await devices.forgetAll(did)
}
