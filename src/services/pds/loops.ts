/** Everything a PDS does on its own. */

import type { Log, Loop, Outside } from '#platform/runtime'
import type { Stream } from '#platform/storage'
import type { Checkpoints } from './journal/index.ts'
import type { Sessions } from './sign-in/index.ts'
import type { Standing } from './standing/index.ts'

const HOUR_MS = 3_600_000
const RESUME_PAUSE_MS = 30_000
const CRAWL_RETRY_MS = 5_000
const CRAWL_AGAIN_MS = 20 * 60_000

export function pdsLoops(parts: {
  checkpoints: Checkpoints
  standing: Standing
  sessions: Sessions
  stream: Stream
  identity: { refresh: () => Promise<void> }
  outside: Outside
  log: Log
  crawlers: readonly string[]
  publicUrl: string
  retentionMs: number
}): Loop[] {
  const { checkpoints, standing, sessions, stream, identity, outside } = parts
  const { sleep } = outside.timers
  const rest = (ms: number, signal: AbortSignal) => sleep(ms, signal).catch(() => {})
  return [
    { name: 'checkpoints', run: (signal) => checkpoints.loop(signal, sleep) },
    {
      name: 'resume-sign-ups',
      async run(signal) {
        while (!signal.aborted) {
          const left = await standing.resumePending()
          await rest(left > 0 ? RESUME_PAUSE_MS : HOUR_MS, signal)
        }
      },
    },
    {
      name: 'own-identity',
      async run(signal) {
        await identity.refresh()
        await rest(24 * HOUR_MS, signal)
      },
    },
    {
      name: 'housekeeping',
      async run(signal) {
        while (!signal.aborted) {
          await rest(HOUR_MS, signal)
          if (signal.aborted) return
          await sessions.deleteExpired()
          await stream.trim({
            beforeMs: outside.now() - parts.retentionMs,
            beforeSeq: checkpoints.replayPoint(),
          })
        }
      },
    },
    ...parts.crawlers.map((crawler) => ({
      name: `ask-${new URL(crawler).host}-to-crawl`,
      run: (signal: AbortSignal) => askToCrawl(parts, crawler, signal),
    })),
  ]
}

/** Says to a relay where we are: until it listens, then now and again, since it may forget. */
async function askToCrawl(
  { outside, log, publicUrl }: { outside: Outside; log: Log; publicUrl: string },
  crawler: string,
  signal: AbortSignal,
): Promise<void> {
  const { host } = new URL(publicUrl)
  while (!signal.aborted) {
    let heard = false
    try {
      const response = await outside.fetch(`${crawler}/xrpc/com.atproto.sync.requestCrawl`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ hostname: host }),
        signal,
      })
      await response.arrayBuffer()
      heard = response.ok
      if (!heard) log.warn('relay refused to crawl', { crawler, status: response.status })
    } catch (error) {
      if (!signal.aborted) log.debug('relay does not answer', { crawler, error })
    }
    await outside.timers.sleep(heard ? CRAWL_AGAIN_MS : CRAWL_RETRY_MS, signal).catch(() => {})
  }
}
