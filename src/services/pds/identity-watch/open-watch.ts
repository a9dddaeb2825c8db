import type { Log, Loop, Metrics, Outside, Subscribe } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { CachedDirectory, PlcClient } from '#protocol/identity'
import type { Accounts } from '../accounts/index.ts'
import type { Mail } from '../mail/index.ts'
import type { PlcAgent } from '../plc/index.ts'
import type { RecoveryKeys } from '../recovery-keys/index.ts'
import type { Standing } from '../standing/index.ts'
import { alarmLetters } from './alarm-letters.ts'
import { IdentityAlarms } from './identity-alarms.ts'
import { IdentityWatch } from './identity-watch.ts'
import type { MadeOperations } from './made-operations.ts'
import { Undoing } from './undoing.ts'

export interface WatchOptions {
  sql: Sql
  accounts: Accounts
  mail: Mail
  made: MadeOperations
  client: PlcClient
  plc: PlcAgent
  recoveryKeys: RecoveryKeys
  standing: Standing
  directory: CachedDirectory
  /** Without it nobody watches. */
  subscribe: Subscribe | undefined
  /** Directories whose streams are heard; none when the host is told not to watch. */
  watched: readonly string[]
  outside: Outside
  log: Log
  metrics: Metrics
}

/** Alarms of identities, the way back from what raised them, and the loops that hear of it. */
export function openWatch(options: WatchOptions): {
  alarms: IdentityAlarms
  undoing: Undoing
  loops: readonly Loop[]
} {
  const { sql, accounts, mail, subscribe, watched, outside } = options
  const { now } = outside
  const alarms = new IdentityAlarms({ sql, now, tell: alarmLetters({ accounts, mail }) })
  const undoing = new Undoing({ ...options, alarms, now })
  const isWatched = subscribe && watched.length > 0
  const loops = isWatched ? new IdentityWatch({ ...options, subscribe, alarms }).loops(watched) : []
  return { alarms, undoing, loops }
}
