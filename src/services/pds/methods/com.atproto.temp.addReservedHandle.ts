import { ComAtprotoTempAddReservedHandle } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Keeps a name, or a whole handle, from sign-ups to come. Errors: InvalidHandle. */
export const addReservedHandle = ({ callers, handles }: Pick<Pds, 'callers' | 'handles'>) =>
  procedure(ComAtprotoTempAddReservedHandle.mainSchema, {
    auth: callers.admin,
    async handle({ input }) {
      await handles.reserve(input.handle)
      return {}
    },
  })
