import { getLetter as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { letterView } from './letter-view.ts'

/**
 * One letter and, while it is kept, what it says: its code opens an account, so only who runs the
 * host reads it. Errors: LetterNotFound.
 */
export const getLetter = ({ callers, mail, now }: Pick<Pds, 'callers' | 'mail' | 'now'>) =>
  query(schema, {
    auth: callers.admin,
    async handle({ params: { id } }) {
      const letter = await mail.read(id)
      const { text, html } = letter.rendered ?? {}
      return { letter: letterView(letter, now()), text, html }
    },
  })
