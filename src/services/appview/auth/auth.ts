import { createLru } from '#platform/runtime'
import { requireBearer, type ServiceAuthClaims, verifyServiceAuth } from '#protocol/auth'
import { fromBase64url, type PublicKey, parseDidKey } from '#protocol/crypto'
import { type Directory, identityOf } from '#protocol/identity'
import { type Did, ProtocolError } from '#protocol/syntax'
import { type Auth, authRequired, type HttpRequest } from '#protocol/xrpc'
import type { Labelers } from '../labelers/labelers.ts'
import type { Actors } from '../read/actors.ts'
import type { Viewer } from '../read/hydrate.ts'
import { askUpstream } from '../read/upstream.ts'

/** Checked tokens are remembered this long at most: a PDS may use one for a page of calls. */
const REMEMBERED_MS = 60_000
const TOKENS_MAX = 10_000
const CHANGED_MAX = 10_000
/** Stands where a DID must; no account has it. */
const NOBODY: Did = 'did:web:nobody.invalid'

interface Remembered {
  claims: ServiceAuthClaims
  checkedMs: number
  untilMs: number
}

export interface AuthParts {
  directory: Directory
  actors: Actors
  labelers: Pick<Labelers, 'accepted'>
  now: () => number
  /** Our own. */
  did: Did
}

/** Somebody who looks at a feed, with the token for its maker. */
export interface FeedViewer extends Viewer {
  /** Whom the token is for. */
  audience: string
  /** The whole header, to be passed on to the maker. */
  token: string
}

const FEED_SKELETON = 'app.bsky.feed.getFeedSkeleton'

/** What a token says of whom it is for; verified afterwards. Throws BadJwt. */
function audienceOf(token: string): string {
  try {
    const claims = JSON.parse(new TextDecoder().decode(fromBase64url(token.split('.')[1] ?? '')))
    if (typeof claims.aud === 'string') return claims.aud
  } catch {
    // told below
  }
  throw authRequired('poorly formatted jwt', 'BadJwt')
}

/** Who is calling: the account in whose name its PDS signed a service auth token. */
export class ViewerAuth {
  readonly #parts: AuthParts
  readonly #remembered = createLru<string, Remembered>({ maxEntries: TOKENS_MAX })
  /** Identities that changed, and when: a token checked before is checked again. */
  readonly #changed = new Map<string, number>()

  constructor(parts: AuthParts) {
    this.#parts = parts
  }

  /** An identity changed: what its old key signed counts no more. */
  forget(did: Did): void {
    if (this.#changed.size >= CHANGED_MAX) {
      this.#changed.clear()
      this.#remembered.clear()
    }
    this.#changed.set(did, this.#parts.now())
  }

  /** 401 without a good token. */
  readonly required: Auth<Viewer> = async (request, nsid) => {
    const viewer = await this.optional(request, nsid)
    if (viewer === undefined || viewer.isNobody)
      throw authRequired('Authentication Required', 'AuthMissing')
    return viewer
  }

  /** Nobody in particular without a token; 401 with a bad one. */
  readonly optional: Auth<Viewer | undefined> = async (request, nsid) => {
    const { authorization, 'atproto-accept-labelers': wanted } = request.headers
    const labelers = wanted === undefined ? undefined : this.#parts.labelers.accepted(wanted)
    if (authorization === undefined)
      return labelers && { aid: 0, did: NOBODY, isNobody: true, labelers }
    const did = await this.#issuer(request, nsid)
    return { did, aid: (await this.#parts.actors.aidOf(did)) ?? 0, labelers }
  }

  /**
   * The viewer of a feed: the token is for the feed's maker, so its audience is told and the method
   * has to look at it. Nobody in particular without a token.
   */
  readonly forFeed: Auth<FeedViewer | undefined> = async (request) => {
    const { authorization } = request.headers
    if (authorization === undefined) return undefined
    const audience = audienceOf(requireBearer(authorization))
    const { iss } = await verifyServiceAuth(requireBearer(authorization), {
      aud: audience,
      lxm: FEED_SKELETON,
      nowMs: this.#parts.now(),
      signingKey: (issuer, fresh) => this.#keyOf(issuer, fresh),
    })
    if (iss.includes('#')) throw authRequired('jwt iss is not an account', 'BadJwtIss')
    const did = iss as Did
    const aid = (await this.#parts.actors.aidOf(did)) ?? 0
    return { did, aid, audience, token: authorization }
  }

  async #issuer(request: HttpRequest, nsid: string): Promise<Did> {
    const token = requireBearer(request.headers.authorization)
    const nowMs = this.#parts.now()
    const known = this.#remembered.get(token)
    if (known !== undefined && known.untilMs > nowMs && known.claims.lxm === nsid) {
      const { iss } = known.claims
      if (known.checkedMs > (this.#changed.get(iss) ?? -Infinity)) return iss as Did
    }
    const claims = await this.#verify(token, nsid, nowMs)
    // A service may sign as `did#service`; what it may see as a viewer is nothing we know of.
    if (claims.iss.includes('#')) throw authRequired('jwt iss is not an account', 'BadJwtIss')
    const untilMs = Math.min(claims.exp * 1000, nowMs + REMEMBERED_MS)
    this.#remembered.set(token, { claims, checkedMs: nowMs, untilMs })
    return claims.iss as Did
  }

  async #verify(token: string, lxm: string, nowMs: number): Promise<ServiceAuthClaims> {
    const { did } = this.#parts
    const aud = [did, `${did}#bsky_appview`]
    const signingKey = (iss: string, fresh: boolean) => this.#keyOf(iss, fresh)
    return verifyServiceAuth(token, { aud, lxm, nowMs, signingKey })
  }

  async #keyOf(iss: string, fresh: boolean): Promise<PublicKey> {
    const did = iss.split('#')[0] as Did
    const document = await askUpstream(() => this.#parts.directory.document(did, { fresh }))
    const key = document && identityOf(document).signingKey
    if (key === undefined) throw new ProtocolError('UnknownIssuer', 'the issuer has no key')
    return parseDidKey(key)
  }
}
