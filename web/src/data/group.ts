/** Gathers notifications that say the same of the same post. Pure. */

export interface Groupable {
  uri: string
  author: { did: string }
  reason: string
  reasonSubject?: string
  isRead: boolean
  indexedAt: string
}

export interface Notice<T extends Groupable> {
  key: string
  /** The newest of them, whose time and author lead. */
  first: T
  /** One for each person. */
  items: T[]
  isNew: boolean
}

const gathered = new Set(['like', 'repost', 'follow'])
const windowMs = 2 * 24 * 3600_000

/** In order of the newest of each; likes, reposts and follows within two days come together. */
export function group<T extends Groupable>(items: readonly T[]): Notice<T>[] {
  const found: Notice<T>[] = []
  const open = new Map<string, Notice<T>>()
  for (const item of items) {
    const name = `${item.reason} ${item.reasonSubject ?? ''} ${item.isRead}`
    const known = gathered.has(item.reason) ? open.get(name) : undefined
    if (known && within(known.first, item)) {
      const again = known.items.some(({ author }) => author.did === item.author.did)
      if (!again) known.items.push(item)
      continue
    }
    const notice = { key: item.uri, first: item, items: [item], isNew: !item.isRead }
    found.push(notice)
    open.set(name, notice)
  }
  return found
}

function within(a: Groupable, b: Groupable): boolean {
  return Math.abs(Date.parse(a.indexedAt) - Date.parse(b.indexedAt)) < windowMs
}
