/**
 * What an owner may read of an account that is not in its repository, as one value: taken at one host,
 * kept elsewhere (in a vault), given back at another.
 */
import { ComAtprotoServerListAppPasswords } from '@atcute/atproto'
import * as AppBskyActorGetPreferences from '@atcute/bluesky/types/app/actor/getPreferences'
import * as AppBskyActorPutPreferences from '@atcute/bluesky/types/app/actor/putPreferences'
import type { Did } from '#protocol/syntax'
import { type XrpcClient, XrpcError } from '#protocol/xrpc'
import type { PrivatePartCopied } from './move-state.ts'
import { exportPrivate, importPrivate, type PrivateItem } from './private-state-lexicons.ts'

/** What is missing the host did not say. */
export interface PrivateState {
  did: Did
  /** Origin of the host that said it. */
  host: string
  /** ISO 8601. */
  takenAt: string
  preferences?: unknown[] | undefined
  /** Their names: what they open the account with nobody can read. */
  appPasswords?:
    | { name: string; privileged?: boolean | undefined; createdAt?: string | undefined }[]
    | undefined
  /** What its app view alone knows: mutes, bookmarks, drafts, what it wants to be told. */
  appview?: { did: Did; items: unknown[] } | undefined
}

/** Items of one app view that are taken; more are left where they are. */
export const PRIVATE_ITEMS_MAX = 200_000
const PAGE = 500

/** Takes it at the host that the owner is signed in at. Whatever a host does not know is left out. */
export async function takePrivateState(
  { client, did, host }: { client: XrpcClient; did: Did; host: string },
  now: () => number,
): Promise<PrivateState> {
  const preferences = await saidBy(client.get(AppBskyActorGetPreferences.mainSchema, {}))
  const passwords = await saidBy(client.get(ComAtprotoServerListAppPasswords.mainSchema, {}))
  const appview = await saidBy(takeFromAppview(client))
  return {
    did,
    host,
    takenAt: new Date(now()).toISOString(),
    ...(preferences && { preferences: preferences.preferences }),
    ...(passwords && { appPasswords: passwords.passwords.map(nameOf) }),
    ...(appview && { appview }),
  }
}

const nameOf = ({ name, privileged, createdAt }: NamedPassword) => ({
  name,
  createdAt,
  ...(privileged && { privileged }),
})
type NamedPassword = { name: string; privileged?: boolean | undefined; createdAt: string }

async function takeFromAppview(client: XrpcClient): Promise<PrivateState['appview']> {
  const items: PrivateItem[] = []
  let cursor: string | undefined
  let did: Did
  do {
    const params = { limit: PAGE, ...(cursor !== undefined && { cursor }) }
    const page = await client.get(exportPrivate, params)
    items.push(...page.items)
    ;({ did, cursor } = page)
  } while (cursor !== undefined && items.length < PRIVATE_ITEMS_MAX)
  return { did, items }
}

/** Undefined where the host, or who it would have to ask, refuses or does not know this. */
async function saidBy<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking
  } catch (error) {
    if (error instanceof XrpcError) return undefined
    throw error
  }
}

/**
 * Gives it back to the account its owner is signed in at, which has to be awake: its app view is asked
 * in the account's name. What is there already stays. Says what became of each part.
 */
export async function givePrivateState(
  client: XrpcClient,
  state: PrivateState,
): Promise<PrivatePartCopied[]> {
  const { preferences, appPasswords, appview } = state
  return [
    await part('preferences', preferences, async (given) => {
      const input = { preferences: given }
      await client.post(AppBskyActorPutPreferences.mainSchema, input as never)
      return { outcome: 'carried', count: given.length }
    }),
    await part('app-passwords', appPasswords, async (named) => ({
      outcome: 'named',
      count: named.length,
      names: named.map(({ name, privileged }) => (privileged ? `${name} (privileged)` : name)),
    })),
    await part('appview', appview, async ({ did, items }) => {
      let count = 0
      for (let at = 0; at < items.length; at += PAGE) {
        const some = items.slice(at, at + PAGE) as PrivateItem[]
        const { refused } = await client.post(importPrivate, { items: some })
        count += some.length - refused
      }
      return { outcome: 'carried', count, names: [did] }
    }),
  ]
}

/** A part that the copy does not have is silent; so is one that nobody there takes. */
async function part<T>(
  name: string,
  value: T | undefined,
  give: (value: T) => Promise<Omit<PrivatePartCopied, 'part'>>,
): Promise<PrivatePartCopied> {
  const given = value === undefined ? undefined : await saidBy(give(value))
  return { part: name, ...(given ?? { outcome: 'silent', count: 0 }) }
}
