/** What an account that came back from a copy can show, and what nobody can prove: `app.falaj.account.signRescue`. */
import signRescueJson from '#lexicons/app/falaj/account/signRescue' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'
import type { Did, Handle } from '#protocol/syntax'
import type { XrpcClient } from '#protocol/xrpc'
import type { HostedHead } from './head.ts'
import type { PrivatePartCopied } from './move-state.ts'
import type { Signature } from './receipt.ts'
import { isUnknownMethod } from './session.ts'

const lexicons = /* @__PURE__ */ compileLexicons([signRescueJson])

/** Where a copy came from, and how far it goes. */
export interface RescueCopy {
  kind: 'vault' | 'mirror' | 'archive' | 'file'
  /** Origin of who had it. */
  source?: string | undefined
  rev?: string | undefined
  /** When its host acknowledged that state; ISO 8601. */
  time?: string | undefined
}

/** What nobody can prove, or is known to be missing. */
export type Unproven =
  /** That nothing was written after the state that came back. */
  | 'later-writes'
  /** There was no copy: the account came back empty. */
  | 'no-copy'
  /** The state of the copy is what the owner's program said of it. */
  | 'copy-as-told'
  /** Records mention files that were not in the copy. */
  | 'missing-blobs'
  /** Something that only the owner could read was not in the copy, or nobody here takes it. */
  | 'private-state'

/** The new host counts and signs; `copy` and `privateParts` are as the owner's program told it. */
export interface RescueReceipt {
  kind: 'rescue'
  did: Did
  handle: Handle
  /** Origin of the new host. */
  to: string
  head: HostedHead
  records: number
  blobs: number
  /** At most 1,000 are named. */
  missingBlobs: string[]
  missingBlobCount: number
  copy?: RescueCopy | undefined
  privateParts: PrivatePartCopied[]
  unproven: Unproven[]
  signedMs: number
}

export type SignedRescue = RescueReceipt & Signature

/** Has the new host count what came back, sign it, and show it on its page. */
export const signRescue = /* @__PURE__ */ lexicons.procedure<
  Record<never, never>,
  { copy?: RescueCopy | undefined; privateParts: PrivatePartCopied[] },
  { receipt: SignedRescue }
>('app.falaj.account.signRescue')

/** The signed receipt of who is signed in; undefined from a host that knows of none. */
export async function askReceipt(
  client: XrpcClient,
  copy: RescueCopy | undefined,
  parts: readonly PrivatePartCopied[],
): Promise<SignedRescue | undefined> {
  const privateParts = parts.map(({ part, outcome, count, names }) => ({
    ...{ part, outcome, count },
    ...(names && { names: names.slice(0, NAMES_MAX) }),
  }))
  try {
    return (await client.post(signRescue, { copy, privateParts })).receipt
  } catch (error) {
    if (isUnknownMethod(error)) return undefined
    throw error
  }
}

const NAMES_MAX = 1_000

/** What a receipt has to say plainly. */
export function unprovenOf({
  copy,
  missingBlobCount,
  privateParts,
}: Pick<RescueReceipt, 'copy' | 'missingBlobCount' | 'privateParts'>): Unproven[] {
  const isBare =
    privateParts.length === 0 || privateParts.some(({ outcome }) => outcome === 'silent')
  return [
    copy === undefined ? ('no-copy' as const) : ('later-writes' as const),
    ...(copy?.rev !== undefined || copy?.time !== undefined ? (['copy-as-told'] as const) : []),
    ...(missingBlobCount > 0 ? (['missing-blobs'] as const) : []),
    ...(isBare ? (['private-state'] as const) : []),
  ]
}
