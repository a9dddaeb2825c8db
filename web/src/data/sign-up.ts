/** Opening an account at a host. */

import { network } from '../app/config.ts'
import { putRecord } from './records.ts'
import { enterWith } from './session.ts'
import { CallError, procedure, query } from './xrpc.ts'

export interface HostTerms {
  url: string
  /** Domains for handles, each with its leading dot; the first is offered. */
  domains: string[]
  inviteNeeded: boolean
  terms?: string
  privacy?: string
  /** It did not answer; what is known is from the configuration. */
  silent: boolean
}

interface ServerDescription {
  availableUserDomains?: string[]
  inviteCodeRequired?: boolean
  links?: { termsOfService?: string; privacyPolicy?: string }
}

/** What each configured host asks of newcomers. */
export function hostTerms(): Promise<HostTerms[]> {
  return Promise.all(
    network().pds.map(async ({ url, handleDomains }) => {
      try {
        const options = { timeoutMs: 6_000 }
        const about = await query<ServerDescription>(
          url,
          'com.atproto.server.describeServer',
          options,
        )
        return {
          url,
          domains: about.availableUserDomains?.length ? about.availableUserDomains : handleDomains,
          inviteNeeded: about.inviteCodeRequired === true,
          terms: about.links?.termsOfService,
          privacy: about.links?.privacyPolicy,
          silent: false,
        }
      } catch {
        return { url, domains: handleDomains, inviteNeeded: false, silent: true }
      }
    }),
  )
}

/** The rules for the part of a handle that a person chooses; undefined when it is fine. */
export function nameTrouble(name: string): 'short' | 'long' | 'signs' | 'edges' | undefined {
  if (!/^[a-z0-9-]*$/.test(name)) return 'signs'
  if (name.length < 3) return 'short'
  if (name.length > 18) return 'long'
  if (name.startsWith('-') || name.endsWith('-')) return 'edges'
  return undefined
}

/** Whether a handle is still free at its host. */
export async function isFree(host: string, handle: string, signal: AbortSignal): Promise<boolean> {
  try {
    const options = { params: { handle }, signal, timeoutMs: 6_000 }
    await query(host, 'com.atproto.identity.resolveHandle', options)
    return false
  } catch (error) {
    const nobody = error instanceof CallError && error.status >= 400 && error.status < 500
    if (nobody) return true
    throw error
  }
}

export interface NewAccount {
  host: string
  handle: string
  password: string
  email: string
  invite: string
  name: string
}

/** Opens the account, signs in, and writes the name into the profile when one was given. */
export async function openAccount(wanted: NewAccount): Promise<void> {
  const { host, handle, password, email, invite, name } = wanted
  const body = {
    handle,
    password,
    ...(email ? { email } : {}),
    ...(invite ? { inviteCode: invite } : {}),
  }
  type Answer = Parameters<typeof enterWith>[1]
  const options = { body, timeoutMs: 60_000 }
  const answer = await procedure<Answer>(host, 'com.atproto.server.createAccount', options)
  enterWith(host, answer)
  if (name.trim() === '') return
  // The account is there; a name that could not be written can be written later.
  await putRecord('app.bsky.actor.profile', 'self', { displayName: name.trim() }).catch(() => {})
}
