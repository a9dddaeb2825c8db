import { isDid, isNsid } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { escapeScopeValue, parseScopeParts, type ScopeParts } from './scope-syntax.ts'

const repoActions = ['create', 'update', 'delete'] as const
export type RepoAction = (typeof repoActions)[number]

/** One permission, as a scope says it. `*` stands for everything where it may. */
export type Permission =
  | { resource: 'repo'; collections: readonly string[]; actions: readonly RepoAction[] }
  | { resource: 'rpc'; lxm: readonly string[]; aud: string }
  | { resource: 'blob'; accept: readonly string[] }
  | { resource: 'account'; attr: 'email' | 'repo'; action: 'read' | 'manage' }
  | { resource: 'identity'; attr: 'handle' | '*' }
  | { resource: 'include'; nsid: string; aud: string | undefined }

const transitional = ['transition:generic', 'transition:chat.bsky', 'transition:email'] as const
/** What older apps ask for: as much as an app password opens. */
export type TransitionalScope = (typeof transitional)[number]

export const isTransitional = (scope: string): scope is TransitionalScope =>
  (transitional as readonly string[]).includes(scope)

/** Whether this host knows what the scope means; `atproto` is one. */
export const isKnownScope = (scope: string): boolean =>
  scope === 'atproto' || isTransitional(scope) || parsePermission(scope) !== undefined

/**
 * The permission that a scope asks for; undefined when it asks for nothing that is known, or says
 * more than is known. https://atproto.com/specs/permission#resource-types
 */
export function parsePermission(scope: string): Permission | undefined {
  const parts = parseScopeParts(scope)
  const read = parts && Object.hasOwn(readers, parts.resource) && readers[parts.resource]
  if (!read) return undefined
  const { positionalName, names } = read
  const params = new Map(parts.params)
  if ([...params.keys()].some((name) => !names.includes(name))) return undefined
  if (parts.positional !== '') {
    if (params.has(positionalName)) return undefined
    params.set(positionalName, [parts.positional])
  } else if (hasColon(scope, parts)) return undefined
  return read.make(new Params(params))
}

const hasColon = (scope: string, { resource }: ScopeParts) => scope[resource.length] === ':'

/** Parameters by name, each read once as one value or as several. */
class Params {
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
  }

  all(name: string): readonly string[] | undefined {
    return this.#values.get(name)
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** Undefined when it is missing or there are several. */
  one(name: string): string | undefined {
    const values = this.#values.get(name)
    return values?.length === 1 ? values[0] : undefined
  }
}

interface Reader {
  positionalName: string
  names: readonly string[]
  make(params: Params): Permission | undefined
}

const readers: Readonly<Record<string, Reader>> = {
  repo: {
    positionalName: 'collection',
    names: ['collection', 'action'],
    make(params) {
      const collections = params.all('collection')
      const actions = params.all('action') ?? repoActions
      if (!collections?.every(isNameOrAll) || !actions.every(isRepoAction)) return undefined
      return { resource: 'repo', collections, actions }
    },
  },
  rpc: {
    positionalName: 'lxm',
    names: ['lxm', 'aud'],
    make(params) {
      const lxm = params.all('lxm')
      const aud = params.one('aud')
      if (!lxm?.every(isNameOrAll) || aud === undefined) return undefined
      if (aud !== '*' && !isServiceReference(aud)) return undefined
      return aud === '*' && lxm.includes('*') ? undefined : { resource: 'rpc', lxm, aud }
    },
  },
  blob: {
    positionalName: 'accept',
    names: ['accept'],
    make(params) {
      const accept = params.all('accept')
      return accept?.every(isMediaPattern) ? { resource: 'blob', accept } : undefined
    },
  },
  account: {
    positionalName: 'attr',
    names: ['attr', 'action'],
    make(params) {
      const attr = params.one('attr')
      const action = params.has('action') ? params.one('action') : 'read'
      if (attr !== 'email' && attr !== 'repo') return undefined
      if (action !== 'read' && action !== 'manage') return undefined
      return { resource: 'account', attr, action }
    },
  },
  identity: {
    positionalName: 'attr',
    names: ['attr'],
    make(params) {
      const attr = params.one('attr')
      return attr === 'handle' || attr === '*' ? { resource: 'identity', attr } : undefined
    },
  },
  include: {
    positionalName: 'nsid',
    names: ['nsid', 'aud'],
    make(params) {
      const nsid = params.one('nsid')
      const aud = params.one('aud')
      if (!isNsid(nsid) || (params.has('aud') && !isServiceReference(aud))) return undefined
      return { resource: 'include', nsid, aud }
    },
  },
}

const isNameOrAll = (name: string) => name === '*' || isNsid(name)
const isRepoAction = (action: string): action is RepoAction =>
  (repoActions as readonly string[]).includes(action)

const mediaPattern = /^(?:\*\/\*|[a-z0-9][a-z0-9!#$&^_.+-]*\/(?:\*|[a-z0-9][a-z0-9!#$&^_.+-]*))$/i
const isMediaPattern = (pattern: string) => mediaPattern.test(pattern)

/** A DID with the id of one of its services. */
function isServiceReference(text: string | undefined): boolean {
  const [did, id, ...rest] = (text ?? '').split('#')
  return isDid(did) && id !== undefined && /^[\w.~-]+$/.test(id) && rest.length === 0
}

/** What an app was granted: a set of scopes, asked whether they allow something. */
export class Permissions {
  /** The scopes, sorted out of their text; `include:` has been resolved by then. */
  readonly scopes: ReadonlySet<string>
  readonly #repo = new Map<string, Set<RepoAction>>()
  /** Audiences by method, and methods of any name by audience. */
  readonly #rpc = new Map<string, Set<string>>()
  readonly #blob: string[] = []
  readonly #account = new Set<string>()
  readonly #identity = new Set<string>()

  /** `scope`: scopes with spaces between; those that mean nothing here allow nothing. */
  constructor(scope: string) {
    this.scopes = new Set(scope.split(' ').filter((one) => one !== ''))
    for (const one of this.scopes) this.#add(parsePermission(one))
  }

  #add(permission: Permission | undefined): void {
    switch (permission?.resource) {
      case 'repo':
        for (const collection of permission.collections)
          for (const action of permission.actions) setIn(this.#repo, collection).add(action)
        return
      case 'rpc':
        for (const lxm of permission.lxm) setIn(this.#rpc, lxm).add(permission.aud)
        return
      case 'blob':
        this.#blob.push(...permission.accept.map((pattern) => pattern.toLowerCase()))
        return
      case 'account':
        this.#account.add(`${permission.attr} ${permission.action}`)
        return
      case 'identity':
        this.#identity.add(permission.attr)
    }
  }

  get #isGeneric(): boolean {
    return this.scopes.has('transition:generic')
  }

  allowsRepo(action: RepoAction, collection: string): boolean {
    if (this.#isGeneric) return true
    return [collection, '*'].some((name) => this.#repo.get(name)?.has(action) === true)
  }

  /** `aud`: a DID with a service id; `lxm` is `*` for a token that is good for every method. */
  allowsRpc(lxm: string, aud: string): boolean {
    if (isChat(lxm)) {
      if (this.#isGeneric && this.scopes.has('transition:chat.bsky')) return true
    } else if (this.#isGeneric) return true
    return [lxm, '*'].some((name) => {
      const audiences = this.#rpc.get(name)
      return audiences?.has(aud) === true || audiences?.has('*') === true
    })
  }

  allowsBlob(mediaType: string): boolean {
    if (this.#isGeneric) return true
    const type = mediaType.toLowerCase()
    return this.#blob.some(
      (pattern) =>
        pattern === '*/*' ||
        pattern === type ||
        (pattern.endsWith('/*') && type.startsWith(pattern.slice(0, -1))),
    )
  }

  allowsAccount(attr: 'email' | 'repo', action: 'read' | 'manage'): boolean {
    if (attr === 'email' && action === 'read' && this.scopes.has('transition:email')) return true
    return [action, 'manage'].some((one) => this.#account.has(`${attr} ${one}`))
  }

  allowsIdentity(attr: 'handle' | '*'): boolean {
    return this.#identity.has(attr) || this.#identity.has('*')
  }

  /** Throws ScopeMissingError (403), as do those below. */
  requireRepo(action: RepoAction, collection: string): void {
    if (!this.allowsRepo(action, collection)) throw missing(`repo:${collection}?action=${action}`)
  }

  requireRpc(lxm: string, aud: string): void {
    if (!this.allowsRpc(lxm, aud)) throw missing(`rpc:${lxm}?aud=${escapeScopeValue(aud)}`)
  }

  requireBlob(mediaType: string): void {
    if (!this.allowsBlob(mediaType)) throw missing(`blob:${mediaType}`)
  }

  requireAccount(attr: 'email' | 'repo', action: 'read' | 'manage'): void {
    if (!this.allowsAccount(attr, action)) throw missing(`account:${attr}?action=${action}`)
  }

  requireIdentity(attr: 'handle' | '*'): void {
    if (!this.allowsIdentity(attr)) throw missing(`identity:${attr}`)
  }
}

/** However it is spelled: the case of its letters tells no methods apart. */
const isChat = (lxm: string) => lxm.toLowerCase().startsWith('chat.bsky.')

const missing = (scope: string) =>
  new XrpcError(403, 'ScopeMissingError', `Missing required scope "${scope}"`)

function setIn<V>(map: Map<string, Set<V>>, key: string): Set<V> {
  let set = map.get(key)
  if (!set) map.set(key, (set = new Set()))
  return set
}
