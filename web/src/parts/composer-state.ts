/** Whether somebody is writing, and to whom. */
import { signal } from '@preact/signals'
import type { Post } from '../data/views.ts'

export interface Writing {
  replyTo?: Post
  /** Words to start with (a mention). */
  text?: string
}

export const writing = signal<Writing | undefined>(undefined)

export function startWriting(what: Writing = {}): void {
  writing.value = what
}

/** Tells an open thread of an answer that was just written. */
export const replied = new EventTarget()

const key = 'falaj.draft'

// One draft for each place that is answered, so that an accident never costs words.
function draftKey({ replyTo }: Writing): string {
  return replyTo ? `${key}.${replyTo.uri}` : key
}

export function savedDraft(what: Writing): string {
  try {
    return sessionStorage.getItem(draftKey(what)) ?? what.text ?? ''
  } catch {
    return what.text ?? ''
  }
}

export function saveDraft(what: Writing, text: string): void {
  try {
    if (text.trim() === '') sessionStorage.removeItem(draftKey(what))
    else sessionStorage.setItem(draftKey(what), text)
  } catch {}
}
