import type { ReadParts } from '../parts.ts'
import type { EdgeEnd, EdgePage } from '../read/edges.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import { pairOf } from '../read/relations.ts'
import { profileView } from '../views/actor.ts'
import { blockBetween, viewerBlocks } from '../views/feed.ts'
import { arrayOf, type Json } from '../views/json.ts'

/** A list of accounts around a subject: its followers, those who like its post … */
export interface People extends EdgePage {
  subject: number
}

/** Hydrates a list of accounts and its subject, with the blocks between them. */
export async function hydratePeople(
  { hydrator, relations }: Pick<ReadParts, 'hydrator' | 'relations'>,
  { ends, subject }: People,
  viewer: Viewer | undefined,
): Promise<Hydration> {
  const h = await hydrator.accounts(viewer, new Set([subject, ...ends.map((end) => end.aid)]))
  const pairs = ends.filter((end) => end.aid !== subject).map((end) => pairOf(end.aid, subject))
  return { ...h, blocked: await relations.blocked(new Set(pairs)) }
}

/** Leaves out who is hidden, who has a block with the viewer, and who has one with the subject. */
export function visiblePeople<P extends People>(people: P, h: Hydration): P {
  const isVisible = ({ aid }: EdgeEnd) =>
    h.actors.has(aid) && !viewerBlocks(h, aid) && !blockBetween(h, aid, people.subject)
  return { ...people, ends: people.ends.filter(isVisible) }
}

/** `app.bsky.actor.defs#profileView` of each. */
export function profileViews(ends: readonly EdgeEnd[], h: Hydration): Json {
  const views = ends.map(({ aid }) => profileView(h.actors.get(aid)!, h.relations.get(aid)))
  return arrayOf(views)
}
