import type { Sql } from '#platform/storage'
import type { Did, Handle } from '#protocol/syntax'
import { type Actor, type ActorCounts, type ActorRow, actorOf } from '../views/actor.ts'
import type { MediaUrls } from '../views/images.ts'
import { Cache, type Changes } from './cache.ts'
import { marks, padded, pieces } from './lists.ts'
import { SelfRecords } from './self-records.ts'

const ACTORS_MAX = 20_000
const DIDS_MAX = 100_000
const NO_COUNTS: ActorCounts = {
  ...{ followers: 0, follows: 0, posts: 0 },
  ...{ lists: 0, feeds: 0, packs: 0 },
}

interface ActorsParts {
  sql: Sql
  changes: Changes
  urls: MediaUrls
  now: () => number
  /** Accounts whose word on who others are is shown. */
  verifiers: readonly string[]
}

/** Accounts: DID and handle to `aid`, and `aid` to what views show. */
export class Actors {
  readonly #sql: Sql
  readonly #changes: Changes
  readonly #urls: MediaUrls
  readonly #now: () => number
  readonly #said: SelfRecords
  readonly #actors: Cache<number, Actor>
  readonly #counts: Cache<number, ActorCounts>
  readonly #revs: Cache<number, string>
  /** An `aid` never changes, so these entries need no invalidation; absence is not kept. */
  readonly #aids: Cache<string, number>

  constructor({ sql, changes, urls, now, verifiers }: ActorsParts) {
    this.#sql = sql
    this.#now = now
    this.#said = new SelfRecords({ sql, verifiers })
    this.#changes = changes
    this.#urls = urls
    this.#actors = new Cache(changes, ACTORS_MAX)
    this.#counts = new Cache(changes, ACTORS_MAX)
    this.#revs = new Cache(changes, ACTORS_MAX)
    this.#aids = new Cache(changes, DIDS_MAX)
  }

  /** Undefined for a DID nobody has spoken of yet. */
  async aidOf(did: Did): Promise<number | undefined> {
    const known = this.#aids.get(did)
    if (known !== undefined) return known
    const row = await this.#sql.get<{ aid: number }>('select aid from actor where did = ?', [did])
    if (row !== undefined) this.#aids.fill(this.#changes.version, did, row.aid)
    return row?.aid
  }

  /** The account whose verified handle this is, as far as we know. */
  async aidOfHandle(handle: Handle): Promise<number | undefined> {
    const row = await this.#sql.get<{ aid: number }>('select aid from actor where handle = ?', [
      handle.toLowerCase(),
    ])
    return row?.aid
  }

  /** Accounts as views show them. Hidden ones (see Actor.status) are left out unless asked for. */
  async load(aids: Iterable<number>, { hidden = false } = {}): Promise<Map<number, Actor>> {
    const found = new Map<number, Actor>()
    const missing: number[] = []
    for (const aid of aids) {
      const actor = this.#actors.get(aid)
      if (actor === undefined || actor.freshUntilMs <= this.#now()) missing.push(aid)
      else if (hidden || actor.status === undefined) found.set(aid, actor)
    }
    for (const piece of pieces(missing))
      for (const actor of await this.#read(piece))
        if (hidden || actor.status === undefined) found.set(actor.aid, actor)
    return found
  }

  /** The newest commit of the account's repo that is in the index. */
  async rev(aid: number): Promise<string | undefined> {
    const known = this.#revs.get(aid)
    if (known !== undefined) return known
    const { version } = this.#changes
    const row = await this.#sql.get<{ rev: string | null }>('select rev from actor where aid = ?', [
      aid,
    ])
    if (row?.rev) this.#revs.fill(version, aid, row.rev)
    return row?.rev ?? undefined
  }

  async counts(aids: readonly number[]): Promise<Map<number, ActorCounts>> {
    const found = new Map<number, ActorCounts>()
    const missing: number[] = []
    for (const aid of aids) {
      const counts = this.#counts.get(aid)
      if (counts === undefined) missing.push(aid)
      else found.set(aid, counts)
    }
    const { version } = this.#changes
    for (const piece of pieces(missing)) {
      for (const aid of piece) found.set(aid, NO_COUNTS)
      const rows = await this.#sql.all<ActorCounts & { aid: number }>(
        `select aid, followers, follows, posts, lists, feeds, packs from actor_count where aid in (${marks(piece.length)})`,
        padded(piece),
      )
      for (const row of rows) found.set(row.aid, row)
      for (const aid of piece) this.#counts.fill(version, aid, found.get(aid)!)
    }
    return found
  }

  /** The profile, the handle or the standing of an account changed. */
  drop(aid: number): void {
    this.#actors.drop(aid)
  }

  dropRev(aid: number): void {
    this.#revs.drop(aid)
  }

  dropCounts(aid: number): void {
    this.#counts.drop(aid)
  }

  async #read(aids: number[]): Promise<Actor[]> {
    const { version } = this.#changes
    const rows = await this.#sql.all<ActorRow>(
      `select a.aid, a.did, a.handle, a.status, p.cid, p.body, p.indexed_ms, j.pack_aid, j.pack_rkey,
         exists (select 1 from scope_account s where s.aid = a.aid and s.kind = 3) as is_visitor
       from actor a left join profile p on p.aid = a.aid left join pack_join j on j.aid = a.aid
       where a.aid in (${marks(aids.length)})`,
      padded(aids),
    )
    const said = await this.#said.of(rows)
    return rows.map((row) => {
      const actor = actorOf(row, said(row), this.#urls, this.#now())
      this.#actors.fill(version, actor.aid, actor)
      return actor
    })
  }
}
