import type { Fetch } from '#platform/runtime'
import { type Directory, identityOf } from '#protocol/identity'
import type { Subject } from '../decisions/index.ts'

/** What can be read of a subject at its host now. */
export interface SubjectContent {
  /** As the account claims it. */
  handle?: string | undefined
  /** The text of a post, another record as JSON. */
  text?: string | undefined
  cid?: string | undefined
}

const TIMEOUT_MS = 5_000
const RECORD_BYTES_MAX = 1_500_000
const TEXT_LENGTH_MAX = 20_000

/** Reads a subject for a moderator. What cannot be read is left out: the desk works without. */
export async function readSubjectContent(
  { key, did, collection }: Subject,
  { directory, fetch }: { directory: Directory; fetch: Fetch },
): Promise<SubjectContent> {
  const document = await directory.document(did).catch(() => undefined)
  const identity = document && identityOf(document)
  const handle = identity?.handle
  if (collection === undefined || identity?.pds === undefined) return { handle }
  const rkey = key.split('/')[4]!
  const query = new URLSearchParams({ repo: did, collection, rkey })
  try {
    const url = `${identity.pds}/xrpc/com.atproto.repo.getRecord?${query}`
    const limits = { timeoutMs: TIMEOUT_MS, maxResponseBytes: RECORD_BYTES_MAX }
    const response = await fetch(url, limits)
    if (response.status !== 200) return { handle }
    const { cid, value } = (await response.json()) as { cid?: unknown; value?: { text?: unknown } }
    const text = typeof value?.text === 'string' ? value.text : JSON.stringify(value, null, 2)
    return {
      handle,
      text: text?.slice(0, TEXT_LENGTH_MAX),
      cid: typeof cid === 'string' ? cid : undefined,
    }
  } catch {
    return { handle }
  }
}
