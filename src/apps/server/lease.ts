/** The lease of a host: its note beside the data, and the way to its witness. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eagerStopwatch, guardedFetch, type Log, type Outside } from '#platform/runtime'
import type { Lease, LeaseMemory, LeaseNote, TakeOptions } from '#services/pds'
import { writeDurably } from './write-durably.ts'

/** The settings a lease needs; both or none. */
export interface LeaseSettings {
  leaseWitness: string | undefined
  leaseSecret: string | undefined
}

const FILE = 'lease.json'

/** The note in the folder of a host's data. Throws one clear line when the file holds something else. */
export function leaseMemory(dataDir: string): LeaseMemory {
  const path = join(dataDir, FILE)
  return {
    async read() {
      if (!existsSync(path)) return { epoch: 0, claim: undefined }
      return readNote(path)
    },
    async write(note) {
      writeDurably(path, `${JSON.stringify(note)}\n`)
    },
  }
}

function readNote(path: string): LeaseNote {
  try {
    const { epoch, claim } = JSON.parse(readFileSync(path, 'utf8')) as LeaseNote
    const isClaim = claim === undefined || /^[0-9a-f]{16,64}$/.test(claim)
    if (Number.isSafeInteger(epoch) && epoch >= 0 && isClaim) return { epoch, claim }
  } catch {
    // Not of ours: said below.
  }
  throw new Error(`${path} is not the note of a lease`)
}

/**
 * Takes the lease of the host at `url`, waiting for it as long as it takes unless told otherwise.
 * Undefined when none is configured. Rejects with LeaseRefused.
 */
export async function openLease(
  { leaseWitness: witness, leaseSecret: secret }: LeaseSettings,
  place: { dataDir: string; url: string; log: Log; outside: Outside },
  options: TakeOptions = {},
): Promise<(Lease & { close(): Promise<void> }) | undefined> {
  if (witness === undefined || secret === undefined) return undefined
  const { takeLease } = await import('#services/pds')
  const { dataDir, url, log, outside } = place
  // The operator names the witness: a machine of their own network is theirs to name.
  const network = guardedFetch({ allowPrivate: true })
  const { timers, random } = outside
  const lease = await takeLease(
    {
      ...{ witness, secret, timers, random, log },
      hostname: new URL(url).hostname,
      fetch: network.fetch,
      memory: leaseMemory(dataDir),
      stopwatch: eagerStopwatch,
    },
    options,
  )
  return Object.assign(lease, { close: () => network.close() })
}
