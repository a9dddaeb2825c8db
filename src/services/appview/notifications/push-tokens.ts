import type { Did } from '#protocol/syntax'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import type { IndexWriter } from '../index/writer.ts'

/** Devices of one account. */
const TOKENS_MAX = 50
const TOKEN_LENGTH_MAX = 4_096
const APP_LENGTH_MAX = 256
const PLATFORMS = ['ios', 'android', 'web']

export interface PushToken {
  platform: string
  appId: string
  token: string
}

/** Devices that wish to be told at once. Kept for whoever sends; nothing is sent from here. */
export class PushTokens {
  readonly #writer: IndexWriter

  constructor({ writer }: { writer: IndexWriter }) {
    this.#writer = writer
  }

  /** Twice is once. Throws InvalidRequest, TooManyDevices. */
  async add(viewer: Did, push: PushToken & { ageRestricted: boolean }): Promise<void> {
    const { platform, appId, token } = checked(push)
    await this.#writer.write(async (batch) => {
      const aid = await batch.aidOf(viewer)
      await batch.sql.run(
        `insert into push_token (aid, platform, app_id, token, age_restricted, created_ms)
         values (?, ?, ?, ?, ?, ?) on conflict (aid, platform, app_id, token) do update
         set age_restricted = excluded.age_restricted`,
        [aid, platform, appId, token, Number(push.ageRestricted), batch.nowMs],
      )
      const row = await batch.sql.get<{ count: number }>(
        'select count(*) as count from push_token where aid = ?',
        [aid],
      )
      if (row!.count > TOKENS_MAX)
        throw new XrpcError(400, 'TooManyDevices', `At most ${TOKENS_MAX} devices are kept`)
    })
  }

  /** A device that is not there may go. Throws InvalidRequest. */
  async remove(viewer: Did, push: PushToken): Promise<void> {
    const { platform, appId, token } = checked(push)
    await this.#writer.write(async (batch) => {
      await batch.sql.run(
        'delete from push_token where aid = ? and platform = ? and app_id = ? and token = ?',
        [await batch.aidOf(viewer), platform, appId, token],
      )
    })
  }
}

function checked(push: PushToken): PushToken {
  if (!PLATFORMS.includes(push.platform))
    throw invalidRequest(`The platform must be one of ${PLATFORMS.join(', ')}`)
  if (push.token.length > TOKEN_LENGTH_MAX || push.appId.length > APP_LENGTH_MAX)
    throw invalidRequest('The token or the name of the app is too long')
  return push
}
