import { XrpcError } from '#protocol/xrpc'
import type { Batch } from '../index/batch.ts'

/** How much of one kind of private state an account may keep. */
export interface Room {
  table: 'activity_subscription' | 'bookmark' | 'list_mute' | 'mute' | 'push_token' | 'thread_mute'
  max: number
  /** Name of the error when it is full, and what there are at most so many of. */
  error: string
  what: string
}

/**
 * Throws where the account has no room for one more. Asked before anything is written, so that who
 * catches it may go on with the transaction.
 */
export async function requireRoom(
  batch: Batch,
  { table, max, error, what }: Room,
  aid: number,
): Promise<void> {
  const row = await batch.sql.get<{ count: number }>(
    `select count(*) as count from ${table} where aid = ?`,
    [aid],
  )
  if (row!.count >= max) throw new XrpcError(400, error, `At most ${max} ${what}`)
}
