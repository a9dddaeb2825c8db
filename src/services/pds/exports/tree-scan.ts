/**
 * A stored tree with its records, read as one scan. Nodes and records lie in the order of a walk;
 * the engine merges them and hands out hundreds of blocks as one value, as rows cost more than bytes.
 */
import { type SqliteReader, StorageError } from '#platform/storage'
import type { CidBytes } from '#protocol/data'
import { WalkOrder } from '#protocol/repo'
import { CarChunks } from './car-chunks.ts'

/** Records of one scan: some 150 KB, and about a millisecond of work. */
const SCAN_RECORDS = 512
/** Larger blocks are read one by one, so that a scan stays below 3 MB whatever is in it. */
const LARGE_BYTES = 4096

/** A node as a block. Text to the engine if it were not said. */
const NODE = 'CAST(cid || bytes AS BLOB)'

/** The first path of the next scan; with it, a scan takes in what lies between two paths. */
const BOUND = 'SELECT path FROM records WHERE path > ? ORDER BY path LIMIT 1 OFFSET ?'

/** Blocks with room for their lengths, the lengths, and where the large ones are, which are left out. */
const scanSql = (range: string) => `
SELECT
  CAST(group_concat(
    CASE WHEN size > ${LARGE_BYTES} THEN '' ELSE substr(x'0000', 1, 1 + (size > 127)) || block END, ''
  ) AS BLOB) AS bytes,
  '[' || group_concat(size) || ']' AS sizes,
  group_concat(CASE WHEN size > ${LARGE_BYTES} THEN path || ' ' || rank END) AS large
FROM (
  SELECT path, rank, block, length(block) AS size FROM (
    SELECT path, rank, ${NODE} AS block FROM nodes WHERE ${range}
    UNION ALL SELECT path, 0, block FROM records WHERE ${range}
    ORDER BY 1, 2
  )
)`
const BETWEEN = scanSql('path > ?1 AND path <= ?2')
const TO_THE_END = scanSql('path > ?1')

interface Row {
  block: Uint8Array
}

interface Scan {
  bytes: Uint8Array
  /** JSON: a list of numbers. */
  sizes: string | null
  /** Path and rank of each large block. */
  large: string | null
}

/**
 * The blocks of the tree with this root and its records, as parts of a CAR, in the order of a walk.
 * Throws StorageError Corrupt when they are not those that the tree says.
 */
export function* scannedTree(reader: SqliteReader, root: CidBytes): Generator<Uint8Array> {
  const order = new WalkOrder(root)
  // No path is empty, but that of the one node of a tree without records.
  const empty = reader.get<Row>(`SELECT ${NODE} AS block FROM nodes WHERE path = ''`)
  if (empty) yield* oneBlock(order, empty.block)
  let after = ''
  for (;;) {
    const bound = reader.get<{ path: string }>(BOUND, [after, SCAN_RECORDS])?.path
    const scan = bound
      ? reader.get<Scan>(BETWEEN, [after, bound])
      : reader.get<Scan>(TO_THE_END, [after])
    yield* framed(reader, order, scan!)
    if (!bound) break
    after = bound
  }
  if (!order.isAtEnd())
    throw new StorageError('Corrupt', 'the tree has more blocks than are stored')
}

/** Writes the length of each block before it, and puts the large ones in their places. */
function* framed(reader: SqliteReader, order: WalkOrder, scan: Scan): Generator<Uint8Array> {
  if (scan.sizes === null) return
  const { bytes } = scan
  const large = scan.large?.split(',') ?? []
  let from = 0
  let at = 0
  for (const size of JSON.parse(scan.sizes) as number[]) {
    if (size > LARGE_BYTES) {
      if (at > from) yield bytes.subarray(from, at)
      from = at
      yield* oneBlock(order, largeBlock(reader, large.shift()!))
      continue
    }
    if (size > 0x7f) {
      bytes[at++] = (size & 0x7f) | 0x80
      bytes[at++] = size >>> 7
    } else bytes[at++] = size
    if (!order.take(bytes, at, at + size)) throw outOfOrder()
    at += size
  }
  if (at > from) yield bytes.subarray(from, at)
}

function largeBlock(reader: SqliteReader, place: string): Uint8Array {
  const [path, rank] = place.split(' ') as [string, string]
  const row =
    rank === '0'
      ? reader.get<Row>('SELECT block FROM records WHERE path = ?', [path])
      : reader.get<Row>(`SELECT ${NODE} AS block FROM nodes WHERE path = ? AND rank = ?`, [
          path,
          Number(rank),
        ])
  return row!.block
}

function* oneBlock(order: WalkOrder, block: Uint8Array): Generator<Uint8Array> {
  if (!order.take(block, 0, block.byteLength)) throw outOfOrder()
  const out = new CarChunks()
  out.whole(block)
  yield out.take(1)!
}

const outOfOrder = () =>
  new StorageError('Corrupt', 'a stored block is not the one that the tree has in its place')
