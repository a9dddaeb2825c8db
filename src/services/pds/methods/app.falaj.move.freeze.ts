import { freeze as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/**
 * Lets the account's writes wait for a moment: the last step of a move to another host. With `forward`
 * they are made there when the account has left.
 */
export const freeze = ({
  callers,
  heldWrites,
  now,
  repos,
}: Pick<Pds, 'callers' | 'heldWrites' | 'now' | 'repos'>) =>
  procedure(schema, {
    auth: callers.account({ least: 'full' }),
    limits: { bodyBytes: 4_096 },
    async handle({ input, caller: { account } }) {
      const untilMs = now() + input.seconds * 1000
      if (input.seconds > 0) heldWrites.hold(account.did, untilMs, input.forward)
      const head = await repos.freeze(account.did, untilMs)
      if (input.seconds === 0) heldWrites.release(account.did)
      return { rev: head!.rev }
    },
  })
