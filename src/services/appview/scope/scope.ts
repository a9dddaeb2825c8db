import { createLru } from '#platform/runtime'
import { type Directory, identityOf } from '#protocol/identity'
import { type Did, isDid, type Tid } from '#protocol/syntax'
import type { Batch } from '../index/batch.ts'
import type { CollectionIndex, IndexedRecord } from '../index/collection.ts'
import { LIST, listOf } from '../index/list.ts'

/** Whose records are indexed: members, and in a neighbourhood those they follow and answer. */

/** Kinds as stored, but for what is not there. */
export const LEAVING = 0
export const MEMBER = 1
export const NEIGHBOUR = 2
export const VISITOR = 3

/** Hosts of accounts that are no members, so that not every event costs a look-up. */
const HOSTS_MAX = 200_000
/** How long a host that was looked up is believed; `forget` makes it shorter. */
const HOST_MS = 86_400_000
/** Before every rev. */
const FIRST_REV = '2222222222222' as Tid

export interface ScopeRule {
  dids: ReadonlySet<Did>
  /** Origins of hosts all of whose accounts are members. */
  hosts: ReadonlySet<string>
  /** AT-URIs of lists everybody on which is a member. */
  lists: ReadonlySet<string>
  hasNeighbours: boolean
}

/** Reads what an operator named: DIDs, hosts by URL, lists by AT-URI. Throws for anything else. */
export function scopeRule(members: readonly string[], { hasNeighbours = false } = {}): ScopeRule {
  const rule = { dids: new Set<Did>(), hosts: new Set<string>(), lists: new Set<string>() }
  for (const member of members) {
    const list = listOf(member)
    if (list !== undefined) {
      rule.lists.add(`at://${list.did}/${LIST}/${list.rkey}`)
      rule.dids.add(list.did)
    } else if (isDid(member)) rule.dids.add(member)
    else if (/^https?:\/\//.test(member)) rule.hosts.add(new URL(member).origin)
    else throw new Error(`${member} is no DID, no URL of a host and no AT-URI of a list`)
  }
  return { ...rule, hasNeighbours }
}

/** `all` of a commit is applied, `known`: only to what is there already. */
export type Admission = 'all' | 'known' | undefined

export class Scope {
  readonly rule: ScopeRule
  readonly #directory: Directory
  readonly #now: () => number
  readonly #hosts = createLru<Did, { host: string | undefined; untilMs: number }>({
    maxEntries: HOSTS_MAX,
  })

  constructor(parts: { rule: ScopeRule; directory: Directory; now: () => number }) {
    this.rule = parts.rule
    this.#directory = parts.directory
    this.#now = parts.now
  }

  /** Before a transaction: looks up where an account is, when members are named by host. */
  async look(did: Did): Promise<void> {
    if (this.rule.hosts.size === 0 || this.rule.dids.has(did)) return
    const known = this.#hosts.get(did)
    if (known !== undefined && known.untilMs > this.#now()) return
    try {
      const document = await this.#directory.document(did)
      const host = document && identityOf(document).pds
      this.#hosts.set(did, { host, untilMs: this.#now() + HOST_MS })
    } catch {
      // Nobody can say just now: the next event asks again, and a gap is seen.
    }
  }

  /** An account may have moved. */
  forget(did: Did): void {
    this.#hosts.delete(did)
  }

  /** Whether commits of an account are applied; makes a member of who is one and was not known. */
  async admits(batch: Batch, did: Did): Promise<Admission> {
    const kind = await kindOf(batch, did)
    if (kind === MEMBER || kind === NEIGHBOUR) return 'all'
    const source = this.#sourceOf(did)
    if (source !== undefined) {
      await this.enrol(batch, did, MEMBER, source)
      return 'all'
    }
    return kind === VISITOR ? 'known' : undefined
  }

  /** Whether anybody has spoken of the account: what it is called and how it stands is kept then. */
  async knows(batch: Batch, did: Did): Promise<boolean> {
    const row = await batch.sql.get('select 1 from actor where did = ?', [did])
    return row !== undefined || this.#sourceOf(did) !== undefined
  }

  /** Takes an account in, and asks for its repository where all of it is kept. */
  async enrol(batch: Batch, did: Did, kind: number, source = ''): Promise<void> {
    const author = await batch.author(did)
    const before = await kindOf(batch, did)
    const isKept = before === MEMBER || before === NEIGHBOUR
    const next = isKept && kind > before ? before : kind
    await batch.sql.run(
      `insert into scope_account (aid, kind, source, touched_ms) values (?, ?, ?, ?)
       on conflict (aid) do update set kind = excluded.kind, touched_ms = excluded.touched_ms,
         source = case when excluded.kind = ${MEMBER} then excluded.source
           else scope_account.source end`,
      [author.aid, next, source, batch.nowMs],
    )
    if (before !== next) batch.changed.actors.add(author.aid)
    if (kind !== VISITOR && !isKept)
      await batch.needRepair(author, 'scope', author.rev ?? FIRST_REV)
  }

  /** A record was indexed: members bring in whom they follow and answer, lists who is on them. */
  async touched(
    batch: Batch,
    { collection }: Pick<CollectionIndex, 'collection'>,
    { aid, did, value }: IndexedRecord,
  ): Promise<void> {
    const { lists, hasNeighbours } = this.rule
    if (collection === 'app.bsky.graph.listitem') {
      const { list, subject } = value as { list: string; subject: Did }
      if (lists.has(list)) await this.enrol(batch, subject, MEMBER, list)
      return
    }
    if (!hasNeighbours) return
    const touched = touchedBy(collection, value).filter((other) => other !== did)
    if (touched.length === 0 || !(await isMember(batch, aid))) return
    for (const other of touched) await this.enrol(batch, other, NEIGHBOUR)
  }

  #sourceOf(did: Did): string | undefined {
    if (this.rule.dids.has(did)) return did
    const host = this.#hosts.get(did)?.host
    return host !== undefined && this.rule.hosts.has(host) ? host : undefined
  }
}

function touchedBy(collection: string, value: unknown): Did[] {
  if (collection === 'app.bsky.graph.follow') return [(value as { subject: Did }).subject]
  if (collection !== 'app.bsky.feed.post') return []
  const { reply } = value as { reply?: { parent: { uri: string }; root: { uri: string } } }
  const dids = [reply?.parent.uri, reply?.root.uri].map((uri) => uri?.split('/')[2] ?? '')
  return [...new Set(dids.filter(isDid))]
}

async function kindOf(batch: Batch, did: Did): Promise<number | undefined> {
  const row = await batch.sql.get<{ kind: number }>(
    'select s.kind from actor a join scope_account s on s.aid = a.aid where a.did = ?',
    [did],
  )
  return row?.kind
}

async function isMember(batch: Batch, aid: number): Promise<boolean> {
  const sql = `select 1 from scope_account where aid = ? and kind = ${MEMBER}`
  return (await batch.sql.get(sql, [aid])) !== undefined
}
