import { ComAtprotoRepoApplyWrites } from '@atcute/atproto'
import type { RepoAction } from '#protocol/auth'
import { parseCid } from '#protocol/data'
import type { TidClock } from '#protocol/syntax'
import { invalidRequest, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { type OwnCall, writePoints, writeRates } from '../rates.ts'
import { type PlannedWrite, planDelete, planRecord, type Written } from '../repos/index.ts'
import { anyApp } from '../sign-in/index.ts'
import { requireOwn } from './own-repo.ts'

type Input = ComAtprotoRepoApplyWrites.$input
type Output = ComAtprotoRepoApplyWrites.$output

const NSID = 'com.atproto.repo.applyWrites'
const CREATED = `${NSID}#createResult`
const UPDATED = `${NSID}#updateResult`

/** Up to 200 writes as one commit, all or nothing. Errors: InvalidSwap, InvalidRequest. */
export const applyWrites = ({
  repos,
  callers,
  clock,
  heldWrites,
}: Pick<Pds, 'repos' | 'callers' | 'clock' | 'heldWrites'>) =>
  procedure(ComAtprotoRepoApplyWrites.mainSchema, {
    auth: callers.account({ app: anyApp, passedOn: true }),
    limits: {
      bodyBytes: 10_000_000, // 200 records; the event's own limit of 2 MB is checked later
      rates: writeRates<OwnCall & { input: Input }>(({ input }) => points(input.writes)),
    },
    async handle({ input, caller }): Promise<Output> {
      const account = requireOwn(caller, input.repo)
      for (const { $type, collection } of input.writes)
        caller.permissions?.requireRepo(actionOf($type), collection)
      const writes = input.writes.map((write) => plan(write, input.validate, clock))
      const swapCommit = input.swapCommit ? parseCid(input.swapCommit) : undefined
      const blobs = writes.flatMap((write) => write.blobs)
      const held = { schema: ComAtprotoRepoApplyWrites.mainSchema, input, blobs }
      return heldWrites.write(account, held, async () => {
        const written = await repos.write(account, writes, { swapCommit })
        return { commit: written.commit, results: results(written, writes) }
      })
    },
  })

const pointsOf: Record<string, number> = {
  [`${NSID}#create`]: writePoints.create,
  [`${NSID}#update`]: writePoints.update,
  [`${NSID}#delete`]: writePoints.delete,
}

const actionOf = ($type: string): RepoAction => $type.slice(NSID.length + 1) as RepoAction

const points = (writes: Input['writes']): number =>
  writes.reduce((sum, { $type }) => sum + (pointsOf[$type] ?? writePoints.create), 0)

function plan(
  write: Input['writes'][number],
  validate: boolean | undefined,
  clock: TidClock,
): PlannedWrite {
  switch (write.$type) {
    case `${NSID}#create`:
      return planRecord(
        'create',
        write.collection,
        write.rkey ?? clock.next(),
        write.value,
        validate,
      )
    case `${NSID}#update`:
      return planRecord('update', write.collection, write.rkey, write.value, validate)
    case `${NSID}#delete`:
      return planDelete(write.collection, write.rkey)
    default:
      throw invalidRequest('Unknown kind of write')
  }
}

function results(written: Written, writes: readonly PlannedWrite[]): Output['results'] {
  return written.results.map(({ uri, cid, action }, i) => {
    if (action === 'delete') return { $type: `${NSID}#deleteResult` as const }
    const validationStatus = writes[i]?.validationStatus
    const $type = action === 'create' ? CREATED : UPDATED
    return { $type, uri, cid: cid!, validationStatus } as NonNullable<Output['results']>[number]
  })
}
