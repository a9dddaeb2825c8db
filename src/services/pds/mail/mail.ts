import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'

export interface OutboxMail {
  id: number
  did: Did | null
  recipient: string
  subject: string
  body: string
  createdMs: number
}

interface Letter {
  subject: string
  /** What the code is for, and what to do when it was somebody else. */
  arabic: [purpose: string, otherwise: string]
  english: [purpose: string, otherwise: string]
}

/** Letters by purpose, Arabic first. */
const letters = {
  'plc-operation': {
    subject: 'رمز نقل حسابك · Your account move code',
    arabic: [
      'طُلب تغيير في هوية حسابك، مثل نقله إلى مضيف آخر.',
      'إن لم تطلب ذلك فتجاهل الرسالة وغيّر كلمة المرور.',
    ],
    english: [
      'A change of your account’s identity was asked for, such as a move to another host.',
      'If this was not you, ignore this letter and change your password.',
    ],
  },
  'delete-account': {
    subject: 'رمز حذف حسابك · Your account deletion code',
    arabic: [
      'طُلب حذف حسابك وكل ما فيه حذفًا نهائيًا.',
      'إن لم تطلب ذلك فتجاهل الرسالة وغيّر كلمة المرور.',
    ],
    english: [
      'The deletion of your account, with everything in it, was asked for. It cannot be undone.',
      'If this was not you, ignore this letter and change your password.',
    ],
  },
  'confirm-email': {
    subject: 'رمز تأكيد بريدك · Your email confirmation code',
    arabic: ['أكّد أن هذا البريد لك.', 'إن لم تطلب ذلك فتجاهل الرسالة.'],
    english: ['Confirm that this address is yours.', 'If this was not you, ignore this letter.'],
  },
  'update-email': {
    subject: 'رمز تغيير بريدك · Your email change code',
    arabic: [
      'طُلب تغيير بريد حسابك إلى عنوان آخر.',
      'إن لم تطلب ذلك فتجاهل الرسالة وغيّر كلمة المرور.',
    ],
    english: [
      'A change of your account’s email address was asked for.',
      'If this was not you, ignore this letter and change your password.',
    ],
  },
  'reset-password': {
    subject: 'رمز كلمة مرور جديدة · Your password reset code',
    arabic: ['طُلبت كلمة مرور جديدة لحسابك.', 'إن لم تطلب ذلك فتجاهل الرسالة.'],
    english: [
      'A new password for your account was asked for.',
      'If this was not you, ignore this letter.',
    ],
  },
} satisfies Record<string, Letter>

function bodyOf({ arabic, english }: Letter, code: string): string {
  const [purpose, otherwise] = arabic
  const lines = [purpose, `رمز التأكيد: ${code}`, otherwise, '']
  return [...lines, english[0], `Your code: ${code}`, english[1]].join('\n')
}

export type LetterPurpose = keyof typeof letters

const OUTBOX_MAX = 10_000

/** Outgoing mail. Without a mail server it stays in the local outbox, where the operator reads it. */
export class Mail {
  /** Whether letters reach people; false while they stay in the outbox. */
  readonly leavesHost = false
  readonly #sql: Sql
  readonly #now: () => number

  constructor({ sql, now }: { sql: Sql; now: () => number }) {
    this.#sql = sql
    this.#now = now
  }

  async send(
    did: Did,
    recipient: string,
    purpose: LetterPurpose,
    fields: { code: string },
  ): Promise<void> {
    const letter: Letter = letters[purpose]
    await this.#sql.run(
      'INSERT INTO outbox (did, recipient, subject, body, created_ms) VALUES (?, ?, ?, ?, ?)',
      [did, recipient, letter.subject, bodyOf(letter, fields.code), this.#now()],
    )
    await this.#sql.run('DELETE FROM outbox WHERE id <= (SELECT max(id) FROM outbox) - ?', [
      OUTBOX_MAX,
    ])
  }

  /** Newest first. */
  list(limit: number): Promise<OutboxMail[]> {
    return this.#sql.all(
      `SELECT id, did, recipient, subject, body, created_ms AS createdMs FROM outbox
       ORDER BY id DESC LIMIT ?`,
      [limit],
    )
  }
}
