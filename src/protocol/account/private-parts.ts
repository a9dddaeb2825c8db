/**
 * State of an account that is not in its repository, and what a move does about it: one entry for each
 * kind that a host keeps. What an app view keeps by DID (bookmarks, drafts, mutes) stays where it is.
 */
import { ComAtprotoServerListAppPasswords } from '@atcute/atproto'
import * as AppBskyActorGetPreferences from '@atcute/bluesky/types/app/actor/getPreferences'
import * as AppBskyActorPutPreferences from '@atcute/bluesky/types/app/actor/putPreferences'
import { base64url, sha256 } from '#protocol/crypto'
import type { XrpcClient } from '#protocol/xrpc'
import type { Hosts } from './copy.ts'
import type { PrivatePartCopied } from './move-state.ts'
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

const parts: readonly PrivatePart[] = [preferences, appPasswords]

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
