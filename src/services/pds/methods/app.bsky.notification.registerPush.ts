import * as AppBskyNotificationRegisterPush from '@atcute/bluesky/types/app/notification/registerPush'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Passes a device's token on to the notification service that the input names. */
export const registerPush = ({ callers, proxy }: Pick<Pds, 'callers' | 'proxy'>) =>
  procedure(AppBskyNotificationRegisterPush.mainSchema, {
    auth: callers.account({ deactivated: true }),
    limits: { bodyBytes: 16_384 },
    handle: ({ input, caller, request }) =>
      proxy.toNotifications(caller, request, 'app.bsky.notification.registerPush', input),
  })
