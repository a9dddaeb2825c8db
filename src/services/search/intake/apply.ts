import type { AppBskyActorProfile, AppBskyFeedPost } from '@atcute/bluesky'
import type { Sql } from '#platform/storage'
import {
  type Actor,
  indexActors,
  loadActors,
  type PostChange,
  postDocument,
  profileTexts,
  removeActor,
  writeActors,
  writePosts,
} from '../records/index.ts'
import { type Change, POST, type RecordChange, type Verdicts } from './change.ts'

/** Status of accounts that are gone for good. Any other one hides an account until it is active. */
const DELETED = 'deleted'

/** What the rest of the service is to know of a batch, once it is committed. */
export interface Applied {
  /** Accounts are due for a lookup. */
  handlesDue: boolean
  /** Deleted accounts have posts to be removed. */
  hasRemains: boolean
}

/** Brings changes into the index in order, within a transaction. */
export async function applyChanges(
  sql: Sql,
  changes: readonly Change[],
  nowMs: number,
  verdicts: Verdicts,
): Promise<Applied> {
  const applied: Applied = { handlesDue: false, hasRemains: false }
  let run: Change[] = []
  const flush = async () => {
    if (run.length > 0)
      applied.handlesDue = (await applyRun(sql, run, nowMs, verdicts)) || applied.handlesDue
    run = []
  }
  for (const change of changes) {
    if (change.kind === 'account' && !change.active && change.status === DELETED) {
      // What follows belongs to another account, should it have the same DID.
      await flush()
      await removeActor(sql, change.did)
      applied.hasRemains = true
    } else run.push(change)
  }
  await flush()
  return applied
}

/** One run without deletions of accounts: all its reads, then all its writes. */
async function applyRun(
  sql: Sql,
  changes: readonly Change[],
  nowMs: number,
  verdicts: Verdicts,
): Promise<boolean> {
  const dids = [...new Set(changes.map((change) => change.did))]
  const { actors, made } = await loadActors(sql, dids, nowMs)
  const run = new Run(nowMs, verdicts)
  for (const change of changes) run.take(change, actors.get(change.did)!)
  await writePosts(sql, [...run.posts.values()])
  await writeActors(sql, [...run.changed])
  await indexActors(sql, [...run.renamed])
  await makeDue(sql, run.due, nowMs)
  return made > 0 || run.due.size > 0
}

/** What a run comes to: of several changes of one thing the last one counts. */
class Run {
  readonly posts = new Map<string, PostChange>()
  readonly changed = new Set<Actor>()
  readonly renamed = new Set<Actor>()
  readonly due = new Set<number>()
  readonly #nowMs: number
  readonly #verdicts: Verdicts

  constructor(nowMs: number, verdicts: Verdicts) {
    this.#nowMs = nowMs
    this.#verdicts = verdicts
  }

  take(change: Change, actor: Actor): void {
    if (change.kind === 'record') this.#takeRecord(change, actor)
    else if (change.kind === 'identity') this.due.add(actor.aid)
    else {
      actor.status = change.active ? null : (change.status ?? 'inactive')
      this.changed.add(actor)
    }
  }

  /** Older than what is there: it was applied before, and what came after it must stand. */
  #takeRecord(change: RecordChange, actor: Actor): void {
    const { collection, rev } = change
    if (actor.rev !== null && rev < actor.rev) {
      this.#verdicts.record(collection, 'old')
      return
    }
    if (rev !== actor.rev) {
      actor.rev = rev
      this.changed.add(actor)
    }
    if (change.value !== undefined) this.#verdicts.record(collection, 'indexed')
    else this.#verdicts.record(collection, 'removed')
    if (collection === POST) this.#takePost(change, actor)
    else this.#takeProfile(change, actor)
  }

  #takePost({ did, rkey, value, seenMs }: RecordChange, { aid }: Actor): void {
    const post = value as AppBskyFeedPost.Main | undefined
    this.posts.set(`${aid}/${rkey}`, {
      aid,
      rkey,
      sortMs: post === undefined ? 0 : sortMsOf(post.createdAt, seenMs, this.#nowMs),
      document: post && postDocument(did, post),
    })
  }

  #takeProfile({ value }: RecordChange, actor: Actor): void {
    const { name, about } = profileTexts((value as AppBskyActorProfile.Main | undefined) ?? {})
    if (name === actor.name && about === actor.about) return
    Object.assign(actor, { name, about })
    this.changed.add(actor)
    this.renamed.add(actor)
  }
}

/** The earlier of what the author says and when it was seen; never in the future. */
function sortMsOf(createdAt: string, seenMs: number, nowMs: number): number {
  const createdMs = Date.parse(createdAt)
  return Math.min(Number.isNaN(createdMs) ? seenMs : createdMs, seenMs, nowMs)
}

/**
 * Has handles looked up again. Always another due time than before, so that a lookup under way
 * notices that it came too early.
 */
async function makeDue(sql: Sql, aids: ReadonlySet<number>, nowMs: number): Promise<void> {
  if (aids.size === 0) return
  await sql.runMany(
    `update actor set handle_failures = 0, handle_due_ms =
       case when handle_due_ms <= ? then handle_due_ms - 1 else ? end where aid = ?`,
    [...aids].map((aid) => [nowMs, nowMs, aid]),
  )
}
