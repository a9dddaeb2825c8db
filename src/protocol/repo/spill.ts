import { ByteMap, type CidBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { BlockMap } from './block-map.ts'

/** A record of a repository. `bytes`, its block, is a view of what was read. */
export interface RepoRecord {
  path: string
  cid: CidBytes
  bytes: Uint8Array
}

/**
 * Where blocks wait that come before their turn: the caller's, as only it knows how many it can
 * keep. `get` is also asked for records given out before, as one record may stand at many paths and
 * its block come once: answer from what was made of them. Both may be synchronous; `get` then costs
 * no turn of the event loop.
 */
export interface Spill {
  put(cid: CidBytes, bytes: Uint8Array): void | Promise<void>
  get(cid: CidBytes): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** Told of each record, if wanted, before it is given out. */
  given?(record: RepoRecord): void
}

/**
 * A spill in memory, of at most `maxBytes`, by default 64 MiB; 'TooLarge' when so much waits for its
 * turn. In what room is left it keeps the records given out last, for those that come again.
 */
export function memorySpill(maxBytes = 64 * 1024 * 1024): Spill {
  const waiting = new BlockMap()
  const past = new ByteMap<Uint8Array>()
  let pastBytes = 0
  function makeRoom(): void {
    for (const [cid, bytes] of past) {
      if (waiting.byteCount + pastBytes <= maxBytes) return
      past.delete(cid)
      pastBytes -= bytes.length
    }
  }
  return {
    put(cid, bytes) {
      waiting.add(cid, bytes)
      if (waiting.byteCount > maxBytes) {
        throw new ProtocolError('TooLarge', 'too many blocks out of order to keep in memory')
      }
      makeRoom()
    },
    get: (cid) => waiting.get(cid) ?? past.get(cid),
    given({ cid, bytes }) {
      if (past.has(cid) || waiting.has(cid)) return
      past.set(cid, bytes)
      pastBytes += bytes.length
      makeRoom()
    },
  }
}
