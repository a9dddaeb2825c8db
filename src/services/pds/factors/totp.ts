/** Codes of an authenticator app: RFC 6238 over RFC 4226, with what every app takes: SHA-1, 6 digits, 30 s. */
import { base32 } from '#protocol/crypto'

const STEP_MS = 30_000
const DIGITS = 6
/** Clocks differ: the step before and the step after are taken too. */
const DRIFT_STEPS = 1
/** As long as the hash (RFC 4226, 4 R6). */
export const TOTP_SECRET_BYTES = 20

/** The code of one step of time. */
export async function totpCode(secret: Uint8Array, step: number, digits = DIGITS): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-1' }
  const key = await crypto.subtle.importKey('raw', Uint8Array.from(secret), algorithm, false, [
    'sign',
  ])
  const counter = new DataView(new ArrayBuffer(8))
  counter.setBigUint64(0, BigInt(step))
  const mac = new DataView(await crypto.subtle.sign('HMAC', key, counter))
  const offset = mac.getUint8(mac.byteLength - 1) & 15
  const number = mac.getUint32(offset) & 0x7f_ff_ff_ff
  return String(number % 10 ** digits).padStart(digits, '0')
}

export const totpStep = (nowMs: number): number => Math.floor(nowMs / STEP_MS)

/** The step whose code this is, if it is now and later than `after`; a code is good once. */
export async function acceptTotp(
  secret: Uint8Array,
  code: string,
  { nowMs, after }: { nowMs: number; after: number },
): Promise<number | undefined> {
  const now = totpStep(nowMs)
  let found: number | undefined
  // All of them, whichever fits: the time it takes tells nothing.
  for (let step = now - DRIFT_STEPS; step <= now + DRIFT_STEPS; step++) {
    if ((await totpCode(secret, step)) === code && step > after) found ??= step
  }
  return found
}

/** The secret as people type it where no picture can be read. */
export const totpText = (secret: Uint8Array): string => base32(secret).toUpperCase()

/** What an app reads from the picture. https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export function totpAddress(secret: Uint8Array, host: string, handle: string): string {
  const label = `${encodeURIComponent(host)}:${encodeURIComponent(handle)}`
  return `otpauth://totp/${label}?${new URLSearchParams({ secret: totpText(secret), issuer: host })}`
}
