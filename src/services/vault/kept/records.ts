/** Which files a record mentions, found without reading those that mention none. */
import { blobRefs, type CidBytes, decodeCbor } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'

export interface Mention {
  record: CidBytes
  blob: CidBytes
  size: number
}

/** `mimeType`, as every mention of a blob has it. */
const MARK = new TextEncoder().encode('mimeType')

/** The mentions of blobs in a record's block. One that cannot be read mentions nothing. */
export function mentionsIn(record: CidBytes, bytes: Uint8Array): Mention[] {
  if (!includes(bytes, MARK)) return []
  try {
    return blobRefs(decodeCbor(bytes)).map(({ cid, size }) => ({ record, blob: cid, size }))
  } catch (error) {
    if (error instanceof ProtocolError) return []
    throw error
  }
}

function includes(bytes: Uint8Array, mark: Uint8Array): boolean {
  const first = mark[0]!
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let same = 1
    while (same < mark.length && bytes[at + same] === mark[same]) same++
    if (same === mark.length) return true
  }
  return false
}
