import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { Accepted } from '../labelers/labelers.ts'
import { type Actor, judgedActor, withLiveLabels } from '../views/actor.ts'
import type { Json } from '../views/json.ts'
import { withLabels } from '../views/labels.ts'
import { judgedPost, type Post } from '../views/post.ts'
import { Cache, type Changes } from './cache.ts'
import { marks, padded, pieces } from './lists.ts'

interface Row {
  uri: string
  src: Did
  val: string
  cid: string | null
  exp_ms: number | null
  json: Json
}

const URIS_MAX = 200_000
/** Of a labeler that may take things out of pages: for good, or for a while. */
const TAKEDOWNS: ReadonlySet<string> = new Set(['!takedown', '!suspend'])
/** Of such a labeler: not decided yet, and until then for those alone who chose to hear of it. */
const UNDER_REVIEW = 'needs-review'
/** Of such a labeler: whoever says that the account is who it seems to be is wrong. */
const IMPERSONATION = 'impersonation'
const NONE: readonly Row[] = []
const NOTHING_SAID: Judgement = { labels: [], isUnderReview: false, isImpersonation: false }
const NO_ROWS: ReadonlyMap<string, readonly Row[]> = new Map()

/** A record whose labels are wanted. */
export interface LabelledRecord {
  uri: string
  cid: string
  /** Its author's own labels of it. */
  labels?: Json
}

/** What labels come to for a reader. */
export interface Judgement {
  /** Those to show, as JSON. */
  labels: readonly Json[]
  isUnderReview: boolean
  isImpersonation: boolean
}

/** What labelers say of what a page shows. */
export class Labels {
  readonly #sql: Sql
  readonly #changes: Changes
  readonly #now: () => number
  readonly #own: () => readonly Did[]
  readonly #rows: Cache<string, readonly Row[]>

  constructor(parts: { sql: Sql; changes: Changes; now: () => number; own: () => readonly Did[] }) {
    this.#sql = parts.sql
    this.#changes = parts.changes
    this.#now = parts.now
    this.#own = parts.own
    this.#rows = new Cache(parts.changes, URIS_MAX)
  }

  /**
   * Adds labels to what has some, and takes out what is not to be shown: what our own labelers have
   * taken down, and what those have that are accepted with `redact`. Without `accepted`, our own
   * labelers' labels are shown.
   */
  async apply(
    { actors, posts }: { actors: Map<number, Actor>; posts: Map<string, Post> },
    accepted: readonly Accepted[] | undefined,
  ): Promise<void> {
    const own = this.#own()
    if (own.length === 0 && !accepted?.length) return
    const shown = new Set(accepted ? accepted.map(({ did }) => did) : own)
    const redacting = new Set(own)
    for (const { did, redact } of accepted ?? []) if (redact) redacting.add(did)
    const rows = await this.#load(urisOf(actors, posts))
    if (rows.size === 0) return
    const judge = (found: readonly Row[], cid?: string) =>
      this.#judged(found, cid, shown, redacting)
    for (const [aid, actor] of actors) {
      const found = [...(rows.get(actor.did) ?? NONE), ...(rows.get(profileUri(actor)) ?? NONE)]
      const judged = judge(found, undefined)
      if (judged === undefined) actors.delete(aid)
      else {
        const shown = found.length > 0 ? judgedActor(actor, judged) : actor
        const live = actor.live === '' ? NOTHING_SAID : judge(rows.get(actor.liveUri) ?? NONE)
        if (shown !== actor || live !== NOTHING_SAID)
          actors.set(aid, withLiveLabels(shown, live?.labels))
      }
    }
    for (const [key, post] of posts) {
      const found = rows.get(post.uri)
      const judged = found && judge(found, post.names)
      if (found !== undefined && judged === undefined) posts.delete(key)
      else if (judged !== undefined) posts.set(key, judgedPost(post, judged))
    }
  }

  /**
   * Labels of records that are no posts, as JSON lists by AT-URI, after those their authors gave
   * them (`labels`). What is not to be shown is left out.
   */
  async ofRecords(
    records: readonly LabelledRecord[],
    accepted: readonly Accepted[] | undefined,
  ): Promise<Map<string, Json>> {
    const own = this.#own()
    const shown = new Set(accepted ? accepted.map(({ did }) => did) : own)
    const redacting = new Set(own)
    for (const { did, redact } of accepted ?? []) if (redact) redacting.add(did)
    const isAsked = own.length > 0 || (accepted?.length ?? 0) > 0
    const rows = isAsked ? await this.#load(records.map(({ uri }) => uri)) : NO_ROWS
    const found = new Map<string, Json>()
    for (const { uri, cid, labels = '[]' } of records) {
      const judged = this.#judged(rows.get(uri) ?? NONE, `"${cid}"`, shown, redacting)
      if (judged === undefined) continue
      const more = judged.labels
      found.set(uri, more.length > 0 ? withLabels(labels, more) : labels)
    }
    return found
  }

  /** Undefined when it is not to be shown. `names` has the CID that is there now. */
  #judged(
    rows: readonly Row[],
    names: string | undefined,
    shown: ReadonlySet<Did>,
    redacting: ReadonlySet<Did>,
  ): Judgement | undefined {
    if (rows.length === 0) return NOTHING_SAID
    const labels: Json[] = []
    let isUnderReview = false
    let isImpersonation = false
    for (const { src, val, cid, exp_ms: expMs, json } of rows) {
      if (expMs !== null && expMs <= this.#now()) continue
      if (cid !== null && names !== undefined && !names.includes(`"${cid}"`)) continue
      if (redacting.has(src)) {
        if (TAKEDOWNS.has(val)) return undefined
        if (val === IMPERSONATION) isImpersonation = true
        if (val === UNDER_REVIEW) {
          // No client knows what to make of it.
          isUnderReview = true
          continue
        }
      }
      if (shown.has(src)) labels.push(json)
    }
    return { labels, isUnderReview, isImpersonation }
  }

  /** Rows of those that have any. */
  async #load(uris: readonly string[]): Promise<Map<string, readonly Row[]>> {
    const found = new Map<string, readonly Row[]>()
    const missing: string[] = []
    for (const uri of uris) {
      const rows = this.#rows.get(uri)
      if (rows === undefined) missing.push(uri)
      else if (rows.length > 0) found.set(uri, rows)
    }
    const { version } = this.#changes
    for (const piece of pieces(missing)) {
      const rows = await this.#sql.all<Row>(
        `select uri, src, val, cid, exp_ms, json from label where uri in (${marks(piece.length)})
         order by uri, src, val`,
        padded(piece),
      )
      for (const row of rows) found.set(row.uri, [...(found.get(row.uri) ?? NONE), row])
      for (const uri of piece) this.#rows.fill(version, uri, found.get(uri) ?? NONE)
    }
    return found
  }

  /** A label of the subject came or went. */
  drop(uri: string): void {
    this.#rows.drop(uri)
  }
}

function profileUri({ did }: Actor): string {
  return `at://${did}/app.bsky.actor.profile/self`
}

function urisOf(
  actors: ReadonlyMap<number, Actor>,
  posts: ReadonlyMap<string, Post>,
): readonly string[] {
  const uris: string[] = []
  for (const actor of actors.values()) {
    uris.push(actor.did, profileUri(actor))
    if (actor.live !== '') uris.push(actor.liveUri)
  }
  for (const { uri } of posts.values()) uris.push(uri)
  return uris
}
