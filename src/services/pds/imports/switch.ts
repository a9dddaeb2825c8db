import type { Bytes, CidLink } from '#protocol/data'
import {
  cidLink,
  decodeCbor,
  encodeCbor,
  equalBytes,
  fromBytes,
  linkBytes,
  toBytes,
} from '#protocol/data'
import type { Tid } from '#protocol/syntax'
import type { AccountFile, FileHead } from '../account-files/index.ts'

/** The journal's word for "from now on this generation counts, with this head". */
export interface ImportSwitch {
  generation: number
  head: FileHead
}

interface Stored {
  generation: number
  rev: Tid
  commit: CidLink
  data: CidLink
  bytes: Bytes
  announcedRev: Tid | null
  /** Absent in older entries: false. */
  diverged?: boolean
}

/** Begins the staged generation. Throws when what was staged is not in the file: it was lost. */
export const applySwitch = (head: FileHead) => (file: AccountFile) => {
  const root = file.nodesRoot()
  if (!root || !equalBytes(root, head.data)) throw new Error(`${file.path} lacks what was imported`)
  file.setHead(head)
}

export function encodeSwitch({ generation, head }: ImportSwitch): Uint8Array {
  const stored: Stored = {
    generation,
    rev: head.rev,
    commit: cidLink(head.commit),
    data: cidLink(head.data),
    bytes: toBytes(head.bytes),
    announcedRev: head.announcedRev ?? null,
    diverged: head.diverged,
  }
  return encodeCbor(stored)
}

export function decodeSwitch(payload: Uint8Array): ImportSwitch {
  const stored = decodeCbor(payload) as Stored
  const head = {
    rev: stored.rev,
    commit: linkBytes(stored.commit),
    data: linkBytes(stored.data),
    bytes: fromBytes(stored.bytes),
    announcedRev: stored.announcedRev ?? undefined,
    diverged: stored.diverged === true,
  }
  return { generation: stored.generation, head }
}
