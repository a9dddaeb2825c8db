/** The count of what has not been seen, kept fresh without asking often. */
import { effect, signal } from '@preact/signals'
import { act, ask, me } from './session.ts'

export const unread = signal(0)

const everyMs = 60_000
let askedAtMs = 0

async function refresh(): Promise<void> {
  const session = me.peek()
  if (!session || session.expired || document.hidden) return
  askedAtMs = Date.now()
  try {
    unread.value = (await ask<{ count: number }>('app.bsky.notification.getUnreadCount')).count
  } catch {
    // A badge is not worth a message; the next round asks again.
  }
}

/** Asks now unless it was asked in the last seconds. */
export function refreshUnread(): void {
  if (Date.now() - askedAtMs > 5_000) void refresh()
}

/** Marks everything up to now as seen. */
export async function markSeen(): Promise<void> {
  unread.value = 0
  const body = { seenAt: new Date().toISOString() }
  await act('app.bsky.notification.updateSeen', { body }).catch(() => {})
}

/** Starts keeping the count: on sign-in, each minute while the page is seen, and on return. */
export function startUnread(): void {
  effect(() => {
    unread.value = 0
    if (me.value?.did) void refresh()
  })
  setInterval(refreshUnread, everyMs)
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) refreshUnread()
  })
}
