import { ComAtprotoAdminUpdateSubjectStatus } from '@atcute/atproto'
import type { Fetch } from '#platform/runtime'
import { xrpcClient } from '#protocol/xrpc'
import type { SubjectRef } from '../decisions/index.ts'

/** A host that does what we say, and its admin's password. */
export interface PdsAdmin {
  /** Origin. */
  url: string
  password: string
}

const TIMEOUT_MS = 15_000

/** Reads `URL#PASSWORD`. Throws an Error that does not repeat the password. */
export function readPdsAdmin(text: string): PdsAdmin {
  const mark = text.indexOf('#')
  const address = text.slice(0, mark)
  if (mark < 1 || mark === text.length - 1 || !URL.canParse(address))
    throw new Error('must be URL#PASSWORD, such as https://pds.example#secret')
  return { url: new URL(address).origin, password: text.slice(mark + 1) }
}

export type TakedownSubject =
  | SubjectRef
  | { $type: 'com.atproto.admin.defs#repoBlobRef'; did: string; cid: string }

/** Takes a subject down at its host, or brings it back. Throws XrpcError with what the host said. */
export async function updateSubjectStatus(
  { url, password }: PdsAdmin,
  fetch: Fetch,
  update: { subject: TakedownSubject; applied: boolean; ref: string },
): Promise<void> {
  const { subject, applied, ref } = update
  const client = xrpcClient({
    service: url,
    fetch: (address, init) => fetch(address, { ...init, timeoutMs: TIMEOUT_MS }),
    headers: { authorization: `Basic ${btoa(`admin:${password}`)}` },
  })
  await client.post(ComAtprotoAdminUpdateSubjectStatus.mainSchema, {
    subject: subject as never,
    takedown: { applied, ref },
  })
}
