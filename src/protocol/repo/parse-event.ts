import {
  type CidBytes,
  equalBytes,
  fromBytes,
  isBytes,
  isCidLink,
  linkBytes,
  readCar,
} from '#protocol/data'
import { type Did, isDatetime, isDid, isTid, type Tid } from '#protocol/syntax'
import { BlockMap } from './block-map.ts'
import { isRepoPath } from './keys.ts'
import { MAX_COMMIT_OPS, MAX_EVENT_BLOCKS_BYTES, type RepoOp } from './plan.ts'

/** A `#commit` as it came: its shape is checked, nothing it says is. */
export interface CommitEvent {
  seq: number
  repo: Did
  rev: Tid
  since: Tid | null
  /** CID of the commit's block: the one root of the CAR. */
  commit: CidBytes
  /** Absent in events of hosts from before inductive sync, and in a repository's first commit. */
  prevData?: CidBytes
  ops: RepoOp[]
  /** Blocks by CID; that a block has its CID's hash is not checked. */
  blocks: BlockMap
  tooBig: boolean
  time: string
}

/** A `#sync` as it came. */
export interface SyncEvent {
  seq: number
  did: Did
  rev: Tid
  commit: CidBytes
  blocks: BlockMap
  time: string
}

export type Parsed<E> =
  | { ok: true; event: E }
  | { ok: false; reason: 'malformed' | 'too-big'; detail: string }

/** The most blocks of a `#sync`, which carries one commit. */
const MAX_SYNC_BLOCKS_BYTES = 10_000

type Body = Record<string, unknown>

class Malformed extends Error {
  readonly reason: 'malformed' | 'too-big'
  constructor(detail: string, reason: 'malformed' | 'too-big' = 'malformed') {
    super(detail)
    this.reason = reason
  }
}

/** The `#commit` in the decoded body of a frame. Never throws. */
export function parseCommitEvent(body: unknown): Parsed<CommitEvent> {
  return parsed(body, readCommitEvent)
}

/** The `#sync` in the decoded body of a frame. Never throws. */
export function parseSyncEvent(body: unknown): Parsed<SyncEvent> {
  return parsed(body, readSyncEvent)
}

function parsed<E>(body: unknown, read: (body: Body) => E): Parsed<E> {
  try {
    if (typeof body !== 'object' || body === null) throw new Malformed('not a map')
    return { ok: true, event: read(body as Body) }
  } catch (error) {
    const reason = error instanceof Malformed ? error.reason : 'malformed'
    return { ok: false, reason, detail: error instanceof Error ? error.message : '' }
  }
}

function readCommitEvent(body: Body): CommitEvent {
  const { ops, since, prevData, tooBig } = body
  if (!Array.isArray(ops)) throw new Malformed('ops')
  if (ops.length > MAX_COMMIT_OPS) throw new Malformed('too many ops', 'too-big')
  if (tooBig !== undefined && typeof tooBig !== 'boolean') throw new Malformed('tooBig')
  const commit = readLink(body.commit, 'commit')
  const event: CommitEvent = {
    seq: readSeq(body.seq),
    repo: readDid(body.repo),
    rev: readTid(body.rev, 'rev'),
    since: since === null || since === undefined ? null : readTid(since, 'since'),
    commit,
    ops: ops.map(readOp),
    blocks: readBlocks(body.blocks, MAX_EVENT_BLOCKS_BYTES, commit).blocks,
    tooBig: tooBig === true,
    time: readTime(body.time),
  }
  if (prevData !== undefined && prevData !== null) event.prevData = readLink(prevData, 'prevData')
  return event
}

function readSyncEvent(body: Body): SyncEvent {
  const { blocks, root } = readBlocks(body.blocks, MAX_SYNC_BLOCKS_BYTES)
  return {
    seq: readSeq(body.seq),
    did: readDid(body.did),
    rev: readTid(body.rev, 'rev'),
    commit: root,
    blocks,
    time: readTime(body.time),
  }
}

function readOp(value: unknown): RepoOp {
  if (typeof value !== 'object' || value === null) throw new Malformed('an op')
  const { action, path, cid, prev } = value as Body
  if (action !== 'create' && action !== 'update' && action !== 'delete') {
    throw new Malformed('the action of an op')
  }
  if (typeof path !== 'string' || !isRepoPath(path)) throw new Malformed('the path of an op')
  return {
    action,
    path,
    cid: cid === null || cid === undefined ? null : readLink(cid, 'the cid of an op'),
    prev: prev === null || prev === undefined ? null : readLink(prev, 'the prev of an op'),
  }
}

/** The blocks of a CAR and its first root, which must be the commit if that is known. */
function readBlocks(
  value: unknown,
  maxBytes: number,
  commit?: CidBytes,
): { blocks: BlockMap; root: CidBytes } {
  if (!isBytes(value)) throw new Malformed('blocks')
  const bytes = fromBytes(value)
  if (bytes.length > maxBytes) throw new Malformed('blocks too large', 'too-big')
  const car = readCar(bytes)
  const root = car.roots[0]
  if (root === undefined || (commit !== undefined && !equalBytes(root, commit))) {
    throw new Malformed('the root of the blocks is not the commit')
  }
  const blocks = new BlockMap()
  for (const block of car.blocks) blocks.add(block.cid, block.bytes)
  return { blocks, root }
}

function readSeq(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Malformed('seq')
}

function readDid(value: unknown): Did {
  if (typeof value === 'string' && isDid(value)) return value
  throw new Malformed('the DID')
}

function readTid(value: unknown, what: string): Tid {
  if (typeof value === 'string' && isTid(value)) return value
  throw new Malformed(what)
}

function readTime(value: unknown): string {
  if (typeof value === 'string' && isDatetime(value)) return value
  throw new Malformed('time')
}

function readLink(value: unknown, what: string): CidBytes {
  if (isCidLink(value)) return linkBytes(value)
  throw new Malformed(what)
}
