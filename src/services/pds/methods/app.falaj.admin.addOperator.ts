import { addOperator as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** A new operator and their secret, shown only here. Errors: OperatorExists. */
export const addOperator = ({ callers, operators }: Pick<Pds, 'callers' | 'operators'>) =>
  procedure(schema, {
    auth: callers.admin,
    handle: ({ input: { name, role }, caller: { operator } }) =>
      operators.add(name, role, operator.name),
  })
