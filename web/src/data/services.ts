/** Services a person chose on this device in place of those this page names: the view, the labelers. */
import { signal } from '@preact/signals'
import { network } from '../app/config.ts'

/** A service by its own identity, and where that says it is. */
export interface Service {
  did: string
  url: string
}

interface Chosen {
  view?: Service
  /** Undefined: whoever moderates this network; empty: nobody. */
  labelers?: readonly Service[]
}

const key = 'falaj.services'
const chosen = signal<Chosen>(read())

function read(): Chosen {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '{}')
    return typeof kept === 'object' && kept !== null ? kept : {}
  } catch {
    return {}
  }
}

function keep(next: Chosen): void {
  chosen.value = next
  try {
    localStorage.setItem(key, JSON.stringify(next))
  } catch {}
}

/** The view that answers: the chosen one, else this page's. */
export const viewService = (): { url: string; did?: string } =>
  chosen.value.view ?? network().appview

/** Whether the view is another than this page's own. */
export const isViewChosen = (): boolean => chosen.value.view !== undefined

/** Chooses a view, or this page's own again. */
export function chooseView(view: Service | undefined): void {
  keep({ ...chosen.peek(), view })
}

/** Whose labels are asked for, and who reads reports: the chosen ones, else this network's. */
export function labelers(): readonly Service[] {
  const { moderation } = network()
  const own = moderation?.did ? [{ did: moderation.did, url: moderation.url }] : []
  return chosen.value.labelers ?? own
}

/** Whether somebody chose labelers on this device, be it none. */
export const isLabelersChosen = (): boolean => chosen.value.labelers !== undefined

/** Follows these on this device; undefined: this network's own. */
export function chooseLabelers(list: readonly Service[] | undefined): void {
  keep({ ...chosen.peek(), labelers: list })
}

/** The header that says whose labels are wanted; nothing where the view's own choice stands. */
export function labelerHeader(): Record<string, string> {
  const dids = labelers().map(({ did }) => did)
  return dids.length === 0 ? {} : { 'atproto-accept-labelers': dids.join(', ') }
}
