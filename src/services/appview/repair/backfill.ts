import type { Fetch, JobKind, Log } from '#platform/runtime'
import type { Tid } from '#protocol/syntax'
import type { IndexWriter } from '../index/writer.ts'
import { repoPage } from './repo-list.ts'

/** Kind of the job that asks for every repository an upstream knows; its key is the upstream's URL. */
export const BACKFILL_JOB = 'backfill'
/** Before every rev. */
const FIRST_REV = '2222222222222' as Tid

/**
 * Fills an index from zero: every repository that the upstream lists and that is not here is
 * fetched, beside the stream, which goes on. A stop goes on from the last page; done once, it is not
 * begun again.
 */
export function backfillJobs(parts: {
  writer: IndexWriter
  fetch: Fetch
  log: Log
}): Record<string, JobKind> {
  const { writer, fetch, log } = parts
  const run: JobKind<unknown, { cursor: string }>['run'] = async (job) => {
    let cursor = job.progress?.cursor
    let count = 0
    do {
      const page = await repoPage(fetch, job.key, cursor, job.signal)
      await writer.write(async (batch) => {
        for (const did of page.dids) {
          const author = await batch.author(did)
          if (author.rev !== undefined || author.repair !== undefined) continue
          await batch.needRepair(author, 'backfill', FIRST_REV)
          count++
        }
      })
      cursor = page.cursor
      if (cursor !== undefined) await job.saveProgress({ cursor })
    } while (cursor !== undefined)
    log.info('every repository of the upstream is asked for', { upstream: job.key, count })
  }
  // An upstream that is away is asked for as long as it is.
  const maxAttempts = Number.POSITIVE_INFINITY
  return { [BACKFILL_JOB]: { keep: true, maxAttempts, run: run as JobKind['run'] } }
}
