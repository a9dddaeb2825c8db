/** What a section reads from the host: rows a page at a time, its trouble, and reading again. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

export interface Page<T> {
  rows: T[]
  cursor?: string | undefined
}

export interface Reading<T> {
  rows: Signal<T[]>
  /** Undefined while nothing more is there. */
  cursor: Signal<string | undefined>
  busy: Signal<boolean>
  trouble: Signal<unknown>
  /** From the start. */
  again: () => Promise<void>
  more: () => Promise<void>
}

/** Reads anew whenever `by` changes; an answer that was overtaken is dropped. */
export function useReading<T>(read: (cursor?: string) => Promise<Page<T>>, by: string): Reading<T> {
  const rows = useSignal<T[]>([])
  const cursor = useSignal<string | undefined>(undefined)
  const busy = useSignal(true)
  const trouble = useSignal<unknown>(undefined)
  const turn = useSignal(0)
  const load = async (from: string | undefined) => {
    const mine = turn.peek() + 1
    turn.value = mine
    busy.value = true
    trouble.value = undefined
    try {
      const page = await read(from)
      if (turn.peek() !== mine) return
      rows.value = from === undefined ? page.rows : [...rows.peek(), ...page.rows]
      cursor.value = page.cursor
    } catch (error) {
      if (turn.peek() === mine) trouble.value = error
    } finally {
      if (turn.peek() === mine) busy.value = false
    }
  }
  useEffect(() => void load(undefined), [by])
  return {
    ...{ rows, cursor, busy, trouble },
    again: () => load(undefined),
    more: () => load(cursor.peek()),
  }
}
