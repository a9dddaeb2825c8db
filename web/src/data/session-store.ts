/** Where sessions are kept on this device. */

export interface Stored {
  did: string
  handle: string
  /** The origin of the person's own host. */
  pds: string
  email?: string
  accessJwt: string
  refreshJwt: string
  /** The account's standing when it is not active: `deactivated`, `takendown`, … */
  status?: string
  /** Its tokens are no longer taken: the person has to sign in again. */
  expired?: boolean
  /** The account lives at another host now, by its own identity document. */
  movedTo?: string
}

export interface Kept {
  sessions: Stored[]
  active?: string
}

const key = 'falaj.sessions'

/** Reads and writes the sessions; where storage is refused they last as long as the page. */
export function sessionStore(): { read(): Kept; write(kept: Kept): void } {
  let memory: Kept = { sessions: [] }
  return {
    read() {
      try {
        const text = localStorage.getItem(key)
        if (text === null) return memory
        const kept = JSON.parse(text) as Kept
        return Array.isArray(kept.sessions) ? kept : { sessions: [] }
      } catch {
        return memory
      }
    },
    write(kept) {
      memory = kept
      try {
        localStorage.setItem(key, JSON.stringify(kept))
      } catch {}
    },
  }
}
