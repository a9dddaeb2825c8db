import {
  type Log,
  lazyStopwatch,
  type Outside,
  type Service,
  type Stopwatch,
} from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { createRouter, failureLog, type HttpResponse } from '#protocol/xrpc'
import type { WitnessConfig } from './config.ts'
import { Proven, readLeaseSecrets, Witness } from './lease/index.ts'
import { leaseMethods } from './methods.ts'
import type { LeaseParts } from './parts.ts'

export interface WitnessDeps {
  /** Opened with `vaultMigrations`, fully synchronous. */
  sql: Sql
  outside: Pick<Outside, 'now'>
  /** Never shows more than has gone by; the machine's steady clock unless told. */
  stopwatch?: Stopwatch | undefined
  log: Log
}

/** What answers for leases, also inside a vault. */
export function openWitness(
  { leaseSecrets, leaseTermMs }: WitnessConfig,
  { sql, outside: { now }, stopwatch = lazyStopwatch, log }: WitnessDeps,
): LeaseParts {
  return {
    witness: new Witness({ sql, termMs: leaseTermMs, stopwatch, now, log }),
    proven: new Proven({ secrets: readLeaseSecrets(leaseSecrets), now }),
  }
}

/** A witness that is nothing else: some rows, for a small third machine. */
export function createWitness(
  config: WitnessConfig,
  deps: WitnessDeps & { version: string },
): Service {
  const router = createRouter(leaseMethods(openWitness(config, deps)), {
    health: () => ({ version: deps.version }),
    onFailure: failureLog(deps.log),
  })
  return {
    name: 'witness',
    handle: (request) => (request.path.startsWith('/xrpc/') ? router.handle(request) : NOT_FOUND),
    loops: [],
    close: async () => {},
  }
}

const NOT_FOUND: HttpResponse = {
  status: 404,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: 'Not found\n',
}
