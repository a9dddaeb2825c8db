import { ComAtprotoRepoDeleteRecord } from '@atcute/atproto'
import { parseCid } from '#protocol/data'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { writePoints, writeRates } from '../rates.ts'
import { planDelete } from '../repos/index.ts'
import { anyApp } from '../sign-in/index.ts'
import { requireOwn } from './own-repo.ts'

/** Deletes one record; deleting what is not there succeeds without a commit. */
export const deleteRecord = ({
  repos,
  callers,
  heldWrites,
}: Pick<Pds, 'repos' | 'callers' | 'heldWrites'>) =>
  procedure(ComAtprotoRepoDeleteRecord.mainSchema, {
    auth: callers.account({ app: anyApp, passedOn: true }),
    limits: { rates: writeRates(writePoints.delete) },
    async handle({ input, caller }) {
      const account = requireOwn(caller, input.repo)
      caller.permissions?.requireRepo('delete', input.collection)
      const write = { ...planDelete(input.collection, input.rkey), optional: true }
      if (input.swapRecord) write.swapRecord = parseCid(input.swapRecord)
      const swapCommit = input.swapCommit ? parseCid(input.swapCommit) : undefined
      const held = { schema: ComAtprotoRepoDeleteRecord.mainSchema, input, blobs: [] }
      return heldWrites.write(account, held, async () => {
        const { commit, results } = await repos.write(account, [write], { swapCommit })
        return results.length > 0 ? { commit } : {}
      })
    },
  })
