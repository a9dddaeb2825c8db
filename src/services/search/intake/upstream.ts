import type { Frame } from '#platform/runtime'
import type { Taken, Verdicts } from './change.ts'
import { jetstreamAddress, takeJetstream } from './jetstream.ts'
import { relayAddress, takeRelay } from './relay.ts'

/** Where events come from, and how they are read there. */
export interface Upstream {
  /** Its URL; the cursor is kept under this name. */
  source: string
  address(position: number | undefined): string
  take(frame: Frame, nowMs: number, verdicts: Verdicts): Taken
}

export function jetstreamUpstream(url: string): Upstream {
  return {
    source: url,
    address: (position) => jetstreamAddress(url, position),
    take: takeJetstream,
  }
}

export function relayUpstream(url: string): Upstream {
  return { source: url, address: (position) => relayAddress(url, position), take: takeRelay }
}
