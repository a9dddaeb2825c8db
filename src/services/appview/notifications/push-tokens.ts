import type { Did } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'
import type { IndexWriter } from '../index/writer.ts'
import { type Room, requireRoom } from '../private-state/room.ts'

const ROOM: Room = {
  table: 'push_token',
  max: 50,
  error: 'TooManyDevices',
  what: 'devices are kept',
}
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
      const key = [aid, platform, appId, token]
      const known = await batch.sql.get(
        'select 1 from push_token where aid = ? and platform = ? and app_id = ? and token = ?',
        key,
      )
      if (known === undefined) await requireRoom(batch, ROOM, aid)
      await batch.sql.run(
        `insert into push_token (aid, platform, app_id, token, age_restricted, created_ms)
         values (?, ?, ?, ?, ?, ?) on conflict (aid, platform, app_id, token) do update
         set age_restricted = excluded.age_restricted`,
        [...key, Number(push.ageRestricted), batch.nowMs],
      )
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
