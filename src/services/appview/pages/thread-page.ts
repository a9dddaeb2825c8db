import type { ReadParts } from '../parts.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import type { Mark } from '../read/relations.ts'
import type { Thread } from '../read/threads.ts'

type Parts = Pick<ReadParts, 'hydrator' | 'relations' | 'resolver' | 'threads' | 'visitors'>

/** The skeleton of a thread, and the thread that its author made of own posts. */
export interface ThreadSkeleton {
  thread: Thread
  ownThread: readonly string[]
}

/** What a thread shows, and what its author did to its posts. */
export interface ThreadHydration {
  h: Hydration
  authorMarks: ReadonlyMap<string, Mark>
}

/** Posts around an anchor; without the anchor, nothing but its name. */
export async function threadAround(
  { resolver, threads, visitors }: Parts,
  anchor: string,
  { below, above }: { below: number; above: number },
): Promise<ThreadSkeleton> {
  await visitors.post(anchor)
  const post = await resolver.post(anchor)
  const found = post && (await threads.around(post.key, { depth: below, parentHeight: above }))
  if (found === undefined) return { thread: { ...NOTHING, uri: anchor }, ownThread: [] }
  return { thread: found, ownThread: await threads.ownThread(found.root) }
}

const NOTHING: Thread = {
  anchor: '',
  uri: '',
  root: '',
  ancestors: [],
  height: 0,
  replies: new Map(),
  depth: 0,
}

export async function hydrateThread(
  { hydrator, relations }: Parts,
  { thread: { anchor, root, ancestors, replies } }: ThreadSkeleton,
  viewer: Viewer | undefined,
): Promise<ThreadHydration> {
  const keys = [anchor, ...ancestors, ...[...replies.values()].flat()]
  const h = await hydrator.page(viewer, keys, { context: true })
  const author = h.posts.get(root)
  const authorMarks = author ? await relations.marks(author.aid, h.counts) : new Map()
  return { h, authorMarks }
}
