import { isBasic, requireBearer, type SessionScope, verifyServiceAuth } from '#protocol/auth'
import { fromBase64url, type PublicKey, parseDidKey } from '#protocol/crypto'
import { type Directory, identityOf } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type Auth, authRequired, XrpcError } from '#protocol/xrpc'
import type { Account, Accounts } from '../accounts/index.ts'
import type { Sessions } from './sessions.ts'

/** An account's owner, signed in. */
export interface AccountCaller {
  account: Account
  did: Did
  scope: SessionScope
}

export interface RefreshCaller {
  account: Account
  did: Did
  id: string
}

/** Another service, or an account by its own key. */
export interface ServiceCaller {
  iss: string
}

/** Who may see more of a repository than everybody: its owner, or the operator. */
export type Reader = AccountCaller | { admin: true }

interface AccessRules {
  /** Let a deactivated account in. */
  deactivated?: boolean
  /** Which sign-ins are enough; 'full' is the account's own password. */
  least?: 'appPassword' | 'privilegedAppPassword' | 'full'
}

const ranks: Record<string, number> = {
  'com.atproto.appPass': 0,
  'com.atproto.appPassPrivileged': 1,
  'com.atproto.access': 2,
}
const leastRanks = { appPassword: 0, privilegedAppPassword: 1, full: 2 }

/** 0: an app password; 1: one with more permissions; 2: the account's own. */
export const rankOf = ({ scope }: Pick<AccountCaller, 'scope'>): number => ranks[scope] ?? -1

/** Whether the owner signed in with the account's own password. */
export const isFull = (caller: Pick<AccountCaller, 'scope'>): boolean =>
  rankOf(caller) === leastRanks.full

/** Who is calling: each member is an `auth` of a method's declaration. */
export class Callers {
  readonly #sessions: Sessions
  readonly #accounts: Accounts
  readonly #directory: Directory
  readonly #hostDid: Did
  readonly #adminPassword: string | undefined
  readonly #now: () => number

  constructor(options: {
    sessions: Sessions
    accounts: Accounts
    directory: Directory
    hostDid: Did
    adminPassword: string | undefined
    now: () => number
  }) {
    this.#sessions = options.sessions
    this.#accounts = options.accounts
    this.#directory = options.directory
    this.#hostDid = options.hostDid
    this.#adminPassword = options.adminPassword
    this.#now = options.now
  }

  /** The owner, by access token. Throws AuthenticationRequired, InvalidToken, ExpiredToken. */
  account(rules: AccessRules = {}): Auth<AccountCaller> {
    const least = leastRanks[rules.least ?? 'appPassword']
    return async (request) => {
      const { sub: did, scope } = this.#sessions.verify(
        requireBearer(request.headers.authorization),
      )
      const rank = ranks[scope]
      if (rank === undefined) throw authRequired('Not an access token', 'InvalidToken')
      if (rank < least) {
        throw new XrpcError(403, 'InvalidToken', 'This needs the account password')
      }
      const account = await this.#accounts.get(did)
      if (!account) throw authRequired('Account not found', 'InvalidToken')
      refuseInactive(account, rules.deactivated === true)
      return { account, did, scope }
    }
  }

  /** The owner or the operator if signed in, undefined without an authorization header. */
  reader(): Auth<Reader | undefined> {
    const account = this.account({ deactivated: true })
    return (request, nsid) => {
      const { authorization } = request.headers
      if (authorization?.startsWith('Bearer ')) return account(request, nsid)
      return authorization?.startsWith('Basic ') ? this.admin(request, nsid) : undefined
    }
  }

  /** The owner by access token, or a service they gave a token for this method of this host. */
  accountOrService(rules: AccessRules = {}): Auth<AccountCaller> {
    const byAccess = this.account(rules)
    return async (request, nsid) => {
      const token = requireBearer(request.headers.authorization)
      if (!isServiceToken(token)) return byAccess(request, nsid)
      const { iss } = await this.#verifyService(token, nsid)
      const account = await this.#accounts.get(iss as Did)
      if (!account) throw authRequired('Account not found', 'InvalidToken')
      refuseInactive(account, rules.deactivated === true)
      return { account, did: account.did, scope: 'com.atproto.appPass' }
    }
  }

  /** The owner, by refresh token; also while deactivated. */
  refresh({ allowExpired = false } = {}): Auth<RefreshCaller> {
    return async (request) => {
      const token = requireBearer(request.headers.authorization)
      const { sub: did, scope, jti } = this.#sessions.verify(token, { allowExpired })
      if (scope !== 'com.atproto.refresh' || !jti) {
        throw authRequired('Not a refresh token', 'InvalidToken')
      }
      const account = await this.#accounts.get(did)
      if (!account) throw authRequired('Account not found', 'InvalidToken')
      if (account.status === 'takendown') refuseInactive(account, true)
      return { account, did, id: jti }
    }
  }

  /** The operator, by the admin password. */
  admin: Auth<{ admin: true }> = (request) => {
    const password = this.#adminPassword
    if (!password || !isBasic(request.headers.authorization, 'admin', password)) {
      throw authRequired('Admin only')
    }
    return { admin: true }
  }

  /** A service-auth token for this host and this method, or nobody. */
  optionalService: Auth<ServiceCaller | undefined> = async (request, nsid) => {
    const header = request.headers.authorization
    if (header === undefined) return undefined
    return this.#verifyService(requireBearer(header), nsid)
  }

  async #verifyService(token: string, nsid: string): Promise<ServiceCaller> {
    const { iss } = await verifyServiceAuth(token, {
      aud: this.#hostDid,
      lxm: nsid,
      nowMs: this.#now(),
      signingKey: (did, fresh) => this.#signingKey(did as Did, fresh),
    })
    return { iss }
  }

  async #signingKey(did: Did, fresh: boolean): Promise<PublicKey> {
    const document = await this.#directory.document(did, { fresh })
    const key = document && identityOf(document).signingKey
    if (!key) throw authRequired(`No signing key found for ${did}`, 'BadJwtIss')
    return parseDidKey(key)
  }
}

/** Tokens of services are signed by keys, ours by a shared secret: the head of a token tells. */
function isServiceToken(token: string): boolean {
  try {
    const head = new TextDecoder().decode(fromBase64url(token.slice(0, token.indexOf('.'))))
    return String((JSON.parse(head) as { alg?: unknown }).alg).startsWith('ES')
  } catch {
    return false
  }
}

function refuseInactive(account: Account, deactivatedAllowed: boolean): void {
  if (account.status === 'takendown') {
    throw authRequired('Account has been taken down', 'AccountTakedown')
  }
  if (account.status === 'deactivated' && !deactivatedAllowed) {
    throw authRequired('Account is deactivated', 'AccountDeactivated')
  }
}
