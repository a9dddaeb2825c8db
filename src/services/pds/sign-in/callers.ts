import { createGuesses, type Guesses } from '#platform/runtime'
import {
  equalText,
  type Permissions,
  parseAuthorization,
  requireBearer,
  type SessionScope,
  verifyServiceAuth,
} from '#protocol/auth'
import { fromBase64url, type PublicKey, parseDidKey } from '#protocol/crypto'
import { type Directory, identityOf } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type Auth, authRequired, type HttpRequest, XrpcError } from '#protocol/xrpc'
import { type Account, type Accounts, isHeldBack } from '../accounts/index.ts'
import {
  ADMIN,
  type Audit,
  mayDo,
  type Operator,
  type Operators,
  type Permission,
} from '../operators/index.ts'
import { isAppPurpose, permissionsFor, requirePurpose } from './purposes.ts'
import type { Sessions } from './sessions.ts'

/** An account's owner, signed in. */
export interface AccountCaller {
  account: Account
  did: Did
  /** Of an app that was let in by OAuth: as little as there is. What it may do, `permissions` say. */
  scope: SessionScope
  /** What an app may do that was let in by OAuth, or by a password for one purpose; undefined for others. */
  permissions?: Permissions | undefined
}

/** Who an app acts for, and what it may do. */
export interface AppCaller {
  did: Did
  permissions: Permissions
}

/** Whether an app may make this call. Throws ScopeMissingError (403). */
export type AppRule = (permissions: Permissions, request: HttpRequest, nsid: string) => void

/** For methods that any app may call, or that look at `permissions` when they know the input. */
export const anyApp: AppRule = () => {}

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
export type Reader = AccountCaller | OperatorCaller

/** Somebody who operates the host. */
export interface OperatorCaller {
  operator: Operator
}

interface AccessRules {
  /** Let a deactivated account in. */
  deactivated?: boolean
  /** Let the owner of an account in that was taken down or suspended: to see what they have, and to move away. */
  takendown?: boolean
  /** Which sign-ins are enough; 'full' is the account's own password. */
  least?: 'appPassword' | 'privilegedAppPassword' | 'full'
  /** Let an account in that moved away, while its writes are passed on to its new host. */
  passedOn?: boolean
  /** What apps need that were let in by OAuth; without it none is. */
  app?: AppRule
}

const ranks: Record<string, number> = {
  'com.atproto.appPass': 0,
  'com.atproto.appPassPrivileged': 1,
  'com.atproto.access': 2,
}
const leastRanks = { appPassword: 0, privilegedAppPassword: 1, full: 2 }

/** 0: an app password; 1: one with more permissions; 2: the account's own. */
export const rankOf = ({ scope }: Pick<AccountCaller, 'scope'>): number => ranks[scope] ?? -1

/** The owner of an account that was taken down, by its own password. */
const TAKENDOWN = 'com.atproto.takendown'

/** Whether the owner signed in with the account's own password. */
export const isFull = (caller: Pick<AccountCaller, 'scope'>): boolean =>
  rankOf(caller) === leastRanks.full || caller.scope === TAKENDOWN

/** Who is calling: each member is an `auth` of a method's declaration. */
export class Callers {
  readonly #sessions: Sessions
  readonly #accounts: Accounts
  readonly #directory: Directory
  readonly #hostDid: Did
  readonly #adminPassword: string | undefined
  readonly #moderators: ReadonlySet<string>
  readonly #operators: Operators
  readonly #audit: Audit
  readonly #apps: (request: HttpRequest) => Promise<AppCaller>
  readonly #isPassedOn: (did: Did) => boolean
  readonly #now: () => number
  readonly #guesses: Guesses

  constructor(options: {
    sessions: Sessions
    accounts: Accounts
    directory: Directory
    hostDid: Did
    adminPassword: string | undefined
    /** DIDs of moderation services that are moderators here. */
    moderators: readonly string[]
    operators: Operators
    audit: Audit
    /** Who an app is that brings a token of OAuth. */
    apps(request: HttpRequest): Promise<AppCaller>
    /** Whether writes of an account that left are passed on. */
    isPassedOn(did: Did): boolean
    now: () => number
  }) {
    this.#sessions = options.sessions
    this.#accounts = options.accounts
    this.#directory = options.directory
    this.#hostDid = options.hostDid
    this.#adminPassword = options.adminPassword
    this.#moderators = new Set(options.moderators.flatMap((did) => [did, `${did}#atproto_labeler`]))
    this.#operators = options.operators
    this.#audit = options.audit
    this.#apps = options.apps
    this.#isPassedOn = options.isPassedOn
    this.#now = options.now
    this.#guesses = createGuesses({ now: options.now })
  }

  /** The owner, by access token. Throws AuthenticationRequired, InvalidToken, ExpiredToken. */
  account(rules: AccessRules = {}): Auth<AccountCaller> {
    const least = leastRanks[rules.least ?? 'appPassword']
    return async (request, nsid) => {
      if (isApp(request)) return this.#app(rules, request, nsid)
      const claims = this.#sessions.verify(requireBearer(request.headers.authorization))
      const { sub: did, scope } = claims
      const rank = ranks[scope] ?? (scope === TAKENDOWN && rules.takendown ? leastRanks.full : -1)
      if (rank < least) throw new XrpcError(400, 'InvalidToken', 'Bad token scope')
      const account = await this.#accounts.get(did)
      if (!account) throw authRequired('Account not found', 'InvalidToken')
      // Who was shut out is told so, rather than that their session has ended.
      refuseInactive(account, this.#rulesFor(account, rules))
      this.#sessions.requireOpen(claims)
      const { may } = claims
      if (may === undefined) return { account, did, scope }
      return { account, did, scope, permissions: this.#forPurpose(may, rules, request, nsid) }
    }
  }

  /** What an app password for one purpose may do here. Throws Forbidden, ScopeMissingError (403). */
  #forPurpose(may: string, rules: AccessRules, request: HttpRequest, nsid: string): Permissions {
    if (!isAppPurpose(may) || !rules.app)
      throw new XrpcError(403, 'Forbidden', `Not for this app password: ${nsid}`)
    requirePurpose(may, request, nsid)
    const permissions = permissionsFor(may)
    rules.app(permissions, request, nsid)
    return permissions
  }

  #rulesFor({ did }: Account, rules: AccessRules): AccessRules {
    return rules.passedOn && this.#isPassedOn(did) ? { ...rules, deactivated: true } : rules
  }

  /** An app, by its token and proof. Throws Forbidden (403) where no app may call. */
  async #app(rules: AccessRules, request: HttpRequest, nsid: string): Promise<AccountCaller> {
    const { did, permissions } = await this.#apps(request)
    if (!rules.app) throw new XrpcError(403, 'Forbidden', `Not for apps: ${nsid}`)
    const account = await this.#accounts.get(did)
    if (!account) throw authRequired('Account not found', 'InvalidToken')
    // Whom the operator shut out goes by their own password.
    refuseInactive(account, { ...this.#rulesFor(account, rules), takendown: false })
    rules.app(permissions, request, nsid)
    return { account, did, scope: 'com.atproto.appPass', permissions }
  }

  /** The owner or an operator if signed in, undefined without an authorization header. */
  reader(): Auth<Reader | undefined> {
    const account = this.account({ deactivated: true, takendown: true, app: anyApp })
    const operator = this.operator('moderate')
    return (request, nsid): Reader | undefined | Promise<Reader> => {
      const { authorization } = request.headers
      if (authorization?.startsWith('Bearer ') || isApp(request))
        return account(request, nsid) as Promise<Reader>
      if (!authorization?.startsWith('Basic ')) return undefined
      return operator(request, nsid) as Promise<Reader>
    }
  }

  /** The owner by access token, or a service they gave a token for this method of this host. */
  accountOrService(rules: AccessRules = {}): Auth<AccountCaller> {
    const byAccess = this.account(rules)
    return async (request, nsid) => {
      if (isApp(request)) return byAccess(request, nsid)
      const token = requireBearer(request.headers.authorization)
      if (!isServiceToken(token)) return byAccess(request, nsid)
      const { iss } = await this.#verifyService(token, nsid)
      const account = await this.#accounts.get(iss as Did)
      if (!account) throw authRequired('Account not found', 'InvalidToken')
      refuseInactive(account, rules)
      return { account, did: account.did, scope: 'com.atproto.appPass' }
    }
  }

  /** The owner by access token, or a moderation service that this host trusts, by its own. */
  accountOrModerator(rules: AccessRules = {}): Auth<AccountCaller | OperatorCaller> {
    const byAccess = this.account(rules)
    return async (request, nsid) => {
      if (isApp(request)) return byAccess(request, nsid)
      const token = requireBearer(request.headers.authorization)
      if (!isServiceToken(token)) return byAccess(request, nsid)
      return { operator: await this.#moderationService(token, nsid) }
    }
  }

  /** The owner, by refresh token; also while deactivated. */
  refresh({ allowExpired = false } = {}): Auth<RefreshCaller> {
    return async (request) => {
      const token = requireBearer(request.headers.authorization)
      const { sub: did, scope, jti } = this.#sessions.verify(token, { allowExpired })
      if (scope !== 'com.atproto.refresh' || !jti) {
        throw new XrpcError(400, 'InvalidToken', 'Not a refresh token')
      }
      const account = await this.#accounts.get(did)
      if (!account) throw authRequired('Account not found', 'InvalidToken')
      refuseInactive(account, { deactivated: true })
      return { account, did, id: jti }
    }
  }

  /**
   * Somebody who operates the host and may do this: by the admin password, by a name and secret of
   * their own, or a moderation service by its token. Throws 401, Forbidden (403), RateLimitExceeded.
   */
  operator(permission: Permission): Auth<OperatorCaller> {
    return async (request, nsid) => {
      const operator = await this.#operator(request, nsid)
      if (mayDo(operator.role, permission)) return { operator }
      await this.#audit.refused(operator, nsid, 'Forbidden')
      throw new XrpcError(403, 'Forbidden', `Not for the role ${operator.role}`)
    }
  }

  /** An operator who may do everything. */
  readonly admin: Auth<OperatorCaller> = this.operator('run')

  async #operator({ headers, ip }: HttpRequest, nsid: string): Promise<Operator> {
    const given = parseAuthorization(headers.authorization)
    if (given?.kind === 'bearer') return this.#moderationService(given.token, nsid)
    if (given?.kind !== 'basic') throw authRequired('Operators only')
    const seconds = this.#guesses.secondsToWait(ip)
    if (seconds > 0) {
      const headers = { 'retry-after': String(seconds) }
      throw new XrpcError(429, 'RateLimitExceeded', 'Too many wrong passwords', { headers })
    }
    const operator =
      given.username === ADMIN.name
        ? this.#byAdminPassword(given.password)
        : await this.#operators.check(given.username, given.password)
    if (operator) return operator
    this.#guesses.wrong(ip)
    throw authRequired('Wrong name or password')
  }

  #byAdminPassword(given: string): Operator | undefined {
    const password = this.#adminPassword
    return password && equalText(given, password) ? ADMIN : undefined
  }

  async #moderationService(token: string, nsid: string): Promise<Operator> {
    const { iss } = await verifyServiceAuth(token, {
      aud: this.#hostDid,
      lxm: nsid,
      nowMs: this.#now(),
      // Before anybody is asked for a key: strangers make nobody look up anything.
      signingKey: (iss, fresh) => {
        if (this.#moderators.has(iss)) return this.#signingKey(iss, fresh)
        throw authRequired('Untrusted issuer', 'UntrustedIss')
      },
    })
    return { name: iss.split('#')[0]!, role: 'moderator' }
  }

  /** A service-auth token for this host and this method, or nobody. */
  optionalService: Auth<ServiceCaller | undefined> = async (request, nsid) => {
    const header = request.headers.authorization
    if (header === undefined) return undefined
    return this.#verifyService(requireBearer(header), nsid)
  }

  /** A service that somebody here trusts, by its token. Throws UntrustedIss (401) for any other. */
  service(isTrusted: (iss: string) => Promise<boolean>): Auth<ServiceCaller> {
    return async (request, nsid) => {
      const { iss } = await verifyServiceAuth(requireBearer(request.headers.authorization), {
        ...{ aud: this.#hostDid, lxm: nsid, nowMs: this.#now() },
        // Before anybody is asked for a key, as with moderation services.
        signingKey: async (iss, fresh) => {
          if (await isTrusted(iss)) return this.#signingKey(iss, fresh)
          throw authRequired('Untrusted issuer', 'UntrustedIss')
        },
      })
      return { iss }
    }
  }

  async #verifyService(token: string, nsid: string): Promise<ServiceCaller> {
    const { iss } = await verifyServiceAuth(token, {
      aud: this.#hostDid,
      lxm: nsid,
      nowMs: this.#now(),
      signingKey: (iss, fresh) => this.#signingKey(iss, fresh),
    })
    return { iss }
  }

  /** The key of an account, or of its labeler where the issuer says so. */
  async #signingKey(iss: string, fresh: boolean): Promise<PublicKey> {
    const [did, service] = iss.split('#')
    const document = await this.#directory.document(did as Did, { fresh })
    const identity = document && identityOf(document)
    const isLabeler = service === 'atproto_labeler'
    const key = isLabeler ? identity?.labelerKey : identity?.signingKey
    if (!key) throw authRequired(`No signing key found for ${iss}`, 'BadJwtIss')
    return parseDidKey(key)
  }
}

/** Whether a call brings a token of OAuth. */
const isApp = ({ headers }: HttpRequest): boolean => /^dpop /i.test(headers.authorization ?? '')

/** Tokens of services are signed by keys, ours by a shared secret: the head of a token tells. */
function isServiceToken(token: string): boolean {
  try {
    const head = new TextDecoder().decode(fromBase64url(token.slice(0, token.indexOf('.'))))
    return String((JSON.parse(head) as { alg?: unknown }).alg).startsWith('ES')
  } catch {
    return false
  }
}

/** What the owner of an account is told that the operator holds back. */
export const heldBack = ({ status }: Pick<Account, 'status'>): XrpcError =>
  authRequired(
    status === 'suspended' ? 'Account has been suspended' : 'Account has been taken down',
    'AccountTakedown',
  )

function refuseInactive({ status }: Account, rules: AccessRules): void {
  if (isHeldBack({ status }) && !rules.takendown) throw heldBack({ status })
  if (status === 'deactivated' && !rules.deactivated) {
    throw authRequired('Account is deactivated', 'AccountDeactivated')
  }
}
