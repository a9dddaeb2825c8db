import type { ReadParts } from '../parts.ts'
import type { Viewer } from '../read/hydrate.ts'
import type { UserList } from '../read/user-lists.ts'
import { type ListsHydration, listUri } from '../views/user-list.ts'

export interface ListsPage {
  lists: UserList[]
  cursor?: string | undefined
}

/** Owners of lists, further accounts, how the viewer stands to them, and labels of the lists. */
export async function hydrateLists(
  { hydrator, labels, urls }: Pick<ReadParts, 'hydrator' | 'labels' | 'urls'>,
  lists: readonly UserList[],
  viewer: Viewer | undefined,
  also: Iterable<number> = [],
): Promise<ListsHydration> {
  const h = await hydrator.accounts(viewer, new Set([...lists.map(({ aid }) => aid), ...also]))
  const named = lists.map((list) => ({ uri: listUri(list), cid: list.cid }))
  return { ...h, urls, recordLabels: await labels.ofRecords(named, viewer?.labelers) }
}
