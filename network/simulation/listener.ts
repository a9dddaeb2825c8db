/** Who hears everything a host announces, and believes nothing: order, signatures, chains, repetition. */
import assert from 'node:assert/strict'
import type { PublicKey } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import {
  parseCommitEvent,
  parseSyncEvent,
  type RepoHead,
  verifyCommitEvent,
  verifySyncEvent,
} from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import { decodeFrame } from '#protocol/xrpc'

/** The future, for whoever asks whether a rev lies in it: clocks jump here. */
const FAR_MS = Date.UTC(2100, 0, 1)

export class Listener {
  readonly #keyOf: (did: Did) => Promise<PublicKey>
  readonly #keys = new Map<Did, PublicKey>()
  readonly #announced = new Set<string>()
  /** What each account's repository was last said to be. */
  readonly heads = new Map<Did, RepoHead>()
  /** What each account's standing was last said to be. */
  readonly standing = new Map<Did, string>()
  /** Frames by seq, as they were first heard. */
  readonly heard = new Map<number, string>()
  lastSeq = 0

  constructor(keyOf: (did: Did) => Promise<PublicKey>) {
    this.#keyOf = keyOf
  }

  has(did: Did, rev: string): boolean {
    return this.#announced.has(`${did} ${rev}`)
  }

  async hear(frame: Uint8Array): Promise<void> {
    const decoded = decodeFrame(frame)
    assert.ok('type' in decoded, 'no error frame')
    const { type, body: anyBody } = decoded
    if (type === '#info') return
    const body = anyBody as {
      seq: number
      did?: Did
      repo?: Did
      active?: boolean
      status?: string
    }
    assert.ok(body.seq > this.lastSeq, `${body.seq} comes after ${this.lastSeq}`)
    this.lastSeq = body.seq
    const did = (body.repo ?? body.did)!
    this.heard.set(body.seq, `${type} ${did}`)
    if (type === '#account') this.standing.set(did, body.active ? 'active' : String(body.status))
    if (type === '#sync') await this.#hearSync(body)
    if (type === '#commit') await this.#hearCommit(did, body)
  }

  async #key(did: Did): Promise<PublicKey> {
    const known = this.#keys.get(did) ?? (await this.#keyOf(did))
    this.#keys.set(did, known)
    return known
  }

  async #hearSync(body: unknown): Promise<void> {
    const parsed = parseSyncEvent(body)
    assert.ok(parsed.ok, 'a #sync is well formed')
    const { did, rev } = parsed.event
    const verdict = verifySyncEvent(parsed.event, { key: await this.#key(did), nowMs: FAR_MS })
    assert.ok(verdict.ok, `a #sync of ${did}: ${verdict.ok ? '' : verdict.reason}`)
    const before = this.heads.get(did)
    assert.ok(!before || rev >= before.rev, 'a #sync never goes back')
    this.heads.set(did, verdict.head)
  }

  async #hearCommit(did: Did, body: unknown): Promise<void> {
    const parsed = parseCommitEvent(body)
    assert.ok(parsed.ok, 'a #commit is well formed')
    const { event } = parsed
    const previous = this.heads.get(did)
    const verdict = verifyCommitEvent(event, {
      key: await this.#key(did),
      nowMs: FAR_MS,
      ...(previous && { previous }),
    })
    assert.ok(verdict.ok, `a commit of ${did}: ${verdict.ok ? '' : verdict.reason}`)
    this.heads.set(did, verdict.head)
    const name = `${did} ${event.rev}`
    assert.ok(!this.#announced.has(name), `announced twice: ${name} ${cidText(event.commit)}`)
    this.#announced.add(name)
  }
}
