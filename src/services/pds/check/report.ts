import type { Did } from '#protocol/syntax'

/** What can be wrong with an account's file: a closed set. */
export type ProblemKind =
  /** There is no file, or it is no database any more. */
  | 'unreadable'
  /** The database's own structure is damaged. */
  | 'damaged-file'
  /** Records whose bytes are not what their hash says. */
  | 'damaged-records'
  /** The records do not give the signed tree. */
  | 'wrong-tree'
  /** The commit is not this account's, or not that of the tree. */
  | 'wrong-commit'
  /** The account's key did not sign it. */
  | 'wrong-signature'
  /** The stored nodes are not those of the tree. */
  | 'wrong-nodes'
  /** The file does not follow the journal. */
  | 'behind-journal'
  /** The file reflects what the journal does not have: its end was lost. */
  | 'ahead-of-journal'
  /** Which records mention which blobs is noted wrongly. */
  | 'wrong-blob-references'
  /** Blobs that were here and are not, or not as they were. */
  | 'damaged-blobs'
  /** The preferences cannot be opened with the account's key. */
  | 'sealed-preferences'

export interface Problem {
  kind: ProblemKind
  detail: string
}

export type Repair =
  /** Applied again from the journal. */
  | 'replayed'
  /** A copy of the file was put in its place, and followed up from the journal. */
  | 'restored'
  /** Built anew from what could be read, under a new commit, announced by `#sync`. */
  | 'rebuilt'
  /** What follows from the records was made again. */
  | 'derived'
  /** A fresh commit was announced by `#sync`. */
  | 'announced'

/** What a check of one account found, and what was done about it. */
export interface AccountReport {
  did: Did
  handle: string
  status: string
  /** Sound now. */
  ok: boolean
  records: number
  blobs: number
  /** Blobs that records mention and that nobody has brought here: no fault of this host's. */
  missingBlobs: number
  problems: readonly Problem[]
  repairs: readonly Repair[]
  /** What a repair could not bring back, by name. */
  lost: readonly string[]
}
