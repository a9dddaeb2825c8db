import { ComAtprotoRepoPutRecord } from '@atcute/atproto'
import { cidText, parseCid } from '#protocol/data'
import { formatAtUri } from '#protocol/syntax'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { writePoints, writeRates } from '../rates.ts'
import { planRecord } from '../repos/index.ts'
import { anyApp } from '../sign-in/index.ts'
import { requireOwn } from './own-repo.ts'

/** Creates or replaces one record. The same value again changes nothing and makes no commit. */
export const putRecord = ({
  repos,
  callers,
  heldWrites,
}: Pick<Pds, 'repos' | 'callers' | 'heldWrites'>) =>
  procedure(ComAtprotoRepoPutRecord.mainSchema, {
    auth: callers.account({ app: anyApp, passedOn: true }),
    limits: { rates: writeRates(writePoints.put) },
    async handle({ input, caller }) {
      const account = requireOwn(caller, input.repo)
      for (const action of ['create', 'update'] as const)
        caller.permissions?.requireRepo(action, input.collection)
      const { collection, rkey, record, validate } = input
      const write = planRecord('put', collection, rkey, record, validate)
      if (input.swapRecord !== undefined) {
        write.swapRecord = input.swapRecord === null ? null : parseCid(input.swapRecord)
      }
      const swapCommit = input.swapCommit ? parseCid(input.swapCommit) : undefined
      const held = { schema: ComAtprotoRepoPutRecord.mainSchema, input, blobs: write.blobs }
      return heldWrites.write(account, held, async () => {
        const { commit, results } = await repos.write(account, [write], { swapCommit })
        return {
          uri: formatAtUri(account.did, write.collection, write.rkey),
          cid: cidText(write.cid!),
          commit: results.length > 0 ? commit : undefined,
          validationStatus: write.validationStatus,
        }
      })
    },
  })
