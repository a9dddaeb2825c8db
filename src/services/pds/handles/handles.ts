import type { Sql } from '#platform/storage'
import { type Directory, identityOf } from '#protocol/identity'
import { type Did, type Handle, isDid, isHandle } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { RESERVED } from './reserved.ts'

/** The part before our domain: as the reference has it, 3 to 18 characters. */
const NAME_LENGTH_MIN = 3
const NAME_LENGTH_MAX = 18
/** Ends of names that the specification keeps out of the network. */
const NEVER = /\.(?:alt|arpa|internal|invalid|local|localhost|onion)$/
/** What a wanted name is offered with. */
const ENDINGS = ['1', '2', '3', '7', '21', '99']
/** Names that the operator reserves. */
const ADDED_MAX = 10_000

interface HandleParts {
  sql: Sql
  domains: readonly string[]
  /** Handles kept for one service each, as HANDLE=DID. */
  reservedFor: readonly string[]
  directory: Directory
  now: () => number
}

/** Which handles this host gives out, and which it accepts from elsewhere. */
export class Handles {
  readonly #sql: Sql
  readonly #domains: readonly string[]
  readonly #directory: Directory
  readonly #now: () => number
  readonly #added: Set<string>
  /** For whom a handle is kept. */
  readonly #kept: ReadonlyMap<string, Did>

  private constructor(options: HandleParts, added: Set<string>) {
    this.#sql = options.sql
    this.#domains = options.domains
    this.#directory = options.directory
    this.#now = options.now
    this.#added = added
    this.#kept = new Map(options.reservedFor.map(keptHandle))
  }

  static async load(options: HandleParts): Promise<Handles> {
    const rows = await options.sql.all<{ handle: string }>('SELECT handle FROM reserved_handles')
    return new Handles(options, new Set(rows.map(({ handle }) => handle)))
  }

  /** Keeps a name, or a whole handle, from sign-ups to come. Throws InvalidHandle. */
  async reserve(text: string): Promise<void> {
    const handle = text.trim().toLowerCase()
    if (!isHandle(handle) && !isHandle(`${handle}.x`)) throw invalidHandle('Not a handle')
    if (this.#added.has(handle)) return
    if (this.#added.size >= ADDED_MAX) {
      throw new XrpcError(400, 'InvalidRequest', `At most ${ADDED_MAX} reserved handles`)
    }
    await this.#sql.run(
      'INSERT INTO reserved_handles (handle, created_ms) VALUES (?, ?) ON CONFLICT DO NOTHING',
      [handle, this.#now()],
    )
    this.#added.add(handle)
  }

  /** Whether the handle is one level below a domain of ours. */
  isOwn(handle: string): boolean {
    return this.#name(handle) !== undefined
  }

  #name(handle: string): string | undefined {
    for (const domain of this.#domains) {
      if (!handle.endsWith(domain)) continue
      const name = handle.slice(0, -domain.length)
      if (name && !name.includes('.')) return name
    }
    return undefined
  }

  /** Whether a handle is kept for a service, which is this one. */
  isKeptFor(handle: string, did: Did | undefined): boolean {
    return did !== undefined && this.#kept.get(handle.toLowerCase()) === did
  }

  /**
   * A new handle of ours; reserved ones only where the operator gives them, or keeps them for `by`.
   * Throws InvalidHandle, UnsupportedDomain, HandleNotAvailable.
   */
  requireOwn(
    text: string,
    { reserved = false, by }: { reserved?: boolean; by?: Did | undefined } = {},
  ): Handle {
    const handle = requireSyntax(text)
    const name = this.#name(handle)
    if (name === undefined) {
      const isBelow = this.#domains.some((domain) => handle.endsWith(domain))
      if (isBelow) throw invalidHandle('Handles here have no dot before the domain')
      const domains = this.#domains.join(', ')
      throw new XrpcError(400, 'UnsupportedDomain', `Handles here end in ${domains}`)
    }
    if (name.length < NAME_LENGTH_MIN) throw invalidHandle('Handle too short')
    if (name.length > NAME_LENGTH_MAX) throw invalidHandle('Handle too long')
    if (!reserved && !this.isKeptFor(handle, by) && this.#isReserved(handle, name)) {
      throw new XrpcError(400, 'HandleNotAvailable', `Reserved handle: ${handle}`)
    }
    return handle
  }

  #isReserved(handle: string, name: string): boolean {
    if (RESERVED.has(name) || this.#kept.has(handle)) return true
    return this.#added.has(name) || this.#added.has(handle)
  }

  /** A handle that an identity may have here: one of ours, or one that resolves to it. */
  async requireFor(did: Did, text: string, options: { reserved?: boolean } = {}): Promise<Handle> {
    const handle = requireSyntax(text)
    if (this.isOwn(handle)) return this.requireOwn(handle, options)
    const holder = await this.#directory.resolveHandle(handle, { fresh: true })
    if (holder !== did) throw invalidHandle(`Handle does not resolve to ${did}: ${handle}`)
    return handle
  }

  /** Throws InvalidRequest when an identity, as it is now, names another handle or none. */
  async requireNamed(did: Did, handle: Handle): Promise<void> {
    const document = await this.#directory.document(did, { fresh: true })
    if (document && identityOf(document).handle === handle) return
    const message = `The identity has to name at://${handle} before: ${did}`
    throw new XrpcError(400, 'InvalidRequest', message)
  }

  /**
   * Handles of our first domain like the one that was wanted, best first; `others` are names the
   * person may like. None is checked to be free.
   */
  *alike(wanted: string, others: readonly string[]): Iterable<{ handle: Handle; method: string }> {
    const domain = this.#domains[0]
    const name = plainName(wanted.split('.')[0]!)
    const names: [name: string, method: string][] = [
      [name, 'same_name'],
      ...others.map((other): [string, string] => [plainName(other), 'own_words']),
      [`the-${name}`, 'prefix'],
      ...ENDINGS.map((end): [string, string] => [`${name.slice(0, 16)}${end}`, 'number']),
    ]
    const seen = new Set<string>()
    for (const [one, method] of names) {
      const handle = `${one}${domain}`
      if (!domain || seen.has(handle) || !isHandle(handle)) continue
      seen.add(handle)
      if (one.length < NAME_LENGTH_MIN || one.length > NAME_LENGTH_MAX) continue
      if (!this.#isReserved(handle, one)) yield { handle, method }
    }
  }
}

/** Throws for what is no HANDLE=DID: the operator wrote it. */
function keptHandle(text: string): [handle: string, did: Did] {
  const [handle = '', did = '', ...rest] = text.trim().split('=')
  if (isHandle(handle) && isDid(did) && rest.length === 0) return [handle.toLowerCase(), did]
  throw new Error(`a kept handle is HANDLE=DID, not ${text}`)
}

/** What of a text may stand in a handle. */
const plainName = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, NAME_LENGTH_MAX)
    .replace(/-+$/, '')

function requireSyntax(text: string): Handle {
  const handle = text.toLowerCase()
  if (!isHandle(handle)) throw invalidHandle(`Not a handle: ${text.slice(0, 253)}`)
  if (NEVER.test(handle)) throw invalidHandle('Handle TLD is invalid or disallowed')
  return handle
}

const invalidHandle = (message: string) => new XrpcError(400, 'InvalidHandle', message)
