/** The parts of a vault that answer calls. Types only: `index.ts` builds them. */
import type { Outside } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { CachedDirectory } from '#protocol/identity'
import type { Callers } from './auth/index.ts'
import type { VaultConfig } from './config.ts'
import type { Drills } from './drills/index.ts'
import type { Hosts } from './following/index.ts'
import type {
  Accounts,
  Damaged,
  Instants,
  KeptAccount,
  KeptBlobs,
  Packs,
  PrivateStates,
} from './kept/index.ts'
import type { Proven, Witness } from './lease/index.ts'
import type { Views } from './views.ts'

/** What answers for leases; needs nothing else of a vault. */
export interface LeaseParts {
  proven: Proven
  witness: Witness
}

export interface Vault extends LeaseParts {
  accounts: Accounts
  blobs: KeptBlobs
  callers: Callers
  config: Pick<VaultConfig, 'openVault' | 'windowDays'>
  did: string
  directory: CachedDirectory
  drills: Drills
  hosts: Hosts
  instants: Instants
  outside: Outside
  packs: Packs
  privateStates: PrivateStates
  sql: Sql
  views: Views
  /** What was found damaged is given up and fetched again. */
  damaged(account: KeptAccount, damage: Damaged): void
  /** Has jobs that were just asked for begin. */
  asked(): void
}
