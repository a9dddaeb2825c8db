/** Our own methods for account owners: `app.falaj.*` only adds to what every host offers. */
import confirmPasswordJson from '#lexicons/app/falaj/account/confirmPassword' with { type: 'json' }
import freezeJson from '#lexicons/app/falaj/move/freeze' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'
import type { Tid } from '#protocol/syntax'

const lexicons = compileLexicons([confirmPasswordJson, freezeJson])

type None = Record<never, never>

/** A one-time code for the password, on hosts that send no mail. Errors: MailRequired. */
export const confirmPassword = lexicons.procedure<
  None,
  { password: string; purpose: 'plc-operation' },
  { code: string }
>('app.falaj.account.confirmPassword')

/** Holds back writes of the caller's account for up to 30 seconds. */
export const freeze = lexicons.procedure<None, { seconds: number }, { rev: Tid }>(
  'app.falaj.move.freeze',
)
