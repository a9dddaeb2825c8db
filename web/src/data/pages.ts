/** Lists that come page by page, kept in memory so that going back shows them as they were left. */
import { type Signal, signal } from '@preact/signals'
import { type Problem, problemOf } from './problem.ts'

export interface Page<T> {
  items: T[]
  cursor?: string
}

export type ListState = 'first' | 'idle' | 'more' | 'end'

/** A list and its next page. `first` = nothing loaded yet, `more` = a further page is on its way. */
export interface Pages<T> {
  items: Signal<readonly T[]>
  state: Signal<ListState>
  problem: Signal<Problem | undefined>
  /** Loads the first page unless it is there. */
  start(): void
  more(): void
  /** Loads the first page again; items stay until it is there. */
  reload(): Promise<void>
  /** Puts an item in front, unless its key is there. */
  prepend(item: T): void
  remove(key: string): void
}

/** Makes a list from its page loader; items with a key that is already there are dropped. */
export function makePages<T>(
  load: (cursor: string | undefined) => Promise<Page<T>>,
  keyOf: (item: T) => string,
): Pages<T> {
  const items = signal<readonly T[]>([])
  const state = signal<ListState>('first')
  const problem = signal<Problem | undefined>(undefined)
  let cursor: string | undefined
  let turn = 0
  let loading = false

  async function fetchPage(from: string | undefined, replace: boolean): Promise<void> {
    const mine = ++turn
    loading = true
    problem.value = undefined
    try {
      const page = await load(from)
      if (mine !== turn) return
      const before = replace ? [] : items.peek()
      const seen = new Set(before.map(keyOf))
      items.value = [...before, ...page.items.filter((item) => fresh(seen, keyOf(item)))]
      cursor = page.cursor
      state.value = cursor === undefined || page.items.length === 0 ? 'end' : 'idle'
    } catch (error) {
      if (mine !== turn) return
      problem.value = problemOf(error)
      if (state.peek() === 'more') state.value = 'idle'
    } finally {
      if (mine === turn) loading = false
    }
  }

  return {
    items,
    state,
    problem,
    start() {
      if (state.peek() === 'first' && !loading && !problem.peek()) void fetchPage(undefined, true)
    },
    more() {
      if (loading || state.peek() !== 'idle') return
      state.value = 'more'
      void fetchPage(cursor, false)
    },
    reload: () => fetchPage(undefined, true),
    prepend(item) {
      const key = keyOf(item)
      if (items.peek().some((one) => keyOf(one) === key)) return
      items.value = [item, ...items.peek()]
    },
    remove(key) {
      items.value = items.peek().filter((item) => keyOf(item) !== key)
    },
  }
}

function fresh(seen: Set<string>, key: string): boolean {
  if (seen.has(key)) return false
  seen.add(key)
  return true
}

const limit = 40
const kept = new Map<string, Pages<never>>()

/** The list under this name, made when it is not there; the oldest are dropped. */
export function pagesFor<T>(name: string, make: () => Pages<T>): Pages<T> {
  const known = kept.get(name) as Pages<T> | undefined
  const list = known ?? make()
  kept.delete(name)
  kept.set(name, list as unknown as Pages<never>)
  const oldest = kept.keys().next().value
  if (kept.size > limit && oldest !== undefined) kept.delete(oldest)
  return list
}

export function forgetPages(): void {
  kept.clear()
}
