import { ComAtprotoAdminSearchAccounts, ComAtprotoIdentityResolveHandle } from '@atcute/atproto'
import { ConfigError } from '#platform/runtime'
import { type Did, type Handle, isDid, isHandle } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Flags } from '../flags.ts'
import type { OperatedHost } from '../operator.ts'

export interface Call {
  host: OperatedHost
  flags: Flags
  /** The words behind the verb. */
  words: readonly string[]
}

/** One thing `falaj account` does. */
export interface Verb {
  name: string
  /** Names of the words that have to come. */
  words: readonly string[]
  /** How many more may come. */
  more?: number
  flags?: Readonly<Record<string, 'value' | 'switch'>>
  /** Its flags, as the help shows them. */
  usage?: string
  run(call: Call): Promise<number>
}

/** A flag's text; undefined when it was not given. */
export const textFlag = (flags: Flags, name: string): string | undefined => {
  const value = flags[name]
  return typeof value === 'string' ? value : undefined
}

/** A flag's whole number from 1. Throws ConfigError. */
export function countFlag(flags: Flags, name: string, otherwise: number): number {
  const text = textFlag(flags, name)
  if (text === undefined) return otherwise
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new ConfigError([`--${name} must be a whole number from 1, not ${text}`])
}

/** The DID of an account that is named by DID, handle or its whole email address. Throws ConfigError. */
export async function didOf(host: OperatedHost, name: string): Promise<Did> {
  if (isDid(name)) return name
  if (name.includes('@')) return searched(host, name, ({ email }) => email)
  if (!isHandle(name)) throw new ConfigError([`${name} is no DID, handle or email address`])
  try {
    const handle = name.toLowerCase() as Handle
    return (await host.open.get(ComAtprotoIdentityResolveHandle.mainSchema, { handle })).did
  } catch (error) {
    if (!(error instanceof XrpcError) || error.status !== 400) throw error
    // The handle of an account that is taken down resolves for nobody; its operator still sees it.
    return searched(host, name, ({ handle }) => handle)
  }
}

async function searched(
  host: OperatedHost,
  name: string,
  read: (account: { email?: string; handle: string }) => string | undefined,
): Promise<Did> {
  const operator = await host.operator()
  const { accounts } = await operator.get(ComAtprotoAdminSearchAccounts.mainSchema, {
    email: name,
    limit: 100,
  })
  const found = accounts.find((account) => read(account) === name.toLowerCase())
  if (!found) throw new ConfigError([`No account here is ${name}`])
  return found.did
}
