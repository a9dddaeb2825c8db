import type { Batch } from './batch.ts'
import type { Edge } from './edge.ts'

/**
 * Tells who reposted a post that it was liked or reposted by way of that. Its author is told as such.
 * Whether there is such a repost is judged when notifications are read.
 */
export async function tellReposter(
  batch: Batch,
  { aid, rkey, subjectAid, sortUs, via }: Edge,
  reason: 'like-via-repost' | 'repost-via-repost',
): Promise<void> {
  if (via === undefined) return
  const reposter = await batch.aidOf(via.did)
  if (reposter === subjectAid) return
  const subject = { aid: reposter, rkey: via.rkey }
  await batch.notify({ recipient: reposter, author: aid, rkey, reason, sortUs, subject })
}
