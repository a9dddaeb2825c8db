/** Everything a PDS does on its own. */

import type { Log, Loop, Outside } from '#platform/runtime'
import type { Stream } from '#platform/storage'
import { type CachedDirectory, identityOf } from '#protocol/identity'
import type { Accounts } from './accounts/index.ts'
import type { AccountBlobs } from './blobs/index.ts'
import type { Devices } from './devices/index.ts'
import type { Checkpoints, Recovery } from './journal/index.ts'
import type { Mail } from './mail/index.ts'
import type { OAuth } from './oauth/index.ts'
import type { Sessions, SignIns } from './sign-in/index.ts'
import type { Standing } from './standing/index.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const RESUME_PAUSE_MS = 30_000
const CRAWL_RETRY_MS = 5_000
const CRAWL_AGAIN_MS = 20 * MINUTE_MS
/** A claim younger than this belongs to a request that is still here. */
const CLAIM_SETTLED_MS = 5 * MINUTE_MS
/** A host that is often started anew sweeps too. */
const FIRST_SWEEP_MS = 10 * MINUTE_MS
/** Between two accounts whose blobs are looked through. */
const SWEEP_PAUSE_MS = 50
const PAGE = 500

interface Parts {
  accounts: Accounts
  blobs: AccountBlobs
  checkpoints: Checkpoints
  recovery: Recovery
  standing: Standing
  sessions: Sessions
  oauth: OAuth
  devices: Devices
  signIns: SignIns
  stream: Stream
  jobs: readonly Loop[]
  mail: Mail
  directory: CachedDirectory
  identity: { refresh: () => Promise<void> }
  outside: Outside
  log: Log
  crawlers: readonly string[]
  publicUrl: string
  retentionMs: number
  /** How long an upload waits for a record that mentions it. */
  unusedBlobMs: number
  /** How long a blob outlives the last record that mentioned it. */
  droppedBlobMs: number
  retentionBytes: number
}

export function pdsLoops(parts: Parts): Loop[] {
  const { checkpoints, recovery, outside } = parts
  const { sleep } = outside.timers
  return [
    { name: 'checkpoints', run: (signal) => checkpoints.loop(signal, sleep) },
    { name: 'repair-accounts', run: (signal) => recovery.loop(signal, sleep) },
    { name: 'resume', run: (signal) => resume(parts, signal) },
    {
      name: 'note-wrong-passwords',
      run: (signal) => parts.signIns.keepNoting(signal, parts.outside.timers),
    },
    { name: 'own-identity', run: (signal) => keepIdentity(parts, signal) },
    { name: 'housekeeping', run: (signal) => keepHouse(parts, signal) },
    { name: 'sweep-blobs', run: (signal) => sweepBlobs(parts, signal) },
    ...parts.jobs,
    ...parts.crawlers.map((crawler) => ({
      name: `ask-${new URL(crawler).host}-to-crawl`,
      run: (signal: AbortSignal) => askToCrawl(parts, crawler, signal),
    })),
  ]
}

/** Rests; ends early, without an error, when the loop is to end. */
const rest = ({ outside }: Pick<Parts, 'outside'>, ms: number, signal: AbortSignal) =>
  outside.timers.sleep(ms, signal).catch(() => {})

/** Finishes what a crash or a silent directory interrupted: sign-ups and changes of handles. */
async function resume(parts: Parts, signal: AbortSignal): Promise<void> {
  const { standing, directory, outside } = parts
  const handleOf = async (did: Parameters<CachedDirectory['document']>[0]) => {
    const document = await directory.document(did, { fresh: true })
    return document && identityOf(document).handle
  }
  while (!signal.aborted) {
    await standing.resumePending()
    await standing.resumeHandles(outside.now() - CLAIM_SETTLED_MS, handleOf)
    await rest(parts, RESUME_PAUSE_MS, signal)
  }
}

async function keepIdentity(parts: Parts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await parts.identity.refresh()
    await rest(parts, DAY_MS, signal)
  }
}

/** Ends what is over: sessions, accounts whose owners asked for it, events past their retention. */
async function keepHouse(parts: Parts, signal: AbortSignal): Promise<void> {
  const { accounts, standing, sessions, stream, checkpoints, outside } = parts
  while (!signal.aborted) {
    await sessions.deleteExpired()
    await parts.oauth.deleteExpired()
    await parts.devices.deleteExpired()
    await parts.signIns.deleteExpired()
    await parts.mail.tidy()
    for (const did of await accounts.dueForDeletion(PAGE)) await standing.delete(did)
    // A trim needs one bound that asks for it; both keep what a replay needs.
    const beforeSeq = checkpoints.savedPoint
    await stream.trim({ beforeMs: outside.now() - parts.retentionMs, beforeSeq })
    await stream.trim({ keepBytes: parts.retentionBytes, beforeSeq })
    await rest(parts, HOUR_MS, signal)
  }
}

const idleBefore = ({ outside, unusedBlobMs, droppedBlobMs }: Parts) => ({
  unusedBeforeMs: outside.now() - unusedBlobMs,
  droppedBeforeMs: outside.now() - droppedBlobMs,
})

/** Soon after the start and then once a day, slowly: bytes that nothing has mentioned for long enough. */
async function sweepBlobs(parts: Parts, signal: AbortSignal): Promise<void> {
  const { accounts, blobs } = parts
  await rest(parts, FIRST_SWEEP_MS, signal)
  while (!signal.aborted) {
    let cursor: string | undefined
    do {
      const page = await accounts.list({ limit: PAGE, ...(cursor && { cursor }) })
      for (const { did } of page) {
        if (signal.aborted) return
        await blobs.sweep(did, idleBefore(parts)).catch((error) => {
          parts.log.warn('blobs not swept', { did, error })
        })
        await rest(parts, SWEEP_PAUSE_MS, signal)
      }
      cursor = page.length === PAGE ? page.at(-1)?.did : undefined
    } while (cursor)
    await rest(parts, DAY_MS, signal)
  }
}

/** Says to a relay where we are: until it listens, then now and again, since it may forget. */
async function askToCrawl(parts: Parts, crawler: string, signal: AbortSignal): Promise<void> {
  const { outside, log } = parts
  const { host } = new URL(parts.publicUrl)
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
    await rest(parts, heard ? CRAWL_AGAIN_MS : CRAWL_RETRY_MS, signal)
  }
}
