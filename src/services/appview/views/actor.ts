import type { AppBskyActorProfile } from '@atcute/bluesky'
import { cidText } from '#protocol/data'
import { type Did, isDatetime } from '#protocol/syntax'
import type { Judgement } from '../read/labels.ts'
import type { Relation } from '../read/relations.ts'
import { mayBeTold, type Subscription } from '../read/subscriptions.ts'
import type { MediaUrls } from './images.ts'
import { type Json, member, quote, textMember } from './json.ts'
import { selfLabels, withLabels } from './labels.ts'
import { postRefOf } from './post.ts'
import { associatedOf, doubted, liveOf, type Said, verificationOf } from './self-records.ts'

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
  /** Where in `basic` the members of `associated` begin. */
  associatedAt: number
  /** It asks not to be suggested to others. */
  isUnlisted: boolean
  /** Moderators have not decided yet: shown to its followers, where a page is about others. */
  isUnderReview: boolean
  /** `,"verification":{…}`, or nothing. */
  verification: string
  /** `,"status":{…,"labels":[…]}`, or nothing; and the AT-URI of the record. */
  live: string
  liveUri: string
  /** From when on `live` is to be written again. */
  freshUntilMs: number
  /** Key `aid/rkey` of the starter pack it came by. */
  pack: string | undefined
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
  /** Of accounts that are not followed: they were looked up for somebody. */
  is_visitor: number
  pack_aid: number | null
  pack_rkey: string | null
}

export const INVALID_HANDLE = 'handle.invalid'
const ASSOCIATED_LENGTH = ',"associated":{'.length

/** Writes the parts of an account's views that do not depend on the viewer. */
export function actorOf(row: ActorRow, said: Said, urls: MediaUrls, nowMs: number): Actor {
  const { aid, did } = row
  const handle = row.handle ?? INVALID_HANDLE
  const profile = row.body === null ? undefined : profileOf(row.body)
  const verification = verificationOf(said, handle, profile?.displayName)
  const pack = row.pack_aid === null ? undefined : `${row.pack_aid}/${row.pack_rkey}`
  const actor = {
    ...{ aid, did, handle, pack, verification, status: row.status ?? undefined },
    ...liveOf(said, did, urls, nowMs),
    isUnlisted: said.isUnlisted,
    isUnderReview: false,
    allowSubscriptions: allowedOf(said.subscribers),
  }
  const scope = row.is_visitor === 1 ? ',"isOutsideScope":true' : ''
  const associated = `,"associated":{${associatedOf(said)}},"labels":`
  if (profile === undefined) {
    const names = `{"did":"${did}","handle":"${handle}"${scope}`
    const head = names + associated
    const labelled = { basic: `${head}[]`, labels: '[]', labelsAt: head.length }
    const associatedAt = names.length + ASSOCIATED_LENGTH
    return { ...actor, ...labelled, associatedAt, more: '', detail: '', pinned: undefined }
  }
  const { avatar, banner, createdAt, website, pinnedPost } = profile
  const uri = `at://${did}/app.bsky.actor.profile/self`
  const labels = selfLabels(profile.labels, { did, uri, cid: cidText(row.cid!), createdAt })
  const names =
    `{"did":"${did}","handle":"${handle}"${scope}` +
    textMember('displayName', profile.displayName) +
    textMember('pronouns', profile.pronouns) +
    (avatar ? `,"avatar":"${urls.image('avatar', did, avatar)}"` : '')
  const associatedAt = names.length + ASSOCIATED_LENGTH
  const head = names + associated
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
  return { ...actor, ...labelled, associatedAt, more, detail, pinned: pinOf(profile, row) }
}

/** The account with labels of others beside its own, and what these make of it. */
export function judgedActor(actor: Actor, { labels: more, ...judged }: Judgement): Actor {
  const { basic, labels, labelsAt, verification } = actor
  const all = more.length > 0 ? withLabels(labels, more) : labels
  const tail = basic.slice(labelsAt + labels.length)
  return {
    ...actor,
    labels: all,
    basic: basic.slice(0, labelsAt) + all + tail,
    isUnderReview: judged.isUnderReview,
    verification: judged.isImpersonation ? doubted(verification) : verification,
  }
}

/** The account with labels of its status; without the status when there are no `labels` but a takedown. */
export function withLiveLabels(actor: Actor, labels: readonly Json[] | undefined): Actor {
  if (labels === undefined) return { ...actor, live: '' }
  if (labels.length === 0) return actor
  // They stand at the end, and are empty.
  return { ...actor, live: `${actor.live.slice(0, -2)}${labels.join()}]}` }
}

function pinOf({ pinnedPost }: AppBskyActorProfile.Main, { aid, did }: ActorRow) {
  const ref = pinnedPost && postRefOf(pinnedPost.uri)
  return ref?.did === did ? `${aid}/${ref.rkey}` : undefined
}

/** Values nobody knows let nobody in. */
function allowedOf(subscribers: string): string {
  return ['followers', 'mutuals'].includes(subscribers) ? subscribers : 'none'
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
  return `${actor.basic}${actor.verification}${actor.live}${relation?.viewer ?? ''}}`
}

/** `app.bsky.actor.defs#profileView`. */
export function profileView(actor: Actor, relation: Relation | undefined): Json {
  const { basic, more, verification, live } = actor
  return `${basic}${more}${verification}${live}${relation?.viewer ?? ''}}`
}

export interface ActorCounts {
  followers: number
  follows: number
  posts: number
  lists: number
  feeds: number
  packs: number
}

/** `app.bsky.actor.defs#profileViewDetailed`; `joined` is its `joinedViaStarterPack`, as a member. */
export function profileDetailed(
  actor: Actor,
  relation: Relation | undefined,
  counts: ActorCounts,
  joined = '',
): Json {
  const { basic, associatedAt, more, detail, verification, live } = actor
  const published = `"lists":${counts.lists},"feedgens":${counts.feeds},"starterPacks":${counts.packs},`
  const head = basic.slice(0, associatedAt) + published + basic.slice(associatedAt)
  const numbers = `,"followersCount":${counts.followers},"followsCount":${counts.follows},"postsCount":${counts.posts}`
  return `${head}${more}${detail}${verification}${live}${numbers}${joined}${relation?.viewer ?? ''}}`
}

/** Records were checked when they were indexed. */
function profileOf(body: string): AppBskyActorProfile.Main {
  return JSON.parse(body) as AppBskyActorProfile.Main
}
