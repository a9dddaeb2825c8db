/** What the check of a move found, kept in the page between the check and the start: sealed, for this browser. */
import { base64url, fromBase64url } from '#protocol/crypto'
import type { SignedInThere } from '../../moves/index.ts'
import type { Pds } from '../../parts.ts'
import type { Visit } from '../index.ts'

const TICKET_MS = 20 * 60_000

/** Somebody who signed in at their old host and was shown what a move would do. */
export interface Ticket {
  there: SignedInThere
  /** Of the account there, and unless they choose another, here. */
  password: string
  untilMs: number
}

type Parts = Pick<Pds, 'now' | 'sealer'>

/** A sealed value holds two tokens and a password. */
export const TICKET_CHARS_MAX = 20_000

const purpose = ({ device }: Visit) => `move ticket ${device.secret}`

export function sealTicket(
  { now, sealer }: Parts,
  visit: Visit,
  ticket: Omit<Ticket, 'untilMs'>,
): string {
  const whole: Ticket = { ...ticket, untilMs: now() + TICKET_MS }
  const text = new TextEncoder().encode(JSON.stringify(whole))
  return base64url(sealer.seal(text, purpose(visit)))
}

/** Undefined for one that is over, or of another browser. */
export function openTicket({ now, sealer }: Parts, visit: Visit, sealed: string) {
  try {
    const text = new TextDecoder().decode(sealer.open(fromBase64url(sealed), purpose(visit)))
    const ticket = JSON.parse(text) as Ticket
    return ticket.untilMs > now() ? ticket : undefined
  } catch {
    return undefined
  }
}
