import { listLetters as schema } from '#protocol/account'
import { invalidRequest, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { letterView } from './letter-view.ts'

/** The letters this host has for people, newest first. By the operator. */
export const listLetters = ({ callers, mail, now }: Pick<Pds, 'callers' | 'mail' | 'now'>) =>
  query(schema, {
    auth: callers.operator('look'),
    async handle({ params: { state, recipient, limit, cursor } }) {
      if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) throw invalidRequest('Bad cursor')
      const before = cursor === undefined ? undefined : Number(cursor)
      const letters = await mail.list({ state, recipient, before, limit })
      return {
        letters: letters.map((letter) => letterView(letter, now())),
        leavesHost: mail.leavesHost,
        cursor: letters.length === limit ? String(letters.at(-1)!.id) : undefined,
      }
    },
  })
