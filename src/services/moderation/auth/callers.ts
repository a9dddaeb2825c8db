import { createLru } from '#platform/runtime'
import { isBasic, parseAuthorization, requireBearer, verifyServiceAuth } from '#protocol/auth'
import { type PublicKey, parseDidKey } from '#protocol/crypto'
import { type Directory, identityOf } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type Auth, authRequired, type HttpRequest, XrpcError } from '#protocol/xrpc'

/** Who decides. The operator has no DID of its own. */
export interface Moderator {
  did: Did | undefined
}

/** Wrong passwords from one address before it has to wait, and for how long. */
const WRONG_MAX = 20
const WRONG_MS = 60_000
const ADDRESSES_MAX = 10_000

/** Who is calling. */
export class Callers {
  readonly #did: Did
  readonly #adminPassword: string | undefined
  readonly #moderators: ReadonlySet<string>
  readonly #directory: Directory
  readonly #now: () => number
  readonly #wrong = createLru<string, { count: number; untilMs: number }>({
    maxEntries: ADDRESSES_MAX,
  })

  constructor(options: {
    /** Our own. */
    did: Did
    adminPassword: string | undefined
    moderators: readonly string[]
    directory: Directory
    now: () => number
  }) {
    this.#did = options.did
    this.#adminPassword = options.adminPassword
    this.#moderators = new Set(options.moderators)
    this.#directory = options.directory
    this.#now = options.now
  }

  /** An account, in whose name its host signed a token. */
  readonly account: Auth<Did> = (request, nsid) => this.#issuer(request, nsid)

  /** The operator by password, or a named moderator. Throws 401, or 403 for anybody else. */
  readonly moderator: Auth<Moderator> = async (request, nsid) => {
    if (parseAuthorization(request.headers.authorization)?.kind === 'basic') {
      if (!this.isAdmin(request)) throw authRequired('Wrong password')
      return { did: undefined }
    }
    const did = await this.#issuer(request, nsid)
    if (!this.#moderators.has(did)) throw new XrpcError(403, 'Forbidden', 'Not a moderator')
    return { did }
  }

  /** Whether the request carries the operator's password. Throws RateLimitExceeded. */
  isAdmin({ headers: { authorization }, ip }: Pick<HttpRequest, 'headers' | 'ip'>): boolean {
    const password = this.#adminPassword
    if (password === undefined || authorization === undefined) return false
    const nowMs = this.#now()
    const known = this.#wrong.get(ip)
    const wrong = known && known.untilMs > nowMs ? known : { count: 0, untilMs: nowMs + WRONG_MS }
    if (wrong.count >= WRONG_MAX) {
      const seconds = String(Math.ceil((wrong.untilMs - nowMs) / 1000))
      const headers = { 'retry-after': seconds }
      throw new XrpcError(429, 'RateLimitExceeded', 'Too many wrong passwords', { headers })
    }
    const isRight = isBasic(authorization, 'admin', password)
    if (!isRight) this.#wrong.set(ip, { ...wrong, count: wrong.count + 1 })
    return isRight
  }

  async #issuer(request: HttpRequest, lxm: string): Promise<Did> {
    const token = requireBearer(request.headers.authorization)
    const aud = [this.#did, `${this.#did}#atproto_labeler`]
    const signingKey = (iss: string, fresh: boolean) => this.#keyOf(iss as Did, fresh)
    const { iss } = await verifyServiceAuth(token, { aud, lxm, nowMs: this.#now(), signingKey })
    if (iss.includes('#')) throw authRequired('jwt iss is not an account', 'BadJwtIss')
    return iss as Did
  }

  async #keyOf(did: Did, fresh: boolean): Promise<PublicKey> {
    const document = await this.#directory.document(did, { fresh })
    const key = document && identityOf(document).signingKey
    if (!key) throw authRequired('The issuer has no key', 'BadJwtIss')
    return parseDidKey(key)
  }
}
