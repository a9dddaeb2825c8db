import { freeze as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Holds back the account's writes for a moment: the last step of a move to another host. */
export const freeze = ({ callers, now, repos }: Pick<Pds, 'callers' | 'now' | 'repos'>) =>
  procedure(schema, {
    auth: callers.account({ least: 'full' }),
    limits: { bodyBytes: 4_096 },
    async handle({ input, caller: { account } }) {
      const head = await repos.freeze(account.did, now() + input.seconds * 1000)
      return { rev: head!.rev }
    },
  })
