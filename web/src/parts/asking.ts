/** What the page asks or tells a person, above everything else: a report, a block, a label. */
import { signal } from '@preact/signals'
import { go } from '../app/router.ts'
import { nameOf } from '../data/actions.ts'
import { knownPerson } from '../data/keep.ts'
import { toggleBlock, toggleMute } from '../data/quiet.ts'
import type { Service } from '../data/services.ts'
import { me } from '../data/session.ts'
import type { Label, Person, Post, StrongRef } from '../data/views.ts'
import { t } from '../words/index.ts'
import type { MenuItem } from './menu.tsx'

export type Asking =
  | { kind: 'report'; person: Person; post?: Post }
  | { kind: 'block'; person: Person }
  | { kind: 'label'; label: Label; author: string; subject?: StrongRef | string }
  | { kind: 'appeal'; subject: StrongRef | string; to: Service | undefined }

export const asking = signal<Asking | undefined>(undefined)

/** What can be done about somebody, or about their post: mute, block, report. */
export function dealWith(person: Person, post?: Post): MenuItem[] {
  const session = me.value
  if (session?.did === person.did) return []
  const known = knownPerson(person.did)?.value ?? person
  const { muted, blocking } = known.viewer ?? {}
  const name = nameOf(known)
  const signedIn = (run: () => void) => () => (me.peek() ? run() : go('/sign-in'))
  return [
    {
      icon: 'mute',
      label: t(muted ? 'mute.end' : 'mute.start', { name }),
      run: signedIn(() => void toggleMute(known)),
    },
    {
      icon: 'block',
      label: t(blocking ? 'block.end' : 'block.start', { name }),
      run: signedIn(() => {
        if (blocking) void toggleBlock(known)
        else asking.value = { kind: 'block', person: known }
      }),
    },
    {
      icon: 'flag',
      label: t(post ? 'report.post' : 'report.account'),
      run: signedIn(() => {
        asking.value = { kind: 'report', person: known, post }
      }),
    },
  ]
}
