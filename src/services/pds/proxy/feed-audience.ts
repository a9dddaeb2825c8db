import { createLru, type Fetch } from '#platform/runtime'
import { type Directory, identityOf } from '#protocol/identity'
import { type Did, isDid, parseAtUri } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'

const REMEMBERED_MS = 10 * 60_000
const FEEDS_MAX = 5_000
const TIMEOUT_MS = 5_000
const RECORD_BYTES_MAX = 100_000

/** The method that a feed's maker answers: what the viewer's token is for. */
export const FEED_SKELETON = 'app.bsky.feed.getFeedSkeleton'

interface Remembered {
  maker: Did
  untilMs: number
}

/**
 * Who makes a feed. `app.bsky.feed.getFeed` goes to the app view, but the viewer's token is for the
 * feed's maker, to whom the app view passes it on: the app view itself learns nothing it could use.
 */
export class FeedAudience {
  readonly #directory: Directory
  readonly #fetch: Fetch
  readonly #now: () => number
  readonly #known = createLru<string, Remembered>({ maxEntries: FEEDS_MAX })

  constructor(options: { directory: Directory; fetch: Fetch; now: () => number }) {
    this.#directory = options.directory
    this.#fetch = options.fetch
    this.#now = options.now
  }

  /** The DID in the record that publishes the feed. Throws UnknownFeed, UpstreamFailure. */
  async makerOf(feed: string): Promise<Did> {
    const known = this.#known.get(feed)
    if (known && known.untilMs > this.#now()) return known.maker
    const maker = await this.#read(feed)
    this.#known.set(feed, { maker, untilMs: this.#now() + REMEMBERED_MS })
    return maker
  }

  async #read(feed: string): Promise<Did> {
    const { authority, collection, rkey } = parseAtUri(feed)
    const publisher = isDid(authority) ? authority : await this.#directory.resolveHandle(authority)
    const document = publisher && (await this.#directory.document(publisher))
    const host = document && identityOf(document).pds
    if (!host || collection !== 'app.bsky.feed.generator' || !rkey) throw unknown(feed)
    const query = new URLSearchParams({ repo: publisher, collection, rkey })
    const url = `${host}/xrpc/com.atproto.repo.getRecord?${query}`
    const limits = { timeoutMs: TIMEOUT_MS, maxResponseBytes: RECORD_BYTES_MAX }
    try {
      const response = await this.#fetch(url, limits)
      const answer = (await response.json()) as { value?: { did?: unknown } }
      if (isDid(answer.value?.did)) return answer.value.did
    } catch (cause) {
      const where = new URL(host).host
      throw new XrpcError(502, 'UpstreamFailure', `No answer from ${where}`, { cause })
    }
    throw unknown(feed)
  }
}

const unknown = (feed: string) => new XrpcError(400, 'UnknownFeed', `Could not find feed: ${feed}`)
