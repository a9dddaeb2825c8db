/** A hash in the making. */
export interface Hasher {
  update(bytes: Uint8Array): void
  /** The hash of all that came. Once. */
  digest(): Uint8Array
}
