import type { Did, Tid } from '#protocol/syntax'

/** What became of one account. */
export interface AdoptedAccount {
  did: Did
  handle: string
  status: 'active' | 'deactivated' | 'takendown'
  /** Why it was not taken over. */
  refused?: string
  records: number
  blobs: number
  blobBytes: number
  /** Blobs that records mention and whose bytes are not there, or are not theirs. */
  missingBlobs: { count: number; cids: string[] }
  /** Of the repository, as it was found and verified. */
  root?: string
  rev?: Tid
  preferences: number
  sessions: number
  appPasswords: number
  takedowns: number
  /** What differs from before, in words. */
  notes: string[]
}

export interface AdoptionReport {
  /** All accounts of the source. */
  accounts: number
  adopted: number
  refused: number
  records: number
  blobs: number
  blobBytes: number
  missingBlobs: number
  invites: number
  reservedKeys: number
  sessions: number
  appPasswords: number
  /** Events that can be replayed here, with the seq they had. */
  events: number
  /** The newest event of the source: readers go on from there. */
  lastSeq: number
  notes: string[]
}
