import { invalid } from './error.ts'

/** A domain name used as an account's name. */
export type Handle = `${string}.${string}`

/** Characters in the longest domain name, without a trailing dot (RFC 1035). */
export const MAX_DOMAIN_LENGTH = 253

const HANDLE =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/

/**
 * Whether the text has the form of a handle, in any case. Names that may not be registered
 * (`.local`, `.invalid`) are still well-formed. https://atproto.com/specs/handle
 */
export function isHandle(text: unknown): text is Handle {
  return typeof text === 'string' && text.length <= MAX_DOMAIN_LENGTH && HANDLE.test(text)
}

/** The handle in its normal form, lower case. Throws 'InvalidHandle'. */
export function parseHandle(text: string): Handle {
  if (!isHandle(text)) throw invalid('Handle', text)
  return text.toLowerCase() as Handle
}
