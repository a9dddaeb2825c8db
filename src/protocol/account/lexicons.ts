/** Our own methods for account owners: `app.falaj.*` only adds to what every host offers. */
import confirmPasswordJson from '#lexicons/app/falaj/account/confirmPassword' with { type: 'json' }
import getMyStatusJson from '#lexicons/app/falaj/moderation/getMyStatus' with { type: 'json' }
import freezeJson from '#lexicons/app/falaj/move/freeze' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'
import type { Tid } from '#protocol/syntax'

const lexicons = compileLexicons([confirmPasswordJson, freezeJson, getMyStatusJson])

type None = Record<never, never>

/** A one-time code for the password, on hosts that send no mail. Errors: MailRequired. */
export const confirmPassword = lexicons.procedure<
  None,
  { password: string; purpose: 'plc-operation' },
  { code: string }
>('app.falaj.account.confirmPassword')

/** Where writes go that wait while the account leaves. */
export interface Forward {
  service: string
  /** An access token there that can write records, and little else. */
  token: string
}

/** Lets writes of the caller's account wait for up to 30 seconds. */
export const freeze = lexicons.procedure<
  None,
  { seconds: number; forward?: Forward | undefined },
  { rev: Tid }
>('app.falaj.move.freeze')

/** A decision about an account or one of its records, as its owner is told. */
export interface MyDecision {
  /** DID or AT-URI. */
  subject: string
  cid?: string | undefined
  takendown: boolean
  /** When it comes back by itself. */
  until?: string | undefined
  labels: string[]
  reason?: string | undefined
  decidedAt: string
  appeal?: 'waiting' | 'answered' | undefined
}

/** What a moderation service decided about the caller, and still holds to. */
export const getMyStatus = lexicons.query<
  { limit: number; cursor?: string },
  { decisions: MyDecision[]; cursor?: string | undefined }
>('app.falaj.moderation.getMyStatus')
