import { XrpcError } from '#protocol/xrpc'

/** NIST SP 800-63B: what is shorter is guessed. */
const LENGTH_MIN = 8
/** In UTF-16 units; the hash takes no more than 512 bytes. */
const LENGTH_MAX = 256

/** A new password of an account: 8 to 256 characters, of any kind. Throws InvalidPassword. */
export function requirePassword(password: string | undefined): string {
  const refuse = (message: string) => new XrpcError(400, 'InvalidPassword', message)
  if (!password) throw refuse('Password is required')
  if (password.length < LENGTH_MIN) throw refuse(`At least ${LENGTH_MIN} characters`)
  const bytes = new TextEncoder().encode(password).byteLength
  if (password.length > LENGTH_MAX || bytes > 2 * LENGTH_MAX) throw refuse('Password too long')
  return password
}
