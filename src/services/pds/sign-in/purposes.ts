import { Permissions } from '#protocol/auth'
import { type HttpRequest, XrpcError } from '#protocol/xrpc'

/** What an app password is for, where it is for less than everything that app passwords may do. */
export const APP_PURPOSES = ['read', 'post'] as const
export type AppPurpose = (typeof APP_PURPOSES)[number]

export const isAppPurpose = (text: unknown): text is AppPurpose =>
  APP_PURPOSES.includes(text as AppPurpose)

/** A bot or a bridge: makes posts, with who may reply or quote, and what they show. Nothing else. */
const POSTING = new Permissions(
  [
    'atproto blob:*/*',
    ...['post', 'threadgate', 'postgate'].map((name) => `repo:app.bsky.feed.${name}?action=create`),
  ].join(' '),
)

/** A reader: asks the app view whatever the owner may ask it; no private messages. */
class Reading extends Permissions {
  constructor() {
    super('atproto')
  }

  override allowsRpc(lxm: string): boolean {
    return lxm.startsWith('app.bsky.')
  }
}
const READING = new Reading()

/** What a session may do that was opened for a purpose: judged as an app's permissions are. */
export const permissionsFor = (purpose: AppPurpose): Permissions =>
  purpose === 'post' ? POSTING : READING

/** A token for another service is good for more than reading, whatever it is asked for with. */
const SERVICE_TOKEN = 'com.atproto.server.getServiceAuth'

/** Throws Forbidden (403) for a call that does not lie in the purpose whatever its input is. */
export function requirePurpose(purpose: AppPurpose, request: HttpRequest, nsid: string): void {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (purpose === 'read' && (!isRead || nsid === SERVICE_TOKEN))
    throw new XrpcError(403, 'Forbidden', `This app password is for reading: not for ${nsid}`)
}
