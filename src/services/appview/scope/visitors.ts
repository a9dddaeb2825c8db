import { createLru, type Fetch } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { cidForCbor } from '#protocol/crypto'
import { encodeCbor, fromJson } from '#protocol/data'
import { type Directory, identityOf } from '#protocol/identity'
import {
  type AtIdentifier,
  type Did,
  type Handle,
  isDid,
  type Nsid,
  parseAtUri,
} from '#protocol/syntax'
import type { Collections } from '../index/collections.ts'
import { checkedRecord, putRecord } from '../index/commit.ts'
import type { IndexWriter } from '../index/writer.ts'
import { MEMBER, NEIGHBOUR, type Scope, VISITOR } from './scope.ts'

const POST = 'app.bsky.feed.post'
const PROFILE = 'app.bsky.actor.profile'
/** One record of one host: a person is waiting. */
const TIMEOUT_MS = 2_000
/** Everything that one reader asks for. */
const DEADLINE_MS = 4_000
const RECORD_BYTES_MAX = 1_000_000
/** What was looked up, or was not there, is not looked up again for this long. */
const FRESH_MS = 600_000
const LOOKED_MAX = 50_000
/** Look-ups under way; beyond that readers see what is here. */
const AT_ONCE_MAX = 32
/** Posts above the one asked for. */
const ABOVE_MAX = 8

export interface VisitorsParts {
  /** Undefined where everybody is indexed: then nothing is looked up. */
  scope: Scope | undefined
  sql: Sql
  writer: IndexWriter
  collections: Collections
  directory: Directory
  fetch: Fetch
  now: () => number
}

/**
 * Profiles and posts of accounts outside the scope, read from their own hosts when somebody asks for
 * them, kept as long as they are asked for, and marked in views. Believed as far as the host is that
 * the account's identity names. Never throws: what cannot be had is not there.
 */
export class Visitors {
  readonly #parts: VisitorsParts
  readonly #looked = createLru<string, number>({ maxEntries: LOOKED_MAX })
  #count = 0

  constructor(parts: VisitorsParts) {
    this.#parts = parts
  }

  async profile(actor: AtIdentifier): Promise<void> {
    if (this.#parts.scope === undefined) return
    const did = isDid(actor) ? actor : await this.#resolve(actor as Handle)
    if (did !== undefined) await this.#take(did, PROFILE, 'self', this.#until())
  }

  /** A post, and what it answers. */
  async post(uri: string): Promise<void> {
    if (this.#parts.scope === undefined) return
    const until = this.#until()
    let next: string | undefined = uri
    for (let height = 0; next !== undefined && height <= ABOVE_MAX; height++) {
      const { authority, collection, rkey }: ReturnType<typeof parseAtUri> = parseAtUri(next)
      if (collection !== POST || rkey === undefined) return
      const did = isDid(authority) ? authority : await this.#resolve(authority as Handle)
      if (did === undefined) return
      const value = await this.#take(did, POST, rkey, until)
      await this.#take(did, PROFILE, 'self', until)
      const { reply } = (value ?? {}) as {
        reply?: { parent: { uri: string }; root: { uri: string } }
      }
      next = reply?.parent.uri
      // The root says who may reply: it is wanted even where the way up is too long.
      if (height === 0 && reply && reply.root.uri !== next)
        await this.#takeUri(reply.root.uri, until)
    }
  }

  #until(): number {
    return this.#parts.now() + DEADLINE_MS
  }

  async #takeUri(uri: string, until: number): Promise<void> {
    const { authority, collection, rkey } = parseAtUri(uri)
    if (isDid(authority) && collection === POST && rkey)
      await this.#take(authority, POST, rkey, until)
  }

  /** The record, from here or its host; undefined when it was asked for lately, or is of somebody in scope. */
  async #take(did: Did, collection: Nsid, rkey: string, until: number): Promise<unknown> {
    const { now, sql } = this.#parts
    const uri = `at://${did}/${collection}/${rkey}`
    if ((this.#looked.get(uri) ?? 0) > now()) return this.#known(did, collection, rkey)
    const row = await sql.get<{ kind: number }>(
      'select s.kind from actor a join scope_account s on s.aid = a.aid where a.did = ?',
      [did],
    )
    if (row?.kind === MEMBER || row?.kind === NEIGHBOUR) return this.#known(did, collection, rkey)
    if (now() > until || this.#count >= AT_ONCE_MAX) return undefined
    this.#count++
    this.#looked.set(uri, now() + FRESH_MS)
    try {
      return await this.#fetch(did, collection, rkey)
    } catch {
      return this.#known(did, collection, rkey)
    } finally {
      this.#count--
    }
  }

  async #known(did: Did, collection: Nsid, rkey: string): Promise<unknown> {
    if (collection !== POST) return undefined
    const row = await this.#parts.sql.get<{ body: string }>(
      'select p.body from actor a join post p on p.aid = a.aid and p.rkey = ? where a.did = ?',
      [rkey, did],
    )
    return row && JSON.parse(row.body)
  }

  async #fetch(did: Did, collection: Nsid, rkey: string): Promise<unknown> {
    const { directory, fetch, writer, collections, scope } = this.#parts
    const document = await directory.document(did)
    const pds = document && identityOf(document).pds
    if (pds === undefined) return undefined
    const query = new URLSearchParams({ repo: did, collection, rkey })
    const response = await fetch(`${pds}/xrpc/com.atproto.repo.getRecord?${query}`, {
      timeoutMs: TIMEOUT_MS,
      maxResponseBytes: RECORD_BYTES_MAX,
    })
    const answer = (await response.json()) as { value?: object; error?: string }
    const index = collections.get(collection)!
    const bytes = response.ok && answer.value ? encodeCbor(fromJson(answer.value)) : undefined
    if (bytes === undefined && answer.error !== 'RecordNotFound') return undefined
    const cid = bytes && cidForCbor(bytes)
    const checked = bytes && checkedRecord(collection, cid!, bytes)
    return writer.write(async (batch) => {
      await scope!.enrol(batch, did, VISITOR)
      const { aid } = await batch.author(did)
      if (checked === undefined || 'reason' in checked) {
        await index.remove(batch, aid, rkey)
        return undefined
      }
      await putRecord(batch, index, { aid, did, rkey, seenMs: batch.nowMs, ...checked })
      return checked.value
    })
  }

  async #resolve(handle: Handle): Promise<Did | undefined> {
    const { sql, directory } = this.#parts
    const row = await sql.get<{ did: Did }>('select did from actor where handle = ?', [handle])
    return row?.did ?? (await directory.resolveHandle(handle).catch(() => undefined))
  }
}
