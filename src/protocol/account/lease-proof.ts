import { constantTimeEqual, fromHex, hex, hmacSha256 } from '#protocol/crypto'

/** What is proven: any fields but the proof itself; what is undefined counts as absent. */
export type ProvenFields = Readonly<Record<string, string | number | undefined>>

/**
 * Proves to who has the same secret that these fields, of a call or its answer, come from another
 * who has it. `use` keeps one call's proof from passing for another's.
 */
export function leaseProof(secret: string, use: string, fields: ProvenFields): string {
  const text = new TextEncoder()
  return hex(hmacSha256(text.encode(secret), text.encode(canonical(use, fields))))
}

/** Whether the proof is of these fields; takes as long for a wrong one as for a right one. */
export function isLeaseProof(
  secret: string,
  use: string,
  fields: ProvenFields,
  proof: string,
): boolean {
  if (!/^[0-9a-f]{64}$/.test(proof)) return false
  return constantTimeEqual(fromHex(leaseProof(secret, use, fields)), fromHex(proof))
}

function canonical(use: string, fields: ProvenFields): string {
  const named = Object.keys(fields).filter((name) => name !== 'proof' && fields[name] !== undefined)
  return JSON.stringify([use, ...named.sort().map((name) => [name, fields[name]])])
}
