/** Looking identities up on the network. */
import type { Did, Handle } from '#protocol/syntax'
import { type DidResolution, resolveDid } from './did-resolution.ts'
import { type DidDocument, identityOf } from './document.ts'
import {
  type HandleResolution,
  handleKind,
  localHandleClaims,
  resolvePublicHandle,
} from './handle-resolution.ts'
import { HostTurns } from './host-turns.ts'
import { PlcDirectories } from './plc-directories.ts'
import { UpstreamError } from './upstream-error.ts'

export interface LookupOptions {
  /** Ask the authority, whatever is remembered. */
  fresh?: boolean
}

/**
 * Answers who a DID or a handle is. Undefined is an answer: there is no such identity.
 * UpstreamError is none: nobody could say just now.
 */
export interface Directory {
  document(did: Did, options?: LookupOptions): Promise<DidDocument | undefined>
  /** The DID that the handle names. One direction only: see `verifiedHandle`. */
  resolveHandle(handle: Handle, options?: LookupOptions): Promise<Did | undefined>
}

export interface NetworkDirectory extends Directory {
  /** Origin of the PLC directory that answered for a DID; undefined for one not asked for yet. */
  answeredBy(did: Did): string | undefined
}

export interface NetworkDirectoryOptions extends DidResolution, HandleResolution {}

/**
 * A directory that asks the network each time: DIDs at the PLC directory or their domain, handles
 * by DNS and web. Handles under `.test`, `.example` and `.localhost` are asked at the
 * `localHandleHosts` only, and count when the DID's document claims them.
 */
export function networkDirectory(options: NetworkDirectoryOptions): NetworkDirectory {
  const directories = new PlcDirectories(options.plcUrl)
  const turns = new HostTurns([options.plcUrl].flat())
  const net = { ...options, turns }
  const document = (did: Did) => resolveDid(did, net, directories)
  return {
    document,
    answeredBy: (did) => directories.answeredBy(did),
    async resolveHandle(handle) {
      const name = handle.toLowerCase() as Handle
      const kind = handleKind(name)
      if (kind === 'disallowed') return undefined
      if (kind === 'public') return await resolvePublicHandle(name, net)
      for (const did of await localHandleClaims(name, net)) {
        const found = await document(did)
        if (found && identityOf(found).handle === name) return did
      }
      return undefined
    },
  }
}

/** Stands for a handle that could not be confirmed, wherever a handle must be shown. */
export const INVALID_HANDLE = 'handle.invalid'

/**
 * The account's handle when both sides agree: the document claims it and it resolves to the DID.
 * 'handle.invalid' otherwise, also when the handle's domain cannot be asked. Throws UpstreamError
 * only when the document itself cannot be had.
 */
export async function verifiedHandle(
  directory: Directory,
  did: Did,
  options?: LookupOptions,
): Promise<Handle | typeof INVALID_HANDLE> {
  const document = await directory.document(did, options)
  const handle = document && identityOf(document).handle
  if (handle === undefined) return INVALID_HANDLE
  try {
    return (await directory.resolveHandle(handle, options)) === did ? handle : INVALID_HANDLE
  } catch (error) {
    if (error instanceof UpstreamError) return INVALID_HANDLE
    throw error
  }
}
