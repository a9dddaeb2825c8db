import type { Fetch, JobKind, Log, Loop, Outside } from '#platform/runtime'
import { type Did, parseDid } from '#protocol/syntax'
import type { Batch } from '../index/batch.ts'
import type { Collections } from '../index/collections.ts'
import { listOf } from '../index/list.ts'
import type { IndexWriter } from '../index/writer.ts'
import { Reconciler } from '../repair/reconcile.ts'
import { repoPage } from '../repair/repo-list.ts'
import { LEAVING, MEMBER, NEIGHBOUR, type Scope } from './scope.ts'

/** Kind of the jobs that forget an account. */
export const FORGET_JOB = 'forget'
const DAY_MS = 86_400_000
/** Accounts of one transaction. */
const AT_ONCE = 200
/** Accounts of one host that become members. */
const OF_HOST_MAX = 1_000_000

export interface UpkeepParts {
  scope: Scope
  writer: IndexWriter
  outside: Pick<Outside, 'now' | 'timers'>
  fetch: Fetch
  retentionDays: number
  log: Log
}

/** Takes members in at the start, and once a day lets go of those nobody has to do with any more. */
export function upkeepLoop(parts: UpkeepParts): Loop {
  return {
    name: 'scope',
    async run(signal) {
      await settleMembers(parts)
      for (const host of parts.scope.rule.hosts) await enrolHost(parts, host, signal)
      while (!signal.aborted) {
        await letGo(parts)
        await parts.outside.timers.sleep(DAY_MS, signal).catch(() => {})
      }
    },
  }
}

/** Members that are named no longer become neighbours; those that are named, members. */
async function settleMembers({ scope, writer }: UpkeepParts): Promise<void> {
  const { dids, hosts, lists } = scope.rule
  const sources = new Set<string>([...dids, ...hosts, ...lists])
  await writer.write(async (batch) => {
    const named = await batch.sql.all<{ source: string }>(
      `select distinct source from scope_account where kind = ${MEMBER}`,
    )
    for (const { source } of named) if (!sources.has(source)) await demote(batch, source)
    for (const did of dids) await scope.enrol(batch, did, MEMBER, did)
  })
}

async function demote(batch: Batch, source: string): Promise<void> {
  await batch.sql.run(
    `update scope_account set kind = ${NEIGHBOUR}, touched_ms = ?
     where kind = ${MEMBER} and source = ?`,
    [batch.nowMs, source],
  )
}

/** Everybody at a host, as it lists them. */
async function enrolHost(parts: UpkeepParts, host: string, signal: AbortSignal): Promise<void> {
  let cursor: string | undefined
  let count = 0
  do {
    const page = await repoPage(parts.fetch, host, cursor, signal)
    for (let i = 0; i < page.dids.length; i += AT_ONCE)
      await parts.writer.write(async (batch) => {
        for (const did of page.dids.slice(i, i + AT_ONCE))
          await parts.scope.enrol(batch, did, MEMBER, host)
      })
    count += page.dids.length
    cursor = page.cursor
  } while (cursor !== undefined && count < OF_HOST_MAX && !signal.aborted)
}

/** Whom members follow stays; others go when nobody had to do with them for a while. */
async function letGo({ scope, writer, outside, retentionDays, log }: UpkeepParts): Promise<void> {
  await leaveLists(writer, scope)
  const beforeMs = outside.now() - retentionDays * DAY_MS
  for (let isMore = true, gone = 0; isMore; ) {
    isMore = await writer.write(async (batch) => {
      const rows = await batch.sql.all<{ aid: number; did: Did; followed: number }>(
        `select s.aid, a.did, exists (select 1 from follow f
             join scope_account m on m.aid = f.aid and m.kind = ${MEMBER}
             where f.subject_aid = s.aid and f.counted = 1) as followed
         from scope_account s join actor a on a.aid = s.aid
         where s.kind > 1 and s.touched_ms < ? order by s.touched_ms limit ?`,
        [beforeMs, AT_ONCE],
      )
      for (const { aid, did, followed } of rows) {
        if (followed) await touch(batch, aid)
        else await beginForgetting(batch, aid, did)
        gone += followed ? 0 : 1
      }
      return rows.length === AT_ONCE
    })
    if (!isMore && gone > 0) log.info('accounts outside the scope are forgotten', { count: gone })
  }
}

/** Who is on a list of members no longer is a member no longer. */
async function leaveLists(writer: IndexWriter, { rule }: Scope): Promise<void> {
  for (const uri of rule.lists) {
    const { did, rkey } = listOf(uri)!
    await writer.write(async (batch) => {
      const owner = await batch.aidOf(did)
      await batch.sql.run(
        `update scope_account set kind = ${NEIGHBOUR}, touched_ms = ? where kind = ${MEMBER}
         and source = ? and not exists (select 1 from list_item i where i.aid = ?
           and i.list_rkey = ? and i.subject_aid = scope_account.aid)`,
        [batch.nowMs, uri, owner, rkey],
      )
    })
  }
}

async function touch(batch: Batch, aid: number): Promise<void> {
  await batch.sql.run('update scope_account set touched_ms = ? where aid = ?', [batch.nowMs, aid])
}

async function beginForgetting(batch: Batch, aid: number, did: Did): Promise<void> {
  await batch.sql.run(`update scope_account set kind = ${LEAVING} where aid = ?`, [aid])
  await batch.addJob(FORGET_JOB, did)
}

/** The job that takes the records of an account out of the index, unless it is wanted again. */
export function forgetJobs(parts: {
  writer: IndexWriter
  collections: Collections
}): Record<string, JobKind> {
  return {
    [FORGET_JOB]: {
      async run(job) {
        const did = parseDid(job.key)
        await new Reconciler(parts, did, '', { only: isLeaving }).finish()
        await parts.writer.write(async (batch) => {
          const author = await batch.author(did)
          if (!(await isLeaving(batch, author.aid))) return
          await batch.sql.run('delete from scope_account where aid = ?', [author.aid])
          await batch.sql.run('delete from fresh_path where aid = ?', [author.aid])
          batch.setAuthor(author, { rev: undefined, repair: undefined })
          batch.changed.actors.add(author.aid)
        })
      },
    },
  }
}

async function isLeaving(batch: Batch, aid: number): Promise<boolean> {
  const sql = `select 1 from scope_account where aid = ? and kind = ${LEAVING}`
  return (await batch.sql.get(sql, [aid])) !== undefined
}
