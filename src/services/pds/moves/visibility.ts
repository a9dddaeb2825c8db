import {
  ComAtprotoSyncGetLatestCommit,
  ComAtprotoSyncGetRepoStatus,
  ComAtprotoSyncRequestCrawl,
} from '@atcute/atproto'
import * as AppBskyActorGetProfile from '@atcute/bluesky/types/app/actor/getProfile'
import type { Outside } from '#platform/runtime'
import { isUnknownMethod, type Sighting } from '#protocol/account'
import type { Did, Tid } from '#protocol/syntax'
import { type Fetch, type XrpcClient, XrpcError, xrpcClient } from '#protocol/xrpc'

/** An account that arrived is looked for so long. */
const SEEN_WITHIN_MS = 30_000
const CALL_MS = 5_000
const FIRST_PAUSE_MS = 250
const PAUSE_MAX_MS = 2_000

/** Looks whether relays and the app view know where an account is now. */
export class Visibility {
  readonly #hostname: string
  readonly #crawlers: readonly string[]
  readonly #appview: () => { url: string } | undefined
  readonly #fetch: Fetch
  readonly #timers: Outside['timers']
  readonly #now: () => number

  constructor(options: {
    publicUrl: string
    /** Relays that this host asks to crawl it. */
    crawlers: readonly string[]
    appview: () => { url: string } | undefined
    fetch: Fetch
    timers: Outside['timers']
    now: () => number
  }) {
    this.#hostname = new URL(options.publicUrl).host
    this.#crawlers = options.crawlers
    this.#appview = options.appview
    this.#fetch = options.fetch
    this.#timers = options.timers
    this.#now = options.now
  }

  /**
   * Asks every relay to crawl, and waits until each has a commit of the account above `rev` and the app
   * view answers with its profile. Never throws: who has not seen it in time is named with why.
   */
  look(did: Did, rev: Tid, signal: AbortSignal): Promise<Sighting[]> {
    const untilMs = this.#now() + SEEN_WITHIN_MS
    const appview = this.#appview()
    const within = { untilMs, signal }
    return Promise.all([
      ...this.#crawlers.map((url) =>
        this.#until({ at: 'relay' as const, url }, within, async (client) => {
          const crawl = ComAtprotoSyncRequestCrawl.mainSchema
          await client.post(crawl, { hostname: this.#hostname })
          return isAbove(await relayRev(client, did), rev)
        }),
      ),
      ...(appview
        ? [
            this.#until({ at: 'appview' as const, url: appview.url }, within, async (client) => {
              const schema = AppBskyActorGetProfile.mainSchema
              const profile = await client.get(schema, { actor: did }, { validate: false })
              return profile.did === did ? undefined : 'it answers with another account'
            }),
          ]
        : []),
    ])
  }

  /** `ask` says what is not yet so, or nothing. */
  async #until(
    place: Pick<Sighting, 'at' | 'url'>,
    { untilMs, signal }: { untilMs: number; signal: AbortSignal },
    ask: (client: XrpcClient) => Promise<string | undefined>,
  ): Promise<Sighting> {
    const startedMs = this.#now()
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      const problem = await this.#asked(place.url, ask)
      const ms = this.#now() - startedMs
      if (problem === undefined) return { ...place, seen: true, ms }
      if (signal.aborted || this.#now() + pauseMs > untilMs) {
        return { ...place, seen: false, ms, problem: problem.slice(0, 200) }
      }
      await this.#timers.sleep(pauseMs, signal).catch(() => {})
    }
  }

  async #asked(
    service: string,
    ask: (client: XrpcClient) => Promise<string | undefined>,
  ): Promise<string | undefined> {
    const end = new AbortController()
    const timer = this.#timers.setTimeout(() => end.abort(), CALL_MS)
    try {
      return await ask(xrpcClient({ service, fetch: this.#fetch, signal: () => end.signal }))
    } catch (error) {
      return error instanceof XrpcError ? error.message : 'it does not answer'
    } finally {
      this.#timers.clearTimeout(timer)
    }
  }
}

/** What a relay has of the account; older ones know only the newest commit. */
async function relayRev(client: XrpcClient, did: Did): Promise<string | undefined> {
  try {
    const status = await client.get(ComAtprotoSyncGetRepoStatus.mainSchema, { did })
    return status.active ? status.rev : undefined
  } catch (error) {
    if (!isUnknownMethod(error)) throw error
    return (await client.get(ComAtprotoSyncGetLatestCommit.mainSchema, { did })).rev
  }
}

function isAbove(known: string | undefined, rev: Tid): string | undefined {
  if (known === undefined) return 'it does not show the account as active'
  return known > rev ? undefined : 'it knows only what the account was before'
}
