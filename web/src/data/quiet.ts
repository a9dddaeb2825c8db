/** Muting and blocking: shown at once, taken back when it was not kept. */
import { say } from '../app/toasts.ts'
import { t } from '../words/index.ts'
import { failed, nameOf } from './actions.ts'
import { keepPeople, owner } from './feeds.ts'
import { knownPerson, personOf, whileChanging } from './keep.ts'
import { makePages, type Pages, pagesFor } from './pages.ts'
import { createRecord, deleteRecord, now } from './records.ts'
import { act, ask } from './session.ts'
import type { Person, PersonViewer } from './views.ts'
import { CallError } from './xrpc.ts'

const pending = 'pending'

/** Whether somebody's posts are kept out of lists: muted, blocked, or blocking. */
export function isHushed(person: Person): boolean {
  const viewer = (knownPerson(person.did)?.value ?? person).viewer
  return Boolean(viewer?.muted || viewer?.blocking || viewer?.blockedBy)
}

/** Whether a service says that it does not know a method at all. */
export const isUnknownMethod = (error: unknown): boolean =>
  error instanceof CallError && (error.status === 501 || error.error === 'MethodNotImplemented')

/** Mutes somebody, or hears them again. Only the person knows; the view keeps it. */
export async function toggleMute(person: Person): Promise<void> {
  const shown = personOf(person)
  const muted = shown.peek().viewer?.muted === true
  const name = nameOf(shown.peek())
  const set = (fields: PersonViewer) => change(shown, fields)
  await whileChanging(person.did, async () => {
    try {
      set({ muted: !muted })
      const method = muted ? 'app.bsky.graph.unmuteActor' : 'app.bsky.graph.muteActor'
      await act(method, { body: { actor: person.did } })
      const back = { label: t('undo'), run: () => void toggleMute(shown.peek()) }
      say(t(muted ? 'mute.ended' : 'mute.done', { name }), muted ? undefined : back)
    } catch (error) {
      set({ muted })
      if (isUnknownMethod(error)) say(t('mute.notHere'))
      else failed(error, () => void toggleMute(shown.peek()))
    }
  })
}

/** Blocks somebody by a record that everybody can see, or takes the block back. */
export async function toggleBlock(person: Person): Promise<void> {
  const shown = personOf(person)
  const { blocking, following } = shown.peek().viewer ?? {}
  if (blocking === pending) return
  const name = nameOf(shown.peek())
  const set = (fields: PersonViewer) => change(shown, fields)
  await whileChanging(person.did, async () => {
    try {
      if (blocking) {
        set({ blocking: undefined })
        await deleteRecord(blocking)
        say(t('block.ended', { name }))
      } else {
        set({ blocking: pending, following: undefined })
        const record = { subject: person.did, createdAt: now() }
        set({ blocking: (await createRecord('app.bsky.graph.block', record)).uri, following })
        say(t('block.done', { name }), {
          label: t('undo'),
          run: () => void toggleBlock(shown.peek()),
        })
      }
    } catch (error) {
      set({ blocking, following })
      failed(error, () => void toggleBlock(shown.peek()))
    }
  })
}

function change(shown: ReturnType<typeof personOf>, fields: PersonViewer): void {
  const person = shown.peek()
  shown.value = { ...person, viewer: { ...person.viewer, ...fields } }
}

export type QuietList = 'mutes' | 'blocks'

const methods = { mutes: 'app.bsky.graph.getMutes', blocks: 'app.bsky.graph.getBlocks' } as const

/** Whom the person muted or blocked. */
export function quietList(list: QuietList): Pages<Person> {
  return pagesFor(`${list} ${owner()}`, () =>
    makePages(
      async (cursor) => {
        type Answer = { cursor?: string } & Partial<Record<QuietList, Person[]>>
        const answer = await ask<Answer>(methods[list], { params: { limit: 50, cursor } })
        return { items: keepPeople(answer[list] ?? []), cursor: answer.cursor }
      },
      ({ did }) => did,
    ),
  )
}
