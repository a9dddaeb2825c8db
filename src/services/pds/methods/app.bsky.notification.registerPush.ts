import * as AppBskyNotificationRegisterPush from '@atcute/bluesky/types/app/notification/registerPush'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { anyApp } from '../sign-in/index.ts'

/** Passes a device's token on to the notification service that the input names. */
export const registerPush = ({ callers, proxy }: Pick<Pds, 'callers' | 'proxy'>) =>
  procedure(AppBskyNotificationRegisterPush.mainSchema, {
    auth: callers.account({ deactivated: true, app: anyApp }),
    limits: { bodyBytes: 16_384 },
    handle: ({ input, caller, request }) =>
      proxy.toNotifications(caller, request, 'app.bsky.notification.registerPush', input),
  })
