import type { Outside } from '#platform/runtime'
import { verifyCid } from '#protocol/crypto'
import { type CarBlock, type CidBytes, equalBytes, readCarStream } from '#protocol/data'
import type { Identities } from '#protocol/identity'
import { decodeCommit, MAX_REV_AHEAD_MS, syncEvent, verifyCommitSignature } from '#protocol/repo'
import { tidMicros } from '#protocol/syntax'
import type { FetchedHead, RepoState } from '../ingest/index.ts'

const TIMEOUT_MS = 20_000
/** The commit comes first in most repositories' CARs; in others it is looked for so far. */
const SEARCHED_BYTES_MAX = 4 * 1024 * 1024
/** Of the whole CAR, which is not read. */
const RESPONSE_BYTES_MAX = 16 * 1024 ** 3

export interface HeadSource {
  identities: Identities
  outside: Outside
}

/** Fetches the signed head of a repository from its host, and no more of it. */
export class HeadFetch {
  readonly #identities: Identities
  readonly #outside: Outside

  constructor({ identities, outside }: HeadSource) {
    this.#identities = identities
    this.#outside = outside
  }

  /** Throws when the host does not have it, or what it has is not the account's. */
  async fetch({ did }: Pick<RepoState, 'did'>, signal: AbortSignal): Promise<FetchedHead> {
    await this.#identities.load([did])
    const identity = this.#identities.peek(did)
    if (!identity?.key || !identity.host) throw new Error(`nobody can say who ${did} is`)
    const { root, bytes } = await this.#commitBlock(identity.host, did, signal)
    const commit = decodeCommit(bytes)
    if (commit.did !== did || !verifyCommitSignature(commit, identity.key)) {
      // It may have moved, or changed its key: the next try asks.
      await this.#identities.refresh([did], '')
      throw new Error('the commit is not signed by the account')
    }
    const now = this.#outside.now()
    if (tidMicros(commit.rev) / 1000 > now + MAX_REV_AHEAD_MS) {
      throw new Error('the commit is from the future')
    }
    const { rev, data } = commit
    const time = new Date(now).toISOString()
    return {
      did,
      rev,
      commit: root,
      data,
      frame: (seq) => syncEvent({ did, rev, commit: root, commitBytes: bytes, seq, time }),
    }
  }

  async #commitBlock(host: string, did: string, signal: AbortSignal) {
    const url = `${host}/xrpc/com.atproto.sync.getRepo?did=${encodeURIComponent(did)}`
    const response = await this.#outside.fetch(url, {
      signal,
      timeoutMs: TIMEOUT_MS,
      maxResponseBytes: RESPONSE_BYTES_MAX,
    })
    if (!response.ok || !response.body) {
      await response.body?.cancel()
      throw new Error(`${host} answered ${response.status}`)
    }
    const { roots, blocks } = await readCarStream(response.body)
    const root = roots[0]
    if (!root) throw new Error('a repository file without a root')
    const bytes = await findBlock(blocks, root)
    if (!verifyCid(root, bytes)) throw new Error('the commit does not have its hash')
    return { root: root.slice(), bytes: bytes.slice() }
  }
}

async function findBlock(blocks: AsyncIterable<CarBlock[]>, cid: CidBytes): Promise<Uint8Array> {
  let searched = 0
  for await (const batch of blocks) {
    for (const block of batch) {
      if (equalBytes(block.cid, cid)) return block.bytes
      searched += block.bytes.length
    }
    if (searched > SEARCHED_BYTES_MAX) break
  }
  throw new Error('the commit is not in the repository file')
}
