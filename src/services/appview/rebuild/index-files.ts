import type { Sql } from '#platform/storage'

/** The files that an index may be in, so that another can be filled beside the one that serves. */
export interface IndexFiles {
  /** The one that was opened at the start. */
  current: string
  /** Opens one, made and migrated where it is not there. */
  open(name: string): Promise<Sql>
  /** From now on this one is opened at a start. Atomic, and durable when it resolves. */
  choose(name: string): Promise<void>
  /** Erases every file of an index but these. */
  keepOnly(names: readonly string[]): Promise<void>
  /** How large one is, and how many bytes are free beside it. */
  room(name: string): Promise<{ bytes: number; freeBytes: number }>
}
