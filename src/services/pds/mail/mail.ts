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

/** Letters by purpose, Arabic first. */
const letters = {
  'plc-operation': ({ code }: { code: string }) => ({
    subject: 'رمز نقل حسابك · Your account move code',
    body: [
      'طُلب تغيير في هوية حسابك، مثل نقله إلى مضيف آخر.',
      `رمز التأكيد: ${code}`,
      'إن لم تطلب ذلك فتجاهل الرسالة وغيّر كلمة المرور.',
      '',
      'A change of your account’s identity was asked for, such as a move to another host.',
      `Your code: ${code}`,
      'If this was not you, ignore this letter and change your password.',
    ].join('\n'),
  }),
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
    const { subject, body } = letters[purpose](fields)
    await this.#sql.run(
      'INSERT INTO outbox (did, recipient, subject, body, created_ms) VALUES (?, ?, ?, ?, ?)',
      [did, recipient, subject, body, this.#now()],
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
