import type { Directory } from '#protocol/identity'
import { type Did, type Handle, isHandle } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'

/** The part before our domain: as the reference has it, 3 to 18 characters. */
const NAME_LENGTH_MIN = 3
const NAME_LENGTH_MAX = 18
/** Names that would pass for the host itself. */
const RESERVED = new Set([
  'about', 'account', 'admin', 'administrator', 'api', 'app', 'atproto', 'auth', 'blog', 'billing',
  'contact', 'dev', 'docs', 'email', 'falaj', 'feed', 'feeds', 'help', 'home', 'host', 'info',
  'login', 'mail', 'moderation', 'moderator', 'official', 'pds', 'plc', 'postmaster', 'privacy',
  'relay', 'root', 'search', 'security', 'settings', 'signin', 'signup', 'staff', 'status',
  'support', 'system', 'team', 'terms', 'test', 'three', 'two', 'web', 'webmaster', 'www', 'xrpc',
]) // biome-ignore format: a list

/** Which handles this host gives out, and which it accepts from elsewhere. */
export class Handles {
  readonly #domains: readonly string[]
  readonly #directory: Directory

  constructor({ domains, directory }: { domains: readonly string[]; directory: Directory }) {
    this.#domains = domains
    this.#directory = directory
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

  /** A new handle of ours. Throws InvalidHandle, UnsupportedDomain, HandleNotAvailable. */
  requireOwn(text: string): Handle {
    const handle = requireSyntax(text)
    const name = this.#name(handle)
    if (name === undefined) {
      const domains = this.#domains.join(', ')
      throw new XrpcError(400, 'UnsupportedDomain', `Handles here end in ${domains}`)
    }
    if (name.length < NAME_LENGTH_MIN) throw invalidHandle('Handle too short')
    if (name.length > NAME_LENGTH_MAX) throw invalidHandle('Handle too long')
    if (RESERVED.has(name)) {
      throw new XrpcError(400, 'HandleNotAvailable', `Reserved handle: ${handle}`)
    }
    return handle
  }

  /** A handle that an identity may have here: one of ours, or one that resolves to it. */
  async requireFor(did: Did, text: string): Promise<Handle> {
    const handle = requireSyntax(text)
    if (this.isOwn(handle)) return this.requireOwn(handle)
    const holder = await this.#directory.resolveHandle(handle, { fresh: true })
    if (holder !== did) throw invalidHandle(`Handle does not resolve to ${did}: ${handle}`)
    return handle
  }
}

function requireSyntax(text: string): Handle {
  const handle = text.toLowerCase()
  if (!isHandle(handle)) throw invalidHandle(`Not a handle: ${text.slice(0, 253)}`)
  return handle
}

const invalidHandle = (message: string) => new XrpcError(400, 'InvalidHandle', message)
