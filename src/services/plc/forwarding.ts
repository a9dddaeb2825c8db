/** What a replica does with operations people submit. */
import type { Outside } from '#platform/runtime'
import { type PlcOperation, type PlcTombstone, plcOperationCid } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import type { Follower } from './follower.ts'
import type { Operations } from './operations.ts'
import { Problem } from './problem.ts'

const SUBMIT_MS = 15_000
const ANSWER_BYTES = 16 * 1024
/** Who submitted and then reads here should find it: how long the stream is waited for. */
const COMING_MS = 3_000
const REASON_LENGTH = 300

export interface Forwarding {
  upstream: string
  /** Else every submission is refused. */
  forwards: boolean
  operations: Operations
  follower: Follower
  outside: Pick<Outside, 'fetch' | 'now'>
}

/** Hands an operation to the upstream, or throws why not. It comes back by the export. */
export async function forward(
  to: Forwarding,
  did: Did,
  operation: PlcOperation | PlcTombstone,
): Promise<void> {
  const { upstream, outside } = to
  if (!to.forwards)
    throw new Problem(403, `This is a replica and takes no operations: submit to ${upstream}`)
  let response: Response
  let text: string
  try {
    response = await outside.fetch(new URL(`/${did}`, upstream).href, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(operation),
      timeoutMs: SUBMIT_MS,
      maxResponseBytes: ANSWER_BYTES,
    })
    text = await response.text()
  } catch {
    throw new Problem(504, `${upstream} did not answer: whether it took the operation is unknown`)
  }
  if (!response.ok) throw new Problem(passedOn(response.status), reasonIn(text, upstream))
  await arrival(to, did, plcOperationCid(operation))
}

/** The caller's fault stays the caller's; the upstream's is an upstream's here. */
function passedOn(status: number): number {
  return status >= 400 && status < 500 ? status : 502
}

function reasonIn(text: string, upstream: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string') return message.slice(0, REASON_LENGTH)
  } catch {
    // not JSON: said in our words
  }
  return `${upstream} refused the operation`
}

async function arrival(
  { operations, follower, outside }: Forwarding,
  did: Did,
  cid: string,
): Promise<void> {
  const untilMs = outside.now() + COMING_MS
  while (!(await operations.has(did, cid))) {
    const leftMs = untilMs - outside.now()
    if (leftMs <= 0) return
    await follower.news(leftMs)
  }
}
