import { ComAtprotoRepoCreateRecord } from '@atcute/atproto'
import { parseCid } from '#protocol/data'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { writePoints, writeRates } from '../rates.ts'
import { planRecord } from '../repos/index.ts'
import { anyApp } from '../sign-in/index.ts'
import { requireOwn } from './own-repo.ts'

/**
 * One create through the repo write path. A like, repost, follow or block takes the place of older
 * ones of the same subject, unless it is written unchecked. Errors: InvalidSwap, InvalidRequest.
 */
export const createRecord = ({
  repos,
  callers,
  clock,
  heldWrites,
}: Pick<Pds, 'repos' | 'callers' | 'clock' | 'heldWrites'>) =>
  procedure(ComAtprotoRepoCreateRecord.mainSchema, {
    auth: callers.account({ app: anyApp, passedOn: true }),
    limits: { rates: writeRates(writePoints.create) },
    async handle({ input, caller }) {
      const account = requireOwn(caller, input.repo)
      caller.permissions?.requireRepo('create', input.collection)
      const rkey = input.rkey ?? clock.next()
      const write = planRecord('create', input.collection, rkey, input.record, input.validate)
      if (write.subject !== undefined) write.onlyOne = input.validate !== false
      const swapCommit = input.swapCommit ? parseCid(input.swapCommit) : undefined
      const held = { schema: ComAtprotoRepoCreateRecord.mainSchema, input, blobs: write.blobs }
      return heldWrites.write(account, held, async () => {
        const { commit, results } = await repos.write(account, [write], { swapCommit })
        const { uri, cid } = results.at(-1)!
        return { uri, cid: cid!, commit, validationStatus: write.validationStatus }
      })
    },
  })
