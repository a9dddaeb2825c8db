import type { AppBskyActorProfile } from '@atcute/bluesky'
import { cidText } from '#protocol/data'
import { type Did, isDatetime } from '#protocol/syntax'
import type { Relation } from '../read/relations.ts'
import { mayBeTold, type Subscription } from '../read/subscriptions.ts'
import type { MediaUrls } from './images.ts'
import { type Json, member, quote, textMember } from './json.ts'
import { selfLabels, withLabels } from './labels.ts'
import { postRefOf } from './post.ts'

/** One account as views show it, written once. The texts are members of an open JSON object. */
export interface Actor {
  aid: number
  did: Did
  /** Verified, or `handle.invalid`. */
  handle: string
  /** Undefined when active; anything else hides the account. */
  status: string | undefined
  /** `{"did":…` with all of profileViewBasic but `viewer`, not closed. */
  basic: string
  /** Its own labels in `basic`, and where they stand there. */
  labels: Json
  labelsAt: number
  /** What profileView adds. */
  more: string
  /** What profileViewDetailed adds, but for counts. */
  detail: string
  /** Key of the own post it pinned. */
  pinned: string | undefined
  /** Who may be told of its posts: followers, mutuals or none. */
  allowSubscriptions: string
}

export interface ActorRow {
  aid: number
  did: Did
  handle: string | null
  status: string | null
  cid: Uint8Array | null
  body: string | null
  indexed_ms: number | null
  /** What it declared about notifications. */
  declaration: string | null
}

export const INVALID_HANDLE = 'handle.invalid'

/** Writes the parts of an account's views that do not depend on the viewer. */
export function actorOf(row: ActorRow, urls: MediaUrls): Actor {
  const { aid, did } = row
  const handle = row.handle ?? INVALID_HANDLE
  const profile = row.body === null ? undefined : profileOf(row.body)
  const allowSubscriptions = allowedOf(row.declaration)
  const actor = { aid, did, handle, status: row.status ?? undefined, allowSubscriptions }
  if (profile === undefined) {
    const head = `{"did":"${did}","handle":"${handle}","associated":{},"labels":`
    const basic = `${head}[]`
    const labelled = { basic, labels: '[]', labelsAt: head.length }
    return { ...actor, ...labelled, more: '', detail: '', pinned: undefined }
  }
  const { avatar, banner, createdAt, website, pinnedPost } = profile
  const uri = `at://${did}/app.bsky.actor.profile/self`
  const labels = selfLabels(profile.labels, { did, uri, cid: cidText(row.cid!), createdAt })
  const head =
    `{"did":"${did}","handle":"${handle}"` +
    textMember('displayName', profile.displayName) +
    textMember('pronouns', profile.pronouns) +
    (avatar ? `,"avatar":"${urls.image('avatar', did, avatar)}"` : '') +
    ',"associated":{},"labels":'
  const basic = head + labels + (isDatetime(createdAt) ? `,"createdAt":"${createdAt}"` : '')
  const more =
    textMember('description', profile.description) +
    `,"indexedAt":"${new Date(row.indexed_ms!).toISOString()}"`
  const detail =
    // Other schemes could run script in a client that links to them.
    (website?.startsWith('https://') ? textMember('website', website) : '') +
    (banner ? `,"banner":"${urls.image('banner', did, banner)}"` : '') +
    member('pinnedPost', pinnedPost && quote({ uri: pinnedPost.uri, cid: pinnedPost.cid }))
  const labelled = { basic, labels, labelsAt: head.length }
  return { ...actor, ...labelled, more, detail, pinned: pinOf(profile, row) }
}

/** The account with labels of others beside its own. */
export function labelledActor(actor: Actor, more: readonly Json[]): Actor {
  const { basic, labels, labelsAt } = actor
  const all = withLabels(labels, more)
  const tail = basic.slice(labelsAt + labels.length)
  return { ...actor, labels: all, basic: basic.slice(0, labelsAt) + all + tail }
}

function pinOf({ pinnedPost }: AppBskyActorProfile.Main, { aid, did }: ActorRow) {
  const ref = pinnedPost && postRefOf(pinnedPost.uri)
  return ref?.did === did ? `${aid}/${ref.rkey}` : undefined
}

function allowedOf(declaration: string | null): string {
  if (declaration === null) return 'followers'
  const { allowSubscriptions } = JSON.parse(declaration) as { allowSubscriptions: string }
  return ['followers', 'mutuals'].includes(allowSubscriptions) ? allowSubscriptions : 'none'
}

/** How the viewer stands to an account, and that it is told of its posts, where it is. */
export function subscribed(
  actor: Actor,
  relation: Relation | undefined,
  subscription: Subscription | undefined,
): Relation | undefined {
  if (subscription === undefined || !mayBeTold(actor, relation)) return relation
  const { posts, replies } = subscription
  const text = `,"activitySubscription":{"post":${posts},"reply":${replies}}}`
  return { ...relation!, viewer: relation!.viewer.slice(0, -1) + text }
}

/** `app.bsky.actor.defs#profileViewBasic`. */
export function profileBasic(actor: Actor, relation: Relation | undefined): Json {
  return `${actor.basic}${relation?.viewer ?? ''}}`
}

/** `app.bsky.actor.defs#profileView`. */
export function profileView(actor: Actor, relation: Relation | undefined): Json {
  return `${actor.basic}${actor.more}${relation?.viewer ?? ''}}`
}

export interface ActorCounts {
  followers: number
  follows: number
  posts: number
}

/** `app.bsky.actor.defs#profileViewDetailed`. */
export function profileDetailed(
  actor: Actor,
  relation: Relation | undefined,
  counts: ActorCounts,
): Json {
  const numbers = `,"followersCount":${counts.followers},"followsCount":${counts.follows},"postsCount":${counts.posts}`
  return `${actor.basic}${actor.more}${actor.detail}${numbers}${relation?.viewer ?? ''}}`
}

/** Records were checked when they were indexed. */
function profileOf(body: string): AppBskyActorProfile.Main {
  return JSON.parse(body) as AppBskyActorProfile.Main
}
