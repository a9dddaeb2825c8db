import * as AppBskyNotificationUnregisterPush from '@atcute/bluesky/types/app/notification/unregisterPush'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { anyApp } from '../sign-in/index.ts'

/** Takes a device's token back from the notification service that the input names. */
export const unregisterPush = ({ callers, proxy }: Pick<Pds, 'callers' | 'proxy'>) =>
  procedure(AppBskyNotificationUnregisterPush.mainSchema, {
    auth: callers.account({ deactivated: true, app: anyApp }),
    limits: { bodyBytes: 16_384 },
    handle: ({ input, caller, request }) =>
      proxy.toNotifications(caller, request, 'app.bsky.notification.unregisterPush', input),
  })
