import { equalText } from '#protocol/auth'
import { base64url, hmacSha256 } from '#protocol/crypto'

export type TokenKind = 'access' | 'refresh'

/** What a token names: a session, and which of its tokens it is. */
export interface TokenName {
  id: string
  generation: number
}

const PREFIX: Readonly<Record<TokenKind, string>> = { access: 'oa', refresh: 'or' }
const LENGTH_MAX = 200
const ID = /^[a-z2-7]{32}$/
const GENERATION = /^[1-9]\d{0,9}$/

/**
 * Tokens that need not be kept: session and generation under a MAC, `oa.id.12.mac`. Opaque to apps.
 * The same name gives the same token, so that an answer that was lost can be given again.
 */
export class Tokens {
  readonly #secret: Uint8Array

  constructor(secret: Uint8Array) {
    this.#secret = hmacSha256(secret, encoder.encode('oauth tokens'))
  }

  make(kind: TokenKind, { id, generation }: TokenName): string {
    const text = `${PREFIX[kind]}.${id}.${generation}`
    return `${text}.${base64url(hmacSha256(this.#secret, encoder.encode(text)))}`
  }

  /** What a token names; undefined when it was not made here, or for another use. */
  read(kind: TokenKind, token: string): TokenName | undefined {
    if (token.length > LENGTH_MAX) return undefined
    const [prefix, id, generation, mac, ...rest] = token.split('.')
    if (prefix !== PREFIX[kind] || !mac || rest.length > 0) return undefined
    if (!ID.test(id!) || !GENERATION.test(generation!)) return undefined
    const name = { id: id!, generation: Number(generation) }
    return equalText(token, this.make(kind, name)) ? name : undefined
  }
}

const encoder = new TextEncoder()
