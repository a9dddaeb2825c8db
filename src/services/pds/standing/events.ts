import { encodeCbor } from '#protocol/data'
import type { Did, Handle } from '#protocol/syntax'
import { encodeFrame } from '#protocol/xrpc'
import type { AccountStatus, Accounts } from '../accounts/index.ts'
import { type Change, Kind } from '../journal/index.ts'

/** Builds the journal's changes of an account's standing: the frame and its projection. */
export class StandingEvents {
  readonly #accounts: Accounts
  readonly #now: () => number

  constructor({ accounts, now }: { accounts: Accounts; now: () => number }) {
    this.#accounts = accounts
    this.#now = now
  }

  #time(): string {
    return new Date(this.#now()).toISOString()
  }

  /** `#identity`: the DID document or the handle changed. */
  identity(did: Did, handle: Handle): Change {
    const time = this.#time()
    return {
      did,
      kind: Kind.identity,
      make: (seq) => encodeFrame('#identity', { did, handle, seq, time }),
      directory: (seq) => this.#accounts.projectHandle(did, handle, seq),
    }
  }

  /** `#account`: hosted and active, or not and why. */
  account(did: Did, status: AccountStatus): Change {
    const time = this.#time()
    const active = status === 'active'
    const body = active ? { active, did } : { active, did, status }
    return {
      did,
      kind: Kind.account,
      make: (seq) => encodeFrame('#account', { ...body, seq, time }),
      directory: projectStanding(this.#accounts, did, status),
    }
  }

  /** The standing of an account that the network need not hear of: it moves in. */
  quietAccount(did: Did, status: AccountStatus): Change {
    return {
      did,
      kind: Kind.quietAccount,
      make: () => encodeCbor({ status }),
      directory: projectStanding(this.#accounts, did, status),
    }
  }
}

/** What a change of standing does to the directory. */
export const projectStanding =
  (
    accounts: Pick<Accounts, 'projectDeletion' | 'projectStatus'>,
    did: Did,
    status: AccountStatus,
  ) =>
  (seq: number) =>
    status === 'deleted'
      ? accounts.projectDeletion(did, seq)
      : accounts.projectStatus(did, status, seq)
