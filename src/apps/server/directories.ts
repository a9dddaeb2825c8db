/** Which directories of identities a service asks. */
import type { Peers } from './part.ts'

/** Those the operator named, else those of this process: its own first, then the replica of another. */
export function directoriesOf(
  { plc }: { plc: readonly string[] },
  peers: Peers,
): readonly string[] {
  return plc.length > 0 ? plc : peers.urls('plc')
}
