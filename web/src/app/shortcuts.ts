/** Keys for those who would rather not reach for the mouse; by place on the keyboard, so that they
 * work under an Arabic layout too. */
import { toggleLike } from '../data/actions.ts'
import { knownPost } from '../data/keep.ts'
import { me } from '../data/session.ts'
import { startWriting } from '../parts/composer-state.ts'
import type { Key } from '../words/index.ts'
import { go } from './router.ts'

export const shortcuts = [
  { key: 'J', words: 'keys.next' },
  { key: 'K', words: 'keys.previous' },
  { key: 'L', words: 'keys.like' },
  { key: 'R', words: 'keys.reply' },
  { key: 'N', words: 'keys.write' },
  { key: '/', words: 'keys.find' },
] as const satisfies readonly { key: string; words: Key }[]

export function startShortcuts(): void {
  document.addEventListener('keydown', (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return
    const target = event.target as Element
    if (target.closest('input, textarea, select, [contenteditable], dialog, [role=menu]')) return
    const run = keys[event.code]
    if (run?.()) event.preventDefault()
  })
}

/** Each says whether it did something, so that a key that means nothing here stays the browser's. */
const keys: Record<string, () => boolean> = {
  KeyJ: () => step(1),
  KeyK: () => step(-1),
  KeyL: () =>
    withPost((uri) => {
      const post = knownPost(uri)?.peek()
      if (post) void toggleLike(post)
    }),
  KeyR: () => withPost((uri) => startWriting({ replyTo: knownPost(uri)?.peek() })),
  KeyN: () => {
    if (!me.peek()) return false
    startWriting()
    return true
  },
  Slash: () => {
    const field = document.querySelector<HTMLElement>('main input[role=combobox]')
    if (field) field.focus()
    else go('/search')
    return true
  },
}

function step(by: 1 | -1): boolean {
  const posts = [...document.querySelectorAll<HTMLElement>('main article')]
  if (posts.length === 0) return false
  const at = posts.findIndex((post) => post.contains(document.activeElement))
  // From nowhere, start at the first one that is on the screen.
  const seen = posts.findIndex((post) => post.getBoundingClientRect().bottom > 80)
  const next = at === -1 ? posts[Math.max(0, seen)] : posts[at + by]
  if (!next) return false
  if (next.tabIndex < 0) next.tabIndex = 0
  next.focus()
  return true
}

function withPost(work: (uri: string) => void): boolean {
  const uri = document.activeElement?.closest<HTMLElement>('article')?.dataset.uri
  if (!uri || !me.peek()) return false
  work(uri)
  return true
}
