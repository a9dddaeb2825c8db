import { ComAtprotoAdminUpdateSubjectStatus } from '@atcute/atproto'
import { invalidRequest, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { readAdminSubject } from './admin-subject.ts'

/**
 * Takes an account, a record or a blob down, or brings it back; deactivates an account. By the
 * operator. Errors: RepoNotFound.
 */
export const updateSubjectStatus = (
  pds: Pick<Pds, 'accounts' | 'callers' | 'standing' | 'takedowns'>,
) =>
  procedure(ComAtprotoAdminUpdateSubjectStatus.mainSchema, {
    auth: pds.callers.admin,
    async handle({ input: { subject, takedown, deactivated } }) {
      const { account, key, isAccount } = await readAdminSubject(pds, subject)
      const { standing, takedowns } = pds
      if (takedown?.applied) {
        const { ref } = takedown
        const previousStatus = isAccount ? account.status : undefined
        await takedowns.add(key, { ref, previousStatus })
        if (isAccount) await standing.takeDown(account)
      } else if (takedown) {
        // The standing first: a stop in between leaves a row that is removed the next time.
        if (isAccount) await standing.bringBack(account, takedowns.get(key)?.previousStatus)
        await takedowns.remove(key)
      }
      if (deactivated) {
        if (!isAccount || !deactivated.applied)
          throw invalidRequest('An account is activated by its owner')
        await standing.deactivate(account, undefined)
      }
      return { subject, takedown }
    },
  })
