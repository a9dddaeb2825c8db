/** What the pages that read a sheet have in common: what to say of it, and where. */
import type { ReadSheet } from 'falaj/protocol/identity'

export type Said = Record<string, string | number>
export type Say = (name: string, said?: Said) => string

/** The words a page brought for its script: templates with `{names}`. */
export function wordsOf(root: HTMLElement): Say {
  const words = JSON.parse(root.dataset.words ?? '{}') as Record<string, string>
  return (name, said = {}) =>
    (words[name] ?? '').replace(/\{(\w+)\}/g, (_, key: string) => String(said[key] ?? ''))
}

/** What is wrong with a sheet that could not be read, in lines. */
export function whyUnread(sheet: Exclude<ReadSheet, { kind: 'read' }>, say: Say): string[] {
  if (sheet.kind === 'count') return [say('countWrong', { count: sheet.count })]
  if (sheet.kind === 'foreign') return [say('foreign')]
  const unknown = sheet.unknown.map(({ place: at, read, like }) => {
    const hint = like.length > 0 ? say('perhaps', { like: like.join(', ') }) : ''
    return [say('unknown', { place: at, read }), hint].join(' ').trim()
  })
  return [say('unclear'), ...unknown]
}

/** What was put right in a sheet that was read, in lines. */
export const mendedOf = ({ mended }: Extract<ReadSheet, { kind: 'read' }>, say: Say): string[] =>
  mended.map(({ place: at, read, meant }) =>
    say('mended', { place: at, read, word: meant.word, code: meant.code }),
  )

/** Lines of what is wrong; without any, the place is empty. */
export function report(place: HTMLElement, ...lines: string[]): void {
  place.hidden = lines.length === 0
  place.replaceChildren(
    ...lines.map((line) => {
      const text = document.createElement('p')
      text.dir = 'auto'
      text.textContent = line
      return text
    }),
  )
}

/** Says something beside a button. */
export function alertBeside(button: HTMLElement, text: string): void {
  let said = button.parentElement?.querySelector<HTMLElement>('[role=alert]')
  if (!said) {
    said = document.createElement('span')
    said.className = 'hint'
    said.setAttribute('role', 'alert')
    button.after(said)
  }
  said.textContent = text
}
