import { createGuesses } from '#platform/runtime'
import { isBasic } from '#protocol/auth'
import { type Auth, authRequired, XrpcError } from '#protocol/xrpc'

/** The operator, by password; nobody where there is none. An address may guess a few times. */
export function operatorAuth(password: string | undefined, now: () => number): Auth<'operator'> {
  const guesses = createGuesses({ now })
  return async ({ ip, headers: { authorization } }): Promise<'operator'> => {
    const seconds = guesses.secondsToWait(ip)
    if (seconds > 0) {
      const headers = { 'retry-after': String(seconds) }
      throw new XrpcError(429, 'RateLimitExceeded', 'Too many wrong passwords', { headers })
    }
    if (password && authorization && isBasic(authorization, 'admin', password)) return 'operator'
    guesses.wrong(ip)
    throw authRequired('Wrong password')
  }
}
