/** Where we are: the path as a signal, links that do not reload, and the scroll that comes back. */
import { computed, signal } from '@preact/signals'

export interface Place {
  path: string
  query: URLSearchParams
  /** Grows with every visit; the same path twice is two visits. */
  visit: number
  /** Whether the person came back to it (the browser's back or forward). */
  returned: boolean
}

const here = (returned: boolean, visit: number): Place => ({
  path: location.pathname,
  query: new URLSearchParams(location.search),
  visit,
  returned,
})

export const place = signal<Place>(here(false, 0))
export const path = computed(() => place.value.path)

/** Whether there is a page of ours behind this one. */
export const canGoBack = () => (history.state?.depth ?? 0) > 0

/** Goes to a page of ours. */
export function go(to: string, options: { replace?: boolean } = {}): void {
  const depth = history.state?.depth ?? 0
  history.replaceState({ ...history.state, scroll: scrollY }, '')
  if (options.replace) history.replaceState({ depth }, '', to)
  else history.pushState({ depth: depth + 1 }, '', to)
  place.value = here(false, place.peek().visit + 1)
  scrollTo(0, 0)
}

/** Back where the person came from, or to `otherwise` when they came straight here. */
export function back(otherwise: string): void {
  if (canGoBack()) history.back()
  else go(otherwise, { replace: true })
}

/** Starts listening; once, at the start. */
export function startRouter(): void {
  history.scrollRestoration = 'manual'
  addEventListener('popstate', () => {
    place.value = here(true, place.peek().visit + 1)
    restoreScroll(history.state?.scroll ?? 0)
  })
  addEventListener('pagehide', () => {
    history.replaceState({ ...history.state, scroll: scrollY }, '')
  })
  document.addEventListener('click', followLink)
}

// Lists come back from memory in the next frames; wait for them to be tall enough.
function restoreScroll(top: number, tries = 12): void {
  scrollTo(0, top)
  if (tries > 0 && Math.abs(scrollY - top) > 2) {
    requestAnimationFrame(() => restoreScroll(top, tries - 1))
  }
}

function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = (event.target as Element | null)?.closest?.('a')
  if (!link?.href || link.target || link.hasAttribute('download')) return
  const to = new URL(link.href)
  if (to.origin !== location.origin || to.hash) return
  event.preventDefault()
  go(to.pathname + to.search)
}
