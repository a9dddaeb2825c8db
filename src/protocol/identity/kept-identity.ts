/** A service's own did:plc across its starts. */
import type { Did } from '#protocol/syntax'
import {
  ensureServiceIdentity,
  type ServiceIdentity,
  type ServiceIdentityOptions,
} from './service-identity.ts'

export interface KeptIdentity extends ServiceIdentity {
  did: Did
  /** Brings the DID document up to date; after the first start that was done already. */
  refresh(): Promise<void>
}

export interface KeptIdentityOptions extends Omit<ServiceIdentityOptions, 'stored'> {
  /** What `write` was given, or undefined before the first start. Secret: seal it. */
  read(): Promise<Uint8Array | undefined>
  write(bytes: Uint8Array): Promise<void>
}

/**
 * The identity of one of our services: made on its first start and kept by the caller. On later
 * starts the directory need not answer: `refresh` is for the background. Throws as
 * `ensureServiceIdentity` does, on the first start only.
 */
export async function keptServiceIdentity(options: KeptIdentityOptions): Promise<KeptIdentity> {
  const { read, write, ...wanted } = options
  const kept = await read()
  if (kept !== undefined) {
    const stored = JSON.parse(new TextDecoder().decode(kept)) as ServiceIdentity
    return {
      ...stored,
      refresh: async () => void (await ensureServiceIdentity({ ...wanted, stored })),
    }
  }
  const made = await ensureServiceIdentity(wanted)
  await write(new TextEncoder().encode(JSON.stringify(made)))
  return { ...made, refresh: async () => {} }
}
