import { createGuesses, type Guesses } from '#platform/runtime'
import { isBasic, parseAuthorization, requireBearer, verifyServiceAuth } from '#protocol/auth'
import { type PublicKey, parseDidKey } from '#protocol/crypto'
import { type Directory, identityOf } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type Auth, authRequired, type HttpRequest, XrpcError } from '#protocol/xrpc'

/** Who decides. The operator has no DID of its own. */
export interface Moderator {
  did: Did | undefined
}

/** Who is calling. */
export class Callers {
  readonly #did: Did
  readonly #adminPassword: string | undefined
  readonly #moderators: ReadonlySet<string>
  readonly #directory: Directory
  readonly #now: () => number
  readonly #guesses: Guesses

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
    this.#guesses = createGuesses({ now: options.now })
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
    const seconds = this.#guesses.secondsToWait(ip)
    if (seconds > 0) {
      const headers = { 'retry-after': String(seconds) }
      throw new XrpcError(429, 'RateLimitExceeded', 'Too many wrong passwords', { headers })
    }
    const isRight = isBasic(authorization, 'admin', password)
    if (!isRight) this.#guesses.wrong(ip)
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
