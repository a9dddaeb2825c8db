import { XrpcError } from '#protocol/xrpc'

/** In UTF-16 units; the hash takes no more than 512 bytes. */
const LENGTH_MAX = 256

/** A new password of an account. How long it should be is the client's to advise. Throws InvalidPassword. */
export function requirePassword(password: string | undefined): string {
  const refuse = (message: string) => new XrpcError(400, 'InvalidPassword', message)
  if (!password) throw refuse('Password is required')
  const bytes = new TextEncoder().encode(password).byteLength
  if (password.length > LENGTH_MAX || bytes > 2 * LENGTH_MAX) throw refuse('Password too long')
  return password
}
