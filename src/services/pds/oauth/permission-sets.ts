import type { Fetch } from '#platform/runtime'
import { createLru } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import {
  type PermissionSet,
  parsePermission,
  parsePermissionSet,
  scopesOfSet,
} from '#protocol/auth'
import { parseDidKey, verifyCid } from '#protocol/crypto'
import { decodeCbor, readCar } from '#protocol/data'
import { type Directory, identityOf } from '#protocol/identity'
import { BlockMap, decodeCommit, Tree, verifyCommitSignature } from '#protocol/repo'
import { type Did, isDid } from '#protocol/syntax'
import { formatParams } from '#protocol/xrpc'
import { readBytes } from '../proxy/index.ts'
import { OAuthError } from './oauth-error.ts'

const HOUR_MS = 60 * 60_000
/** As the specification recommends: then it is looked up anew, and the old one is good until it was. */
const FRESH_MS = 24 * HOUR_MS
/** An author who does not answer is asked again after this. */
const RETRY_MS = 10 * 60_000
const EXPIRES_MS = 90 * 24 * HOUR_MS
const KEPT_MAX = 5_000
const MEMORY_MAX = 200
const TIMEOUT_MS = 5_000
const PROOF_BYTES_MAX = 1_000_000
const DOCUMENT_CHARS_MAX = 200_000
/** Sets that one request may name. */
const PER_REQUEST_MAX = 20
const COLLECTION = 'com.atproto.lexicon.schema'

interface Known {
  set: PermissionSet
  fetchedMs: number
  triedMs: number
}

/**
 * Published sets of permissions. Found as every lexicon is: by a DNS record of the name's domain, in
 * its author's repository, proven by the author's key. https://atproto.com/specs/permission
 */
export class PermissionSets {
  readonly #sql: Sql
  readonly #fetch: Fetch
  readonly #directory: Directory
  readonly #resolveTxt: (name: string) => Promise<string[]>
  readonly #now: () => number
  readonly #known = createLru<string, Known>({ maxEntries: MEMORY_MAX })
  readonly #underWay = new Map<string, Promise<PermissionSet | undefined>>()

  constructor(options: {
    sql: Sql
    fetch: Fetch
    directory: Directory
    resolveTxt: (name: string) => Promise<string[]>
    now: () => number
  }) {
    this.#sql = options.sql
    this.#fetch = options.fetch
    this.#directory = options.directory
    this.#resolveTxt = options.resolveTxt
    this.#now = options.now
  }

  /** Of the sets that a scope names those that are kept here: nobody is asked. */
  async kept(scope: string): Promise<PermissionSet[]> {
    const names = [...new Set(setsNamed(scope))].slice(0, MEMORY_MAX)
    const all = await Promise.all(
      names.map(async (nsid) => this.#known.get(nsid) ?? (await this.#kept(nsid))),
    )
    return all.flatMap((one) => one?.set ?? [])
  }

  /** The sets that a scope names. Throws invalid_scope when one cannot be had. */
  async of(scope: string): Promise<PermissionSet[]> {
    const names = setsNamed(scope)
    if (names.length > PER_REQUEST_MAX)
      throw new OAuthError('invalid_scope', `At most ${PER_REQUEST_MAX} permission sets`)
    return Promise.all(names.map((nsid) => this.#need(nsid)))
  }

  /** The same scope with what its sets hold beside their names. Throws invalid_scope. */
  async resolve(scope: string): Promise<string> {
    const sets = await this.of(scope)
    const scopes = scope.split(' ').flatMap((one) => {
      const permission = parsePermission(one)
      if (permission?.resource !== 'include') return [one]
      const set = sets.find(({ nsid }) => nsid === permission.nsid)
      return set ? [one, ...scopesOfSet(set, permission.aud)] : [one]
    })
    return [...new Set(scopes)].join(' ')
  }

  async #need(nsid: string): Promise<PermissionSet> {
    const known = this.#known.get(nsid) ?? (await this.#kept(nsid))
    const nowMs = this.#now()
    if (known && nowMs < known.fetchedMs + FRESH_MS) return known.set
    if (known && nowMs < known.fetchedMs + EXPIRES_MS) {
      if (nowMs < known.triedMs + RETRY_MS) return known.set
      known.triedMs = nowMs
      return (await this.#look(nsid)) ?? known.set
    }
    const set = await this.#look(nsid)
    if (!set) throw new OAuthError('invalid_scope', `The permission set ${nsid} cannot be found`)
    return set
  }

  async #kept(nsid: string): Promise<Known | undefined> {
    const row = await this.#sql.get<{ document: string; fetched_ms: number }>(
      'SELECT document, fetched_ms FROM oauth_permission_sets WHERE nsid = ?',
      [nsid],
    )
    const set = row && parsePermissionSet(JSON.parse(row.document), nsid)
    if (!set) return undefined
    const known = { set, fetchedMs: row.fetched_ms, triedMs: 0 }
    this.#known.set(nsid, known)
    return known
  }

  /** Undefined when it is nowhere, or nobody answers. */
  #look(nsid: string): Promise<PermissionSet | undefined> {
    const underWay = this.#underWay.get(nsid)
    if (underWay) return underWay
    const looking = this.#fetched(nsid)
      .catch(() => undefined)
      .finally(() => this.#underWay.delete(nsid))
    this.#underWay.set(nsid, looking)
    return looking
  }

  async #fetched(nsid: string): Promise<PermissionSet | undefined> {
    const author = await this.#author(nsid)
    const document = author && (await this.#record(author, nsid))
    const set = parsePermissionSet(document, nsid)
    const text = JSON.stringify(document)
    if (!set || text.length > DOCUMENT_CHARS_MAX) return undefined
    const fetchedMs = this.#now()
    await this.#sql.run(
      `INSERT INTO oauth_permission_sets (nsid, document, fetched_ms) VALUES (?1, ?2, ?3)
       ON CONFLICT (nsid) DO UPDATE SET document = ?2, fetched_ms = ?3`,
      [nsid, text, fetchedMs],
    )
    this.#known.set(nsid, { set, fetchedMs, triedMs: fetchedMs })
    return set
  }

  /** Whose repository has the lexicons of a name: `_lexicon` at the domain that the name begins with. */
  async #author(nsid: string): Promise<Did | undefined> {
    const domain = nsid.split('.').slice(0, -1).reverse().join('.')
    const records = await this.#resolveTxt(`_lexicon.${domain}`)
    const dids = records.flatMap((text) => (text.startsWith('did=') ? [text.slice(4)] : []))
    return dids.length === 1 && isDid(dids[0]) ? dids[0] : undefined
  }

  /** The record with its proof, checked against the author's key. */
  async #record(did: Did, nsid: string): Promise<unknown> {
    const document = await this.#directory.document(did)
    const { pds, signingKey } = document ? identityOf(document) : {}
    if (!pds || !signingKey) return undefined
    const params = formatParams({ did, collection: COLLECTION, rkey: nsid })
    const response = await this.#fetch(`${pds}/xrpc/com.atproto.sync.getRecord?${params}`, {
      timeoutMs: TIMEOUT_MS,
      maxResponseBytes: PROOF_BYTES_MAX,
    })
    const bytes = response.status === 200 && (await readBytes(response, PROOF_BYTES_MAX))
    return bytes
      ? provenRecord(bytes, { did, signingKey, path: `${COLLECTION}/${nsid}` })
      : undefined
  }

  async deleteExpired(): Promise<void> {
    await this.#sql.run('DELETE FROM oauth_permission_sets WHERE fetched_ms <= ?', [
      this.#now() - EXPIRES_MS,
    ])
    await this.#sql.run(
      `DELETE FROM oauth_permission_sets WHERE nsid IN (
         SELECT nsid FROM oauth_permission_sets ORDER BY fetched_ms DESC LIMIT ?1 OFFSET ?1)`,
      [KEPT_MAX],
    )
  }
}

/** The sets that a scope names by `include:`. */
const setsNamed = (scope: string): string[] =>
  scope.split(' ').flatMap((one) => {
    const permission = one.startsWith('include') ? parsePermission(one) : undefined
    return permission?.resource === 'include' ? [permission.nsid] : []
  })

/** The record at a path, from a CAR of its commit and the tree's nodes above it. Throws ProtocolError. */
function provenRecord(
  car: Uint8Array,
  { did, signingKey, path }: { did: Did; signingKey: string; path: string },
): unknown {
  const { roots, blocks } = readCar(car)
  const map = new BlockMap()
  for (const { cid, bytes } of blocks) map.add(cid, bytes)
  const root = roots[0] && map.get(roots[0])
  if (!root || !verifyCid(roots[0]!, root)) return undefined
  const commit = decodeCommit(root)
  if (commit.did !== did || !verifyCommitSignature(commit, parseDidKey(signingKey)))
    return undefined
  const [cid] = Tree.open(commit.data, map).loadProof([path])
  const record = cid && map.get(cid)
  return record && verifyCid(cid, record) ? decodeCbor(record) : undefined
}
