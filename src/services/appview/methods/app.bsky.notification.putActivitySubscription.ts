import { mainSchema } from '@atcute/bluesky/types/app/notification/putActivitySubscription'
import { invalidRequest, type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** The viewer wants to be told of an account's posts, or no longer. Errors: TooManySubscriptions. */
export function putActivitySubscription({
  activitySubscriptions,
  auth,
  resolver,
}: Pick<ReadParts, 'activitySubscriptions' | 'auth' | 'resolver'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      const { subject, activitySubscription } = input
      if (subject === caller.did) throw invalidRequest('Cannot subscribe to own activity')
      const subjectAid = await resolver.knownAid(subject)
      const { post, reply } = activitySubscription
      await activitySubscriptions.put(caller.did, subjectAid, { posts: post, replies: reply })
      return { subject, ...((post || reply) && { activitySubscription: { post, reply } }) }
    },
  })
}
