/**
 * State of an account that is not in its repository, and what a move does about it: one entry for each
 * kind that a host keeps, and one for what its app view keeps by DID (bookmarks, drafts, mutes).
 */
import { ComAtprotoServerListAppPasswords } from '@atcute/atproto'
import * as AppBskyActorGetPreferences from '@atcute/bluesky/types/app/actor/getPreferences'
import * as AppBskyActorPutPreferences from '@atcute/bluesky/types/app/actor/putPreferences'
import { base64url, sha256 } from '#protocol/crypto'
import { type XrpcClient, XrpcError } from '#protocol/xrpc'
import type { Hosts } from './copy.ts'
import type { PrivatePartCopied } from './move-state.ts'
import { exportPrivate, importPrivate } from './private-state-lexicons.ts'
import { isUnknownMethod } from './session.ts'

interface PrivatePart {
  name: string
  copy(hosts: Hosts): Promise<Omit<PrivatePartCopied, 'part'>>
  /**
   * After the old host was left: brings what changed there since `before`, unless it changed here too.
   * Where it is left out, nothing can have changed that matters.
   */
  copyLate?(hosts: Hosts, before: PrivatePartCopied): Promise<Omit<PrivatePartCopied, 'part'>>
}

const preferences: PrivatePart = {
  name: 'preferences',
  async copy({ source, destination }) {
    const given = await readPreferences(source)
    await destination.post(AppBskyActorPutPreferences.mainSchema, { preferences: given } as never)
    const hash = hashOf(given)
    const same = hashOf(await readPreferences(destination)) === hash
    return { outcome: 'carried', count: given.length, hash, same }
  },
  async copyLate(hosts, before) {
    if (hashOf(await readPreferences(hosts.source)) === before.hash) return before
    const isChangedHere = hashOf(await readPreferences(hosts.destination)) !== before.hash
    return isChangedHere ? { ...before, outcome: 'kept' } : preferences.copy(hosts)
  },
}

const appPasswords: PrivatePart = {
  name: 'app-passwords',
  async copy({ source }) {
    const { passwords } = await source.get(ComAtprotoServerListAppPasswords.mainSchema, {})
    const names = passwords.map(({ name, privileged }) =>
      privileged ? `${name} (privileged)` : name,
    )
    return { outcome: 'named', count: names.length, names }
  },
}

/**
 * What app views alone know of the account. Before the move the old host's is only named; once the
 * account's key is the new host's, that one asks it in the account's name, and gives what it has to its
 * own app view, where that is another one. What is there already stays, so all of it may be repeated.
 */
const appview: PrivatePart = {
  name: 'appview',
  async copy({ source }) {
    try {
      const { did } = await source.get(exportPrivate, { limit: 1 })
      return { outcome: 'named', count: 0, names: [did] }
    } catch (error) {
      // No app view, or one that does not know this: nothing of the move depends on it.
      if (error instanceof XrpcError) return { outcome: 'silent', count: 0 }
      throw error
    }
  },
  async copyLate({ destination }, before) {
    const [old] = before.names ?? []
    if (before.outcome !== 'named' || old === undefined) return before
    const { did } = await destination.get(exportPrivate, { limit: 1 })
    if (did === old) return { outcome: 'shared', count: 0, names: [did] }
    const headers = { 'atproto-proxy': `${old}#bsky_appview` }
    let count = 0
    let cursor: string | undefined
    do {
      const params = cursor === undefined ? { limit: 500 } : { limit: 500, cursor }
      const page = await destination.get(exportPrivate, params, { headers })
      if (page.items.length > 0) {
        const { refused } = await destination.post(importPrivate, { items: page.items })
        count += page.items.length - refused
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    return { outcome: 'carried', count, names: [did] }
  },
}

const parts: readonly PrivatePart[] = [preferences, appPasswords, appview]

/** Copies all of it; each time anew. */
export async function copyPrivateParts(hosts: Hosts): Promise<PrivatePartCopied[]> {
  const copied: PrivatePartCopied[] = []
  for (const { name, copy } of parts) copied.push({ part: name, ...(await orSilent(copy(hosts))) })
  return copied
}

/** What changed at the old host since. It may not answer any more: then it stays as it is. */
export async function copyLateParts(
  hosts: Hosts,
  before: readonly PrivatePartCopied[],
): Promise<PrivatePartCopied[]> {
  const copied: PrivatePartCopied[] = []
  for (const one of before) {
    const part = parts.find(({ name }) => name === one.part)
    const late = part?.copyLate?.(hosts, one).catch(() => one)
    copied.push({ ...one, ...(await late) })
  }
  return copied
}

const orSilent = (copying: Promise<Omit<PrivatePartCopied, 'part'>>) =>
  copying.catch((error: unknown): Omit<PrivatePartCopied, 'part'> => {
    if (isUnknownMethod(error)) return { outcome: 'silent', count: 0 }
    throw error
  })

/** Made by the host from the birth date at each read: it is no state. */
const MADE = 'app.bsky.actor.defs#declaredAgePref'

async function readPreferences(host: XrpcClient): Promise<object[]> {
  const { preferences } = await host.get(AppBskyActorGetPreferences.mainSchema, {})
  return preferences.filter(({ $type }) => ($type as string) !== MADE)
}

/** In whatever order a host keeps them. */
function hashOf(values: readonly object[]): string {
  const texts = values.map(orderedText).sort()
  return base64url(sha256(new TextEncoder().encode(JSON.stringify(texts))))
}

/** JSON with the keys of every object in order. */
function orderedText(value: unknown): string {
  return JSON.stringify(value, (_, one) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}
