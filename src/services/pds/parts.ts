/** The parts of a PDS, as methods pick them. Types only: `index.ts` builds them. */
import type { Sealer } from '#platform/runtime'
import type { CachedDirectory } from '#protocol/identity'
import type { TidClock } from '#protocol/syntax'
import type { AccountFiles } from './account-files/index.ts'
import type { Accounts, Invites, ReservedKeys } from './accounts/index.ts'
import type { AccountBlobs } from './blobs/index.ts'
import type { Devices } from './devices/index.ts'
import type { Exports } from './exports/index.ts'
import type { Factors, Passkeys } from './factors/index.ts'
import type { Fleets } from './fleets/index.ts'
import type { HandleProofReader, Handles } from './handles/index.ts'
import type { Host } from './host/index.ts'
import type { HostedDids } from './hosted-dids/index.ts'
import type { IdentityAlarms, Undoing } from './identity-watch/index.ts'
import type { Imports } from './imports/index.ts'
import type { Checkpoints, Journal, Recovery } from './journal/index.ts'
import type { Lease } from './lease/index.ts'
import type { Mail } from './mail/index.ts'
import type { HeldWrites, Moves, OtherHosts } from './moves/index.ts'
import type { OAuth } from './oauth/index.ts'
import type { Audit, Operators } from './operators/index.ts'
import type { PlcAgent } from './plc/index.ts'
import type { Preferences } from './preferences/index.ts'
import type { ServiceProxy } from './proxy/index.ts'
import type { RecoveryKeys } from './recovery-keys/index.ts'
import type { Repos } from './repos/index.ts'
import type { Rescues } from './rescues/index.ts'
import type { Callers, Codes, Passwords, Sessions, SignIns } from './sign-in/index.ts'
import type { StandbyHost } from './standby/index.ts'
import type { KeyChanges, Standing } from './standing/index.ts'
import type { Suspensions, Takedowns } from './takedowns/index.ts'
import type { VaultGrants } from './vault-grants/index.ts'

export interface Pds {
  host: Host
  accounts: Accounts
  files: AccountFiles
  repos: Repos
  blobs: AccountBlobs
  checkpoints: Checkpoints
  journal: Journal
  recovery: Recovery
  exports: Exports
  imports: Imports
  standing: Standing
  takedowns: Takedowns
  suspensions: Suspensions
  operators: Operators
  audit: Audit
  sessions: Sessions
  oauth: OAuth
  passwords: Passwords
  codes: Codes
  devices: Devices
  factors: Factors
  passkeys: Passkeys
  signIns: SignIns
  sealer: Sealer
  callers: Callers
  preferences: Preferences
  proxy: ServiceProxy
  plc: PlcAgent
  alarms: IdentityAlarms
  hostedDids: HostedDids
  undoing: Undoing
  directory: CachedDirectory
  mail: Mail
  /** The right to write, where it has to be had from a witness. */
  lease: Lease | undefined
  moves: Moves
  fleets: Fleets
  otherHosts: OtherHosts
  heldWrites: HeldWrites
  handles: Handles
  handleProofs: HandleProofReader
  invites: Invites
  keys: ReservedKeys
  keyChanges: KeyChanges
  recoveryKeys: RecoveryKeys
  rescues: Rescues
  standby: StandbyHost | undefined
  standbySecret: string | undefined
  vaultGrants: VaultGrants
  clock: TidClock
  now: () => number
  random: (byteCount: number) => Uint8Array
}
