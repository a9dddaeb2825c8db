import { type Fetch, OutgoingError } from '#platform/runtime'
import { type Directory, identityOf } from '#protocol/identity'
import { type AtUri, type Did, isAtUri } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { askUpstream } from '../read/upstream.ts'

/** One item as the maker of a feed gives it. */
export interface SkeletonItem {
  post: AtUri
  /** The repost that is why it is shown. */
  repost: AtUri | undefined
  /** Its author pinned it, says the maker. */
  pinned: boolean
  /** The maker's own word on why, handed on as it is. */
  context: string | undefined
}

export interface SkeletonPage {
  items: SkeletonItem[]
  cursor: string | undefined
}

/** The whole exchange: a person is waiting, and a page may take two of them. */
const TIMEOUT_MS = 4_000
/** For a sign of life. */
const DESCRIPTION_TIMEOUT_MS = 2_000
/** 100 items with everything a maker may say of them. */
const ANSWER_BYTES_MAX = 500_000
const CURSOR_LENGTH_MAX = 2_000
const CONTEXT_LENGTH_MAX = 2_000

/**
 * The services that make feeds: anybody's, found by DID, trusted with nothing. What they answer is a
 * list of names; what those show is decided here.
 */
export class FeedMakers {
  readonly #directory: Directory
  readonly #fetch: Fetch

  constructor({ directory, fetch }: { directory: Directory; fetch: Fetch }) {
    this.#directory = directory
    this.#fetch = fetch
  }

  /** Where the maker is; undefined when its DID document names no feed service. */
  async urlOf(did: Did): Promise<string | undefined> {
    const document = await askUpstream(() => this.#directory.document(did))
    return document && identityOf(document).service('bsky_fg')
  }

  /**
   * Whether the maker answers, and whether it says that the feed is one of its own. A maker that
   * answers but does not describe itself may still make it.
   */
  async standing(maker: Did, feed: string): Promise<{ isOnline: boolean; isValid: boolean }> {
    try {
      const url = await this.urlOf(maker)
      if (url === undefined) return { isOnline: false, isValid: false }
      const response = await this.#fetch(`${url}/xrpc/app.bsky.feed.describeFeedGenerator`, {
        headers: { accept: 'application/json' },
        redirect: 'error',
        timeoutMs: DESCRIPTION_TIMEOUT_MS,
        maxResponseBytes: ANSWER_BYTES_MAX,
      })
      return { isOnline: response.status < 500, isValid: await mayMake(response, feed) }
    } catch {
      return { isOnline: false, isValid: false }
    }
  }

  /**
   * One page. `authorization` is the viewer's token for the maker, passed on as it is. Throws
   * UpstreamFailure and UpstreamTimeout naming the maker, or the maker's own 400 and 401.
   */
  async skeleton(
    maker: Did,
    params: { feed: string; limit: number; cursor: string | undefined },
    headers: { authorization?: string | undefined; acceptLanguage?: string | undefined },
  ): Promise<SkeletonPage> {
    const url = await this.urlOf(maker)
    if (url === undefined) throw failure(maker, 'has no feed service')
    const query = new URLSearchParams({ feed: params.feed, limit: String(params.limit) })
    if (params.cursor !== undefined) query.set('cursor', params.cursor)
    const answer = await this.#ask(
      maker,
      `${url}/xrpc/app.bsky.feed.getFeedSkeleton?${query}`,
      headers,
    )
    return readPage(maker, answer, params.limit)
  }

  async #ask(
    maker: Did,
    url: string,
    { authorization, acceptLanguage }: Parameters<FeedMakers['skeleton']>[2],
  ): Promise<unknown> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (authorization !== undefined) headers.authorization = authorization
    if (acceptLanguage !== undefined) headers['accept-language'] = acceptLanguage
    try {
      const response = await this.#fetch(url, {
        headers,
        redirect: 'error',
        timeoutMs: TIMEOUT_MS,
        maxResponseBytes: ANSWER_BYTES_MAX,
      })
      const answer = (await response.json()) as Record<string, unknown>
      if (response.ok) return answer
      if (response.status === 400 || response.status === 401) throw refusal(response.status, answer)
      throw failure(maker, `answered ${response.status}`)
    } catch (cause) {
      if (cause instanceof XrpcError) throw cause
      if (cause instanceof OutgoingError && cause.code === 'Timeout') throw late(maker, cause)
      throw failure(maker, 'did not answer', cause)
    }
  }
}

/** The maker's own refusal, in its words as far as they are words. */
function refusal(status: number, answer: Record<string, unknown>): XrpcError {
  const { error, message } = answer
  const name =
    typeof error === 'string' && /^[A-Za-z]{1,60}$/.test(error) ? error : 'InvalidRequest'
  return new XrpcError(status, name, typeof message === 'string' ? message.slice(0, 300) : name)
}

const failure = (maker: Did, what: string, cause?: unknown) =>
  new XrpcError(502, 'UpstreamFailure', `The feed's maker ${maker} ${what}`, { cause })

const late = (maker: Did, cause: unknown) =>
  new XrpcError(504, 'UpstreamTimeout', `The feed's maker ${maker} did not answer in time`, {
    cause,
  })

/** False only when the maker lists its feeds, and this is none of them. */
async function mayMake(response: Response, feed: string): Promise<boolean> {
  if (response.status >= 500) return false
  const { feeds } = ((await response.json().catch(() => null)) ?? {}) as { feeds?: unknown }
  if (!response.ok || !Array.isArray(feeds)) return true
  return feeds.some((one) => (one as { uri?: unknown } | null)?.uri === feed)
}

/** What is no AT-URI is left out, what comes twice comes once, and no more than was asked for. */
function readPage(maker: Did, answer: unknown, limit: number): SkeletonPage {
  const { feed, cursor } = (answer ?? {}) as { feed?: unknown; cursor?: unknown }
  if (!Array.isArray(feed)) throw failure(maker, 'gave no feed')
  const seen = new Set<string>()
  const items: SkeletonItem[] = []
  for (const entry of feed.slice(0, limit)) {
    const item = readItem(entry)
    if (item === undefined) continue
    const name = `${item.post} ${item.repost ?? ''}`
    if (!seen.has(name)) items.push(item)
    seen.add(name)
  }
  const goesOn = typeof cursor === 'string' && cursor !== '' && cursor.length <= CURSOR_LENGTH_MAX
  return { items, cursor: goesOn ? cursor : undefined }
}

const PIN = 'app.bsky.feed.defs#skeletonReasonPin'

function readItem(entry: unknown): SkeletonItem | undefined {
  const { post, reason, feedContext } = (entry ?? {}) as {
    post?: unknown
    reason?: { $type?: unknown; repost?: unknown }
    feedContext?: unknown
  }
  if (!isAtUri(post)) return undefined
  const isContext = typeof feedContext === 'string' && feedContext.length <= CONTEXT_LENGTH_MAX
  return {
    post,
    repost: isAtUri(reason?.repost) ? reason.repost : undefined,
    pinned: reason?.$type === PIN,
    context: isContext ? feedContext : undefined,
  }
}
