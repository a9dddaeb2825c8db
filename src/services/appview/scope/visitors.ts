import { createLru, type Fetch } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { parseDidKey } from '#protocol/crypto'
import { type Directory, identityOf } from '#protocol/identity'
import { type ProvenRecord, readRecordProof } from '#protocol/repo'
import {
  type AtIdentifier,
  type Did,
  type Handle,
  isAtUri,
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
/** A record of the greatest size, and the nodes on the way to it. */
const PROOF_BYTES_MAX = 2_000_000
/** What was looked up, or was not there, is not looked up again for this long. */
const FRESH_MS = 600_000
const LOOKED_MAX = 50_000
/** Look-ups under way; beyond that readers see what is here. */
const AT_ONCE_MAX = 32
/** Posts above the one asked for. */
const ABOVE_MAX = 8

/** Sorts of records that are looked up by themselves. */
const TAKEN: ReadonlySet<string> = new Set([
  POST,
  'app.bsky.feed.generator',
  'app.bsky.graph.list',
  'app.bsky.graph.starterpack',
  'app.bsky.labeler.service',
])

/** What a post embeds, as far as it names a record. */
interface Embedding {
  record?: { uri?: string; record?: { uri?: string } }
}

function quotedBy(embed: Embedding | undefined): string | undefined {
  return embed?.record?.uri ?? embed?.record?.record?.uri
}

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
 * them, kept as long as they are asked for, and marked in views. Believed as far as the account signed
 * them. Never throws: what cannot be had is not there.
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

  /** Posts by AT-URI, with what they quote: for who names them. */
  async posts(uris: readonly string[]): Promise<void> {
    if (this.#parts.scope === undefined) return
    const until = this.#until()
    await Promise.all(uris.map((uri) => this.#takeQuoting(uri, until)))
  }

  /** Records that a page wanted to embed and did not find: for who reads it next. Waits for nothing. */
  missed(uris: Iterable<string>): void {
    const until = this.#until()
    for (const uri of uris) void this.#takeUri(uri, until).catch(() => {})
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
      const quoted = height === 0 && quotedBy((value as { embed?: Embedding } | undefined)?.embed)
      if (quoted) await this.#takeUri(quoted, until)
    }
  }

  #until(): number {
    return this.#parts.now() + DEADLINE_MS
  }

  async #takeQuoting(uri: string, until: number): Promise<void> {
    const value = (await this.#takeUri(uri, until)) as { embed?: Embedding } | undefined
    const quoted = quotedBy(value?.embed)
    if (quoted !== undefined) await this.#takeUri(quoted, until)
  }

  /** A record that views show, and the profile of who wrote it. */
  async #takeUri(uri: string, until: number): Promise<unknown> {
    if (!isAtUri(uri)) return undefined
    const { authority, collection, rkey } = parseAtUri(uri)
    if (!isDid(authority) || rkey === undefined || !TAKEN.has(collection!)) return undefined
    const value = await this.#take(authority, collection as Nsid, rkey, until)
    await this.#take(authority, PROFILE, 'self', until)
    return value
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
    const { writer, collections, scope } = this.#parts
    const proven = await this.#proven(did, `${collection}/${rkey}`)
    if (proven === undefined) return this.#known(did, collection, rkey)
    const index = collections.get(collection)!
    const { record } = proven
    const checked = record && checkedRecord(collection, record.cid, record.bytes)
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

  /** What the account's own host says of a path, as far as the account signed it. */
  async #proven(did: Did, path: string): Promise<ProvenRecord | undefined> {
    const { directory, fetch } = this.#parts
    const [collection, rkey] = path.split('/') as [string, string]
    const query = new URLSearchParams({ did, collection, rkey })
    for (const fresh of [false, true]) {
      const document = await directory.document(did, { fresh })
      const identity = document && identityOf(document)
      if (identity?.pds === undefined || identity.signingKey === undefined) return undefined
      const response = await fetch(`${identity.pds}/xrpc/com.atproto.sync.getRecord?${query}`, {
        timeoutMs: TIMEOUT_MS,
        maxResponseBytes: PROOF_BYTES_MAX,
      })
      if (!response.ok) return undefined
      const car = new Uint8Array(await response.arrayBuffer())
      try {
        return readRecordProof(car, { did, path, key: parseDidKey(identity.signingKey) })
      } catch (error) {
        // Its key may be another by now.
        if (fresh) throw error
      }
    }
    return undefined
  }

  async #resolve(handle: Handle): Promise<Did | undefined> {
    const { sql, directory } = this.#parts
    const row = await sql.get<{ did: Did }>('select did from actor where handle = ?', [handle])
    return row?.did ?? (await directory.resolveHandle(handle).catch(() => undefined))
  }
}
