/**
 * Like, repost, follow, delete: shown at once, written behind, taken back when the write fails.
 * Pressing again undoes; what is offered for undoing is what cannot be pressed again.
 */
import { say } from '../app/toasts.ts'
import { t } from '../words/index.ts'
import { isGone, knownPerson, personOf, postOf, whileChanging } from './keep.ts'
import { problemOf } from './problem.ts'
import { createRecord, deleteRecord, now } from './records.ts'
import type { Person, PersonViewer, Post, Profile } from './views.ts'

// Stands in `viewer.like` between the press and the answer; never sent anywhere.
const pending = 'pending'

type Mark = 'like' | 'repost'
const counts = { like: 'likeCount', repost: 'repostCount' } as const

/** Likes the post, or takes the like back. */
export function toggleLike(post: Post): Promise<void> {
  return toggleMark(post, 'like')
}

/** Reposts the post, or takes the repost back. */
export function toggleRepost(post: Post): Promise<void> {
  return toggleMark(post, 'repost')
}

async function toggleMark(post: Post, mark: Mark): Promise<void> {
  const shown = postOf(post)
  const before = shown.peek()
  const mine = before.viewer?.[mark]
  if (mine === pending) return
  const count = before[counts[mark]] ?? 0
  const set = (uri: string | undefined, total: number) => {
    const current = shown.peek()
    const viewer = { ...current.viewer, [mark]: uri }
    shown.value = { ...current, viewer, [counts[mark]]: Math.max(0, total) }
  }
  await whileChanging(post.uri, async () => {
    try {
      if (mine) {
        set(undefined, count - 1)
        await deleteRecord(mine)
      } else {
        set(pending, count + 1)
        const subject = { uri: before.uri, cid: before.cid }
        const record = { subject, createdAt: now() }
        const made = await createRecord(`app.bsky.feed.${mark}`, record)
        set(made.uri, count + 1)
      }
    } catch (error) {
      set(mine, count)
      failed(error, () => void toggleMark(shown.peek(), mark))
    }
  })
}

/** Follows the person, or stops; stopping can be taken back from the message that says so. */
export async function toggleFollow(person: Person): Promise<void> {
  const shown = personOf(person)
  const before = shown.peek()
  const mine = before.viewer?.following
  if (mine === pending) return
  const followers = before.followersCount
  const set = (uri: string | undefined, change: number) => {
    shown.value = withFollowing(shown.peek(), uri, followers, change)
  }
  await whileChanging(person.did, async () => {
    try {
      if (mine) {
        set(undefined, -1)
        await deleteRecord(mine)
        say(t('follow.stopped', { name: nameOf(before) }), {
          label: t('undo'),
          run: () => void toggleFollow(shown.peek()),
        })
      } else {
        set(pending, 1)
        const record = { subject: person.did, createdAt: now() }
        set((await createRecord('app.bsky.graph.follow', record)).uri, 1)
      }
    } catch (error) {
      set(mine, 0)
      failed(error, () => void toggleFollow(shown.peek()))
    }
  })
}

function withFollowing(
  person: Profile,
  following: string | undefined,
  followers: number | undefined,
  change: number,
): Profile {
  const viewer: PersonViewer = { ...person.viewer, following }
  if (followers === undefined) return { ...person, viewer }
  return { ...person, viewer, followersCount: Math.max(0, followers + change) }
}

/** Whether the person is followed, counting a follow that is still on its way. */
export const follows = (person: Person): boolean =>
  (knownPerson(person.did)?.value ?? person).viewer?.following !== undefined

/** Deletes one's own post: hidden at once, shown again when it could not be deleted. */
export async function deletePost(uri: string): Promise<void> {
  const hidden = isGone(uri)
  hidden.value = true
  try {
    await deleteRecord(uri)
    say(t('post.deleted'))
  } catch (error) {
    hidden.value = false
    failed(error, () => void deletePost(uri))
  }
}

/** What to call somebody. */
export function nameOf(person: Person): string {
  return person.displayName?.trim() || person.handle
}

/** Says that something was not saved, and offers to try again. */
export function failed(error: unknown, again: () => void): void {
  const { kind } = problemOf(error)
  say(t(`failed.${kind}`), { label: t('retry'), run: again })
}
