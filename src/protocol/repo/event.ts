/** The events of a repository as whole frames of `com.atproto.sync.subscribeRepos`. */
import { type CidBytes, carBlockLength, carHeader } from '#protocol/data'
import type { Did, Tid } from '#protocol/syntax'
import {
  CborWriter,
  LINK_BYTES,
  MAJOR_ARRAY,
  MAJOR_BYTES,
  MAJOR_MAP,
  MAJOR_NUMBER,
} from './cbor-writer.ts'
import type { CommitPlan, RepoOp } from './plan.ts'
import type { Block } from './tree.ts'

/** All names and heads of a frame, its rev, since and time. */
const FIXED_BYTES = 320
/** Of an operation: names, heads, action. */
const OP_BYTES = 64

/**
 * The whole `#commit` frame, header and body, in its canonical encoding. `since` and `prevData`
 * default to the plan's. `time`: a datetime. https://atproto.com/specs/sync#firehose
 */
export function commitEvent(input: {
  plan: CommitPlan
  seq: number
  time: string
  since?: Tid | null
  prevData?: CidBytes | null
  blobs?: readonly CidBytes[]
}): Uint8Array {
  const { plan, seq, time, since = plan.since, prevData = plan.prevData, blobs = [] } = input
  const { did, rev, commit } = plan.head
  const car = carLength(plan.blocks)
  const opsBytes = plan.ops.length * (OP_BYTES + 2 * LINK_BYTES) + pathBytes(plan.ops)
  const size = FIXED_BYTES + did.length + opsBytes + (blobs.length + 2) * LINK_BYTES + car
  const out = new CborWriter(new Uint8Array(size))
  frameHeader(out, '#commit')
  out.head(MAJOR_MAP, prevData === null ? 11 : 12)
  out.text('ops')
  out.head(MAJOR_ARRAY, plan.ops.length)
  for (const op of plan.ops) writeOp(out, op)
  out.text('rev')
  out.text(rev)
  out.text('seq')
  out.head(MAJOR_NUMBER, seq)
  out.text('repo')
  out.text(did)
  out.text('time')
  out.text(time)
  out.text('blobs')
  out.head(MAJOR_ARRAY, blobs.length)
  for (const blob of blobs) out.link(blob)
  out.text('since')
  out.textOrNull(since)
  out.text('blocks')
  writeCar(out, commit, plan.blocks, car)
  out.text('commit')
  out.link(commit)
  out.text('rebase')
  out.false()
  out.text('tooBig')
  out.false()
  if (prevData !== null) {
    out.text('prevData')
    out.link(prevData)
  }
  return out.done()
}

/** The whole `#sync` frame: it states a repository's head without telling how it came about. */
export function syncEvent(input: {
  did: Did
  rev: Tid
  commit: CidBytes
  commitBytes: Uint8Array
  seq: number
  time: string
}): Uint8Array {
  const { did, rev, commit, commitBytes, seq, time } = input
  const blocks: Block[] = [[commit, commitBytes]]
  const car = carLength(blocks)
  const out = new CborWriter(new Uint8Array(FIXED_BYTES + did.length + car))
  frameHeader(out, '#sync')
  out.head(MAJOR_MAP, 5)
  out.text('did')
  out.text(did)
  out.text('rev')
  out.text(rev)
  out.text('seq')
  out.head(MAJOR_NUMBER, seq)
  out.text('time')
  out.text(time)
  out.text('blocks')
  writeCar(out, commit, blocks, car)
  return out.done()
}

function frameHeader(out: CborWriter, type: string): void {
  out.head(MAJOR_MAP, 2)
  out.text('t')
  out.text(type)
  out.text('op')
  out.head(MAJOR_NUMBER, 1)
}

function writeOp(out: CborWriter, op: RepoOp): void {
  out.head(MAJOR_MAP, op.prev === null ? 3 : 4)
  out.text('cid')
  out.linkOrNull(op.cid)
  out.text('path')
  out.text(op.path)
  if (op.prev !== null) {
    out.text('prev')
    out.link(op.prev)
  }
  out.text('action')
  out.text(op.action)
}

function pathBytes(ops: readonly RepoOp[]): number {
  let length = 0
  for (const op of ops) length += op.path.length
  return length
}

/** The header of a CAR with one root differs in the root alone. */
const HEADER = carHeader([new Uint8Array(36)])
const ROOT_IN_HEADER = HEADER.length - 36 - '\x67version\x01'.length

function carLength(blocks: readonly Block[]): number {
  let length = HEADER.length
  for (const [, bytes] of blocks) length += carBlockLength(bytes.length)
  return length
}

function writeCar(out: CborWriter, root: CidBytes, blocks: readonly Block[], length: number): void {
  out.head(MAJOR_BYTES, length)
  const start = out.at
  out.raw(HEADER)
  out.bytes.set(root, start + ROOT_IN_HEADER)
  for (const [cid, bytes] of blocks) {
    out.varint(cid.length + bytes.length)
    out.raw(cid)
    out.raw(bytes)
  }
}
