import { createGuesses, type Guesses } from '#platform/runtime'
import { isBasic, parseAuthorization, requireBearer, verifyServiceAuth } from '#protocol/auth'
import { type PublicKey, parseDidKey } from '#protocol/crypto'
import { type Directory, identityOf, type PlcClient } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type Auth, authRequired, type HttpRequest, XrpcError } from '#protocol/xrpc'

/** Who is calling: the operator, or the owner of an account. */
export type Caller = { did: Did } | 'operator'

/** Who is calling, and what they may see. */
export class Callers {
  readonly #did: Did
  readonly #adminPassword: string | undefined
  readonly #directory: Directory
  readonly #plc: PlcClient
  readonly #now: () => number
  readonly #guesses: Guesses

  constructor(options: {
    /** Our own. */
    did: Did
    adminPassword: string | undefined
    directory: Directory
    plc: PlcClient
    now: () => number
  }) {
    this.#did = options.did
    this.#adminPassword = options.adminPassword
    this.#directory = options.directory
    this.#plc = options.plc
    this.#now = options.now
    this.#guesses = createGuesses({ now: options.now })
  }

  /**
   * An account, by a token that its host signed in its name; or, its host being gone, by a token that
   * its owner signed with a rotation key, such as the recovery key.
   */
  readonly owner: Auth<Did> = (request, nsid) =>
    this.#guessed(request, () => this.#issuer(request, nsid))

  /** The operator, by password. */
  readonly operator: Auth<'operator'> = (request) =>
    this.#guessed(request, async (): Promise<'operator'> => {
      if (this.#isOperator(request)) return 'operator'
      throw authRequired('Wrong password')
    })

  /** Either. */
  readonly either: Auth<Caller> = async (request, nsid) => {
    if (parseAuthorization(request.headers.authorization)?.kind === 'basic')
      return this.operator(request, nsid)
    return { did: await this.owner(request, nsid) }
  }

  #isOperator({ headers: { authorization } }: HttpRequest): boolean {
    const password = this.#adminPassword
    return (
      password !== undefined &&
      authorization !== undefined &&
      isBasic(authorization, 'admin', password)
    )
  }

  /** Wrong passwords and tokens cost somebody's lookups: an address has few of them. */
  async #guessed<T>({ ip }: HttpRequest, check: () => Promise<T>): Promise<T> {
    const seconds = this.#guesses.secondsToWait(ip)
    if (seconds > 0) {
      const headers = { 'retry-after': String(seconds) }
      throw new XrpcError(429, 'RateLimitExceeded', 'Too many wrong proofs', { headers })
    }
    try {
      return await check()
    } catch (error) {
      if (error instanceof XrpcError && error.status === 401) this.#guesses.wrong(ip)
      throw error
    }
  }

  async #issuer(request: HttpRequest, lxm: string): Promise<Did> {
    const token = requireBearer(request.headers.authorization)
    const aud = [this.#did, `${this.#did}#falaj_vault`]
    const checks = { aud, lxm, nowMs: this.#now() }
    const read = (signingKey: (iss: string, fresh: boolean) => Promise<PublicKey>) =>
      verifyServiceAuth(token, { ...checks, signingKey })
    let issuer = ''
    try {
      const { iss } = await read((iss, fresh) => {
        issuer = iss
        return this.#keyOf(iss as Did, fresh)
      })
      return accountOf(iss)
    } catch (error) {
      if (!isWrongKey(error)) throw error
      for (const key of await this.#rotationKeys(issuer as Did)) {
        const claims = await read(async () => key).catch(() => undefined)
        if (claims) return accountOf(claims.iss)
      }
      throw error
    }
  }

  async #keyOf(did: Did, fresh: boolean): Promise<PublicKey> {
    const document = await this.#directory.document(did, { fresh })
    const key = document && identityOf(document).signingKey
    if (!key) throw authRequired('The issuer has no key', 'BadJwtIss')
    return parseDidKey(key)
  }

  /** Keys that may change the identity now, the most powerful first. */
  async #rotationKeys(did: Did): Promise<PublicKey[]> {
    if (!did.startsWith('did:plc:')) return []
    const data = await this.#plc.data(did)
    return (data?.rotationKeys ?? []).flatMap((key) => {
      try {
        return [parseDidKey(key)]
      } catch {
        return [] // of a curve that is not known: nobody proves anything by it
      }
    })
  }
}

function isWrongKey(error: unknown): boolean {
  return error instanceof XrpcError && ['BadJwtSignature', 'BadJwtIss'].includes(error.error ?? '')
}

function accountOf(iss: string): Did {
  if (iss.includes('#')) throw authRequired('jwt iss is not an account', 'BadJwtIss')
  return iss as Did
}

/** Throws 403 when the account is somebody else's. */
export function requireMine(caller: Caller, did: Did): void {
  if (caller === 'operator' || caller.did === did) return
  throw new XrpcError(403, 'Forbidden', 'The account of somebody else')
}
