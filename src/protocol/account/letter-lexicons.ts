/** Our own methods for operators of a host: its letters for people, and how it is. */
import getHealthJson from '#lexicons/app/falaj/admin/getHealth' with { type: 'json' }
import getLetterJson from '#lexicons/app/falaj/admin/getLetter' with { type: 'json' }
import listLettersJson from '#lexicons/app/falaj/admin/listLetters' with { type: 'json' }
import resendLetterJson from '#lexicons/app/falaj/admin/resendLetter' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'

// Pure: what a client does not call, its bundle does not hold.
const lexicons = /* @__PURE__ */ compileLexicons([
  getHealthJson,
  listLettersJson,
  getLetterJson,
  resendLetterJson,
])

/** A letter of a host's outbox, as its operator sees it. */
export interface LetterView {
  id: number
  did?: string | undefined
  recipient: string
  purpose: string
  subject: string
  state: string
  attempts: number
  /** What stood in the way last. */
  reason?: string | undefined
  /** Not after it was delivered, not after its code expired. */
  isReadable: boolean
  createdAt: string
  triedAt?: string | undefined
  sentAt?: string | undefined
}

/** Letters, newest first, without what they say. */
export const listLetters = /* @__PURE__ */ lexicons.query<
  {
    state?: 'kept' | 'waiting' | 'sent' | 'failed'
    recipient?: string
    limit: number
    cursor?: string
  },
  { letters: LetterView[]; leavesHost: boolean; cursor?: string | undefined }
>('app.falaj.admin.listLetters')

/** One letter and what it says. Errors: LetterNotFound. */
export const getLetter = /* @__PURE__ */ lexicons.query<
  { id: number },
  { letter: LetterView; text?: string | undefined; html?: string | undefined }
>('app.falaj.admin.getLetter')

type None = Record<never, never>

/** Accounts that stand still, letters that wait. */
export const getHealth = /* @__PURE__ */ lexicons.query<
  None,
  {
    version: string
    stoppedCount: number
    stopped: { did: string; reason: string }[]
    unsyncedFiles: number
    leavesHost: boolean
    lettersWaiting: number
    lettersFailed: number
    /** Of a host that a standby may follow. */
    standby?: { state: string; mode: string; lagEntries: number; lagMs: number } | undefined
  }
>('app.falaj.admin.getHealth')

/** A letter goes to the mail server again. Errors: LetterNotFound, LetterBlanked, MailNotConfigured. */
export const resendLetter = /* @__PURE__ */ lexicons.procedure<
  None,
  { id: number },
  { letter: LetterView }
>('app.falaj.admin.resendLetter')
