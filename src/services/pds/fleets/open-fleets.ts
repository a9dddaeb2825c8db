import type { Log, Loop, Outside, Sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { CachedDirectory, PlcClient } from '#protocol/identity'
import type { Accounts } from '../accounts/index.ts'
import type { Handles } from '../handles/index.ts'
import type { Host } from '../host/index.ts'
import type { Budgets, Moves } from '../moves/index.ts'
import { FleetRows } from './fleet-rows.ts'
import { FleetWork } from './fleet-work.ts'
import { Fleets } from './fleets.ts'
import { Sources } from './sources.ts'

export interface FleetsOptions {
  sql: Sql
  sealer: Sealer
  host: Host
  moves: Moves
  budgets: Budgets
  accounts: Accounts
  handles: () => Handles
  directory: CachedDirectory
  plc: PlcClient
  outside: Outside
  log: Log
}

/** Fleets with the loop that carries them. */
export function openFleets(options: FleetsOptions): { fleets: Fleets; loop: Loop } {
  const { outside } = options
  const rows = new FleetRows({ ...options, now: outside.now })
  const fetch = (url: string, init?: RequestInit) => outside.fetch(url, init)
  const sources = new Sources({ ...options, rows, fetch, random: outside.random })
  const work = new FleetWork({ ...options, rows, sources })
  return { fleets: new Fleets({ ...options, rows, work }), loop: work.loop }
}
