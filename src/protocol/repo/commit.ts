import type { PublicKey, SigningKey } from '#protocol/crypto'
import { type CidBytes, decodeCbor, fromBytes, isBytes, isCidLink, linkBytes } from '#protocol/data'
import { type Did, isDid, isTid, ProtocolError, type Tid } from '#protocol/syntax'
import { CborWriter, MAJOR_MAP } from './cbor-writer.ts'

/** What a commit says, before it is signed. https://atproto.com/specs/repository#commit-objects */
export interface UnsignedCommit {
  did: Did
  rev: Tid
  /** Root of the tree. */
  data: CidBytes
}

/** A signed commit of repository version 3; `rev` is empty only in a version 2 commit without one. */
export interface Commit extends UnsignedCommit {
  version: 2 | 3
  /** A leftover of version 2; null in all commits made today. */
  prev: CidBytes | null
  sig: Uint8Array
}

/** State of a repository as its newest commit gives it. */
export interface RepoHead {
  did: Did
  rev: Tid
  /** CID of the commit itself. */
  commit: CidBytes
  /** Root of its tree. */
  data: CidBytes
}

/** A DID has at most 2048 characters. */
const MAX_COMMIT_BYTES = 4096
/** Everything but the DID: names, heads, links, rev, signature. */
const FIXED_BYTES = 256

/** The signed block of a commit of version 3, signed with the repository's key. */
export function encodeCommit(unsigned: UnsignedCommit, key: SigningKey): Uint8Array {
  const commit = { ...unsigned, version: 3 as const, prev: null }
  const sig = key.sign(encodeFields(commit))
  return encodeFields(commit, sig)
}

/** Whether the repository's key signed this commit. */
export function verifyCommitSignature(commit: Commit, key: PublicKey): boolean {
  return key.verify(encodeFields(commit), commit.sig)
}

/** Where the unsigned form is written: nobody keeps it. */
const unsignedScratch = new Uint8Array(MAX_COMMIT_BYTES)

function encodeFields(commit: Omit<Commit, 'sig'>, sig?: Uint8Array): Uint8Array {
  const { did, rev, data, prev, version } = commit
  const size = FIXED_BYTES + did.length
  const out = new CborWriter(
    sig || size > MAX_COMMIT_BYTES ? new Uint8Array(size) : unsignedScratch,
  )
  const hasRev = rev !== ''
  out.head(MAJOR_MAP, 4 + Number(hasRev) + Number(sig !== undefined))
  out.text('did')
  out.text(did)
  if (hasRev) {
    out.text('rev')
    out.text(rev)
  }
  if (sig !== undefined) {
    out.text('sig')
    out.byteString(sig)
  }
  out.text('data')
  out.link(data)
  out.text('prev')
  out.linkOrNull(prev)
  out.text('version')
  out.head(0, version)
  return out.done()
}

/**
 * The commit of a block. Throws ProtocolError 'InvalidCommit' unless it is canonical and has exactly
 * the fields of version 3; with `version2`, also one of version 2, whose `rev` may be missing.
 */
export function decodeCommit(bytes: Uint8Array, options: { version2?: boolean } = {}): Commit {
  const commit = readFields(bytes)
  if (commit.version === 2 && !options.version2) {
    throw new ProtocolError('InvalidCommit', 'a repository of version 2')
  }
  return commit
}

function readFields(bytes: Uint8Array): Commit {
  if (bytes.length > MAX_COMMIT_BYTES) throw invalidCommit('too large')
  let value: unknown
  try {
    value = decodeCbor(bytes)
  } catch (cause) {
    throw new ProtocolError('InvalidCommit', 'a commit that is not DAG-CBOR', { cause })
  }
  return checkFields(value as Record<string, unknown>)
}

function invalidCommit(what: string): ProtocolError {
  return new ProtocolError('InvalidCommit', `not a commit: ${what}`)
}

function checkFields(value: Record<string, unknown>): Commit {
  if (typeof value !== 'object' || value === null) throw invalidCommit('not a map')
  const { did, rev = '', sig, data, prev, version } = value
  if (typeof did !== 'string' || !isDid(did)) throw invalidCommit('its did')
  if (version !== 2 && version !== 3) throw invalidCommit('its version')
  const hasRev = typeof rev === 'string' && isTid(rev)
  if (!hasRev && !(version === 2 && rev === '')) throw invalidCommit('its rev')
  if (!isBytes(sig)) throw invalidCommit('its signature')
  if (!isCidLink(data)) throw invalidCommit('its data')
  if (prev !== null && !isCidLink(prev)) throw invalidCommit('its prev')
  if (Object.keys(value).length !== (hasRev ? 6 : 5)) throw invalidCommit('its fields')
  return {
    did,
    rev,
    sig: fromBytes(sig),
    data: linkBytes(data),
    prev: prev === null ? null : linkBytes(prev),
    version,
  }
}
