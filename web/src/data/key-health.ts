/** How the keys to the person's name stand at their host, and putting one of their own there. */
import { act, ask } from './session.ts'
import { CallError } from './xrpc.ts'

/** How a person's own key stands; see the lexicon app.falaj.identity.getKeyHealth. */
export type KeyState = 'none' | 'good' | 'unchecked' | 'outranked' | 'lost' | 'unsupported'

/** Undefined where the host knows nothing of such keys. */
export async function keyState(): Promise<KeyState | undefined> {
  try {
    return (await ask<{ state: KeyState }>('app.falaj.identity.getKeyHealth')).state
  } catch (error) {
    if (isUnknown(error)) return undefined
    throw error
  }
}

const isUnknown = (error: unknown) =>
  error instanceof CallError &&
  (error.status === 501 || error.status === 404 || error.error === 'MethodNotImplemented')

/** A code for the password; undefined when the host mails one instead, which it was asked to. */
export async function codeFor(password: string): Promise<string | undefined> {
  try {
    const body = { password, purpose: 'plc-operation' }
    return (await act<{ code: string }>('app.falaj.account.confirmPassword', { body })).code
  } catch (error) {
    if (!(error instanceof CallError) || error.error !== 'MailRequired') throw error
    await act('com.atproto.identity.requestPlcOperationSignature')
    return undefined
  }
}

/** Has the host put the key first in the identity, and shows that its owner holds it. */
export async function putOwnKey(
  token: string,
  proof: { key: string; at: string; signature: string },
): Promise<KeyState> {
  const timeoutMs = 60_000
  const body = { key: proof.key, token }
  await act('app.falaj.identity.registerRecoveryKey', { body, timeoutMs })
  return (await act<{ state: KeyState }>('app.falaj.identity.checkRecoveryKey', { body: proof }))
    .state
}
