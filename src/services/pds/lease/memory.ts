/** What a host's data know of leases: on the disk beside them, and copied with them. */
export interface LeaseNote {
  /** The newest epoch all of whose writes are in these data; 0 before any. */
  epoch: number
  /** Asked for, and the answer not seen yet. */
  claim: string | undefined
}

/** Where the note is kept. `write` resolves when it survives a power cut. */
export interface LeaseMemory {
  read(): Promise<LeaseNote>
  write(note: LeaseNote): Promise<void>
}
