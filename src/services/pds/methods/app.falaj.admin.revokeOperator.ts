import { revokeOperator as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Puts an operator's secret out of force. Errors: OperatorNotFound. */
export const revokeOperator = ({ callers, operators }: Pick<Pds, 'callers' | 'operators'>) =>
  procedure(schema, {
    auth: callers.admin,
    async handle({ input: { name } }) {
      await operators.revoke(name)
      return { name }
    },
  })
