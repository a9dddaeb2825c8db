/**
 * What the labelers that a person follows say of themselves and of their words. Kept on this device,
 * so that a page that is opened again covers what they cover from its first picture on.
 */
import { signal } from '@preact/signals'
import { identityOf } from './identity.ts'
import { type Labeler, type Policies, readPolicies, type Word } from './labeler-said.ts'
import type { Asks } from './labels.ts'
import { labelers, type Service } from './services.ts'
import { me, read } from './session.ts'
import type { Person } from './views.ts'
import { query } from './xrpc.ts'

const key = 'falaj.labelers'
const declaration = 'app.bsky.labeler.service'

/** Null: it was asked for and says nothing. */
const known = signal<Readonly<Record<string, Labeler | null>>>(restore())

function restore(): Record<string, Labeler> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '{}')
    return typeof kept === 'object' && kept !== null ? (kept as Record<string, Labeler>) : {}
  } catch {
    return {}
  }
}

function keep(found: readonly Labeler[], silent: readonly string[]): void {
  const told = Object.fromEntries(found.map((one) => [one.did, one]))
  const nothing = Object.fromEntries(silent.map((did) => [did, known.peek()[did] ?? null] as const))
  known.value = { ...known.peek(), ...nothing, ...told }
  // A visitor leaves nothing on the device.
  if (!me.peek()) return
  const followed = new Set(labelers().map(({ did }) => did))
  const kept = Object.entries(known.peek()).filter(([did, one]) => one && followed.has(did))
  try {
    localStorage.setItem(key, JSON.stringify(Object.fromEntries(kept)))
  } catch {}
}

/** A labeler as it describes itself, once that is known. */
export const labelerOf = (did: string): Labeler | undefined => known.value[did] ?? undefined

/** A word that a labeler explains. */
export function wordOf(did: string, val: string): Word | undefined {
  return labelerOf(did)?.words.find(({ identifier }) => identifier === val)
}

/** What a followed labeler's word asks for; labels of others explain nothing. */
export function meaningOf(did: string, val: string): Asks | 'unread' | undefined {
  const labeler = known.value[did]
  if (labeler) return wordOf(did, val)
  return labeler === undefined && labelers().some((one) => one.did === did) ? 'unread' : undefined
}

/** Reads anew what the followed labelers say; those that cannot be had keep what they said before. */
export async function readLabelers(): Promise<void> {
  const followed = labelers()
  if (followed.length === 0) return
  const shown = await fromView(followed).catch(() => [])
  const others = followed.filter(({ did }) => !shown.some((one) => one.did === did))
  const asked = await Promise.all(others.map((one) => fromItself(one).catch(() => undefined)))
  const found = [...shown, ...asked.filter((one) => one !== undefined)]
  const silent = followed.map(({ did }) => did).filter((did) => !found.some((x) => x.did === did))
  keep(found, silent)
}

interface View {
  creator: Person
  policies?: Policies
}

/** The view knows labelers that have an account, and its own. */
async function fromView(followed: readonly Service[]): Promise<Labeler[]> {
  const params = { dids: followed.map(({ did }) => did), detailed: true }
  const { views } = await read<{ views: View[] }>('app.bsky.labeler.getServices', { params })
  return views.map(({ creator, policies }) => ({
    did: creator.did,
    handle: creator.handle === 'handle.invalid' ? undefined : creator.handle,
    name: creator.displayName?.trim() || undefined,
    about: creator.description,
    avatar: creator.avatar,
    ...readPolicies(policies),
  }))
}

/** Others are asked themselves: the service, or the host of its account. */
async function fromItself({ did, url }: Service): Promise<Labeler> {
  const host = (await identityOf(did).catch(() => undefined))?.pds
  const params = { repo: did, collection: declaration, rkey: 'self' }
  const options = { params, timeoutMs: 8_000 }
  const { value } = await query<{ value: { policies?: Policies } }>(
    host ?? url,
    'com.atproto.repo.getRecord',
    options,
  )
  return { did, ...readPolicies(value.policies) }
}
