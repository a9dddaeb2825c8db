/**
 * The preferences that a person's host keeps for all their clients. What others wrote in them stays:
 * a change reads them, changes only its own, and writes them back, one change after another.
 */
import { signal } from '@preact/signals'
import type { Preference } from './preference-list.ts'
import { act, ask, me } from './session.ts'

const known = signal<{ did: string; list: readonly Preference[] } | undefined>(undefined)

/** What is known of the signed-in person's preferences; undefined until they were read. */
export function preferences(): readonly Preference[] | undefined {
  const now = known.value
  return now?.did === me.value?.did ? now?.list : undefined
}

let reading: { did: string; answer: Promise<readonly Preference[]> } | undefined

/** Reads them from the host; those who ask at the same time share the answer. */
export function readPreferences(): Promise<readonly Preference[]> {
  const did = me.peek()?.did ?? ''
  if (reading?.did === did) return reading.answer
  const answer = fetchPreferences(did).finally(() => {
    reading = undefined
  })
  reading = { did, answer }
  return answer
}

async function fetchPreferences(did: string): Promise<readonly Preference[]> {
  const method = 'app.bsky.actor.getPreferences'
  const { preferences: list } = await ask<{ preferences: Preference[] }>(method)
  known.value = { did, list }
  return list
}

let last: Promise<unknown> = Promise.resolve()

/** Changes them at the host: reads anew, applies `change`, writes. Throws when it was not written. */
export function changePreferences(
  change: (list: readonly Preference[]) => readonly Preference[],
): Promise<void> {
  const run = async () => {
    const did = me.peek()?.did ?? ''
    const list = change(await fetchPreferences(did))
    await act('app.bsky.actor.putPreferences', { body: { preferences: list } })
    known.value = { did, list }
  }
  const done = last.then(run, run)
  last = done.catch(() => {})
  return done
}
