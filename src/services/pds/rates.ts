/**
 * How often people may do what: the budgets that methods declare. Those of records are the
 * reference's, so that tools that pace themselves by them need not know the difference.
 * https://docs.bsky.app/docs/advanced-guides/rate-limits
 */
import type { Kv } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { HttpRequest, RateLimits, RateRule } from '#protocol/xrpc'
import type { PdsConfig } from './config.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const BYPASS_HEADER = 'x-ratelimit-bypass'

/** Calls to this host itself are not counted; those to others do not know of it. */
export function uncounted(
  fetch: (url: string, init?: RequestInit) => Promise<Response>,
  { publicUrl, ownKey }: { publicUrl: string; ownKey: string },
): typeof fetch {
  return (url, init) => {
    if (new URL(url).origin !== publicUrl) return fetch(url, init)
    const headers = new Headers(init?.headers)
    headers.set(BYPASS_HEADER, ownKey)
    return fetch(url, { ...init, headers })
  }
}

interface AnyCall {
  request: HttpRequest
}
export interface OwnCall extends AnyCall {
  caller: { did: Did }
}

/** Every call of one address. */
const everyCall: readonly RateRule[] = [{ name: 'address', windowMs: 5 * MINUTE_MS, points: 3_000 }]

/** By the account that calls. */
const own = (name: string, windowMs: number, points: number): RateRule<OwnCall> => ({
  name,
  windowMs,
  points,
  key: ({ caller }) => caller.did,
})

/** Points of one write. */
export const writePoints = { create: 3, update: 2, put: 2, delete: 1 } as const

/** Writes of records: one budget for all methods that write. */
export const writeRates = <T extends OwnCall>(
  cost: number | ((call: T) => number),
): readonly RateRule<T>[] =>
  [own('record-writes-hour', HOUR_MS, 5_000), own('record-writes-day', DAY_MS, 35_000)].map(
    (rule) => ({ ...rule, cost: typeof cost === 'number' ? () => cost : cost }),
  )

export const uploadRates = [own('uploads', DAY_MS, 1_000)]
export const importRates = [own('imports', DAY_MS, 50)]
export const handleRates = [
  own('handle-changes', 5 * MINUTE_MS, 10),
  own('handle-changes-day', DAY_MS, 50),
]
/** Signing and submitting changes of an identity. */
export const identityRates = [own('identity-changes', HOUR_MS, 30)]
export const appPasswordRates = [own('app-passwords', HOUR_MS, 50)]

/** Guesses of a password: by the name that is tried and the address that tries. */
export const signInRates: readonly RateRule<AnyCall & { input: { identifier: string } }>[] = [
  { name: 'sign-ins', windowMs: 5 * MINUTE_MS, points: 30, key: guess },
  { name: 'sign-ins-day', windowMs: DAY_MS, points: 300, key: guess },
]

/** Any names from one address: who tries a list of them. */
export const signInAddressRates: readonly RateRule[] = [
  { name: 'sign-ins-address', windowMs: 5 * MINUTE_MS, points: 100 },
]

function guess({ input, request }: AnyCall & { input: { identifier: string } }): string {
  return `${request.ip} ${input.identifier.trim().toLowerCase()}`
}

export const passwordRates = [own('password-checks', 5 * MINUTE_MS, 30)]

/** By address, for what is open to everybody and costs us work or others mail. */
export const signUpRates: readonly RateRule[] = [
  { name: 'sign-ups', windowMs: 5 * MINUTE_MS, points: 100 },
]
export const codeRates: readonly RateRule[] = [
  { name: 'code-uses', windowMs: 5 * MINUTE_MS, points: 50 },
]

/** New passwords, by the address that is named, whether anybody here has it or not. */
export const resetRates: readonly RateRule<AnyCall & { input: { email: string } }>[] = [
  {
    name: 'password-resets',
    windowMs: HOUR_MS,
    points: 5,
    key: ({ input }) => input.email.trim().toLowerCase(),
  },
]

/**
 * What the router counts, and for whom it does not; undefined where nothing is limited. `ownKey` is what this
 * host says to itself: a move makes accounts and uploads in the name of many, and was weighed as a whole.
 */
export function rateLimits(
  config: Pick<PdsConfig, 'rateLimits' | 'rateBypassKey' | 'rateBypassAddresses'>,
  counter: Kv,
  now: () => number,
  ownKey?: string,
): RateLimits | undefined {
  if (config.rateLimits !== 'on') return undefined
  const addresses = new Set(config.rateBypassAddresses)
  const key = config.rateBypassKey
  return {
    counter,
    now,
    everyCall,
    isExempt: ({ ip, headers }) => {
      if (addresses.has(ip)) return true
      const said = headers[BYPASS_HEADER]
      return said !== undefined && (said === key || said === ownKey)
    },
  }
}
