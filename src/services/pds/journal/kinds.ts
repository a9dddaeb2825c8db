/** What a journal entry is. Kinds below 16 are events that `subscribeRepos` sends, byte for byte. */
export const Kind = {
  /** A `#commit` frame. */
  commit: 1,
  /** A `#sync` frame. */
  sync: 2,
  /** An `#identity` frame. */
  identity: 3,
  /** An `#account` frame. */
  account: 4,
  /** A `#commit` frame of an account that is not active: applied, never sent. */
  quietCommit: 16,
  /** Sealed preferences. */
  preferences: 17,
  /** The switch to an imported generation of the account's file. */
  importSwitch: 18,
  /** An account's standing before the network is told of it: `{ status }` in CBOR. */
  quietAccount: 19,
  /** A blob taken in after the record that mentions it: `{ cid, mimeType, size, uploadedMs }`. */
  blob: 20,
  /** Nothing: a seq of the host whose place was taken, where it had no event. */
  gap: 21,
} as const

export type Kind = (typeof Kind)[keyof typeof Kind]

export const isPublic = (kind: number): boolean => kind < 16
