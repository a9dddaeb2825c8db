/** Short messages that come and go, with at most one thing to do about them. */
import { signal } from '@preact/signals'

export interface Toast {
  id: number
  text: string
  action?: { label: string; run: () => void }
}

export const toasts = signal<readonly Toast[]>([])

const shownMs = 5_000
const shownWithActionMs = 9_000
let last = 0

/** Shows a message; one that offers an action stays longer. */
export function say(text: string, action?: Toast['action']): void {
  const toast = { id: ++last, text, action }
  toasts.value = [...toasts.peek().slice(-2), toast]
  setTimeout(() => dismiss(toast.id), action ? shownWithActionMs : shownMs)
}

export function dismiss(id: number): void {
  toasts.value = toasts.peek().filter((toast) => toast.id !== id)
}
