/**
 * What labels on a post or an account ask of a client: nothing, a mark, a cover, or not to show it.
 * https://atproto.com/specs/label. Pure.
 */
import type { Preference } from './preference-list.ts'
import type { Label } from './views.ts'

export type Visibility = 'ignore' | 'warn' | 'hide'

interface Kind {
  /** Pictures and other media only, or everything that is said. */
  covers: 'media' | 'content'
  preset: Visibility
}

/** The labels that every client knows, and what they ask for until the person says otherwise. */
const kinds: Record<string, Kind> = {
  '!hide': { covers: 'content', preset: 'hide' },
  '!warn': { covers: 'content', preset: 'warn' },
  porn: { covers: 'media', preset: 'warn' },
  sexual: { covers: 'media', preset: 'warn' },
  nudity: { covers: 'media', preset: 'ignore' },
  'graphic-media': { covers: 'media', preset: 'warn' },
}

const oldNames: Record<string, string> = { gore: 'graphic-media', nsfl: 'graphic-media' }

/** Kinds of media that a person decides about, in the order they are offered. */
export const mediaKinds = ['porn', 'sexual', 'nudity', 'graphic-media'] as const
export type MediaKind = (typeof mediaKinds)[number]

export interface Judged {
  /** Not to be shown at all, and why. */
  hidden?: Label
  /** Everything covered until somebody uncovers it. */
  content?: Label
  /** Pictures covered until somebody uncovers them. */
  media?: Label
  /** The rest, shown as marks. */
  marks: readonly Label[]
}

const contentPref = 'app.bsky.actor.defs#contentLabelPref'
const adultPref = 'app.bsky.actor.defs#adultContentPref'

/** What a person wants done about a label: their own word, else what is usual for it. */
export function visibilityOf(
  list: readonly Preference[] | undefined,
  val: string,
  src?: string,
): Visibility {
  const name = oldNames[val] ?? val
  const said = (list ?? []).filter(
    ({ $type, label, labelerDid }) =>
      $type === contentPref &&
      (oldNames[String(label)] ?? label) === name &&
      (labelerDid === undefined || labelerDid === src),
  )
  const word = (said.find(({ labelerDid }) => labelerDid === src && src) ?? said[0])?.visibility
  // The word for "do not cover" was "show" before it was "ignore".
  if (word === 'ignore' || word === 'show') return 'ignore'
  if (word === 'warn' || word === 'hide') return word
  const adult = list?.find(({ $type }) => $type === adultPref)?.enabled
  if (name === 'porn' && adult === false) return 'hide'
  return kinds[name]?.preset ?? 'ignore'
}

/**
 * Judges labels that stand. `author` is whose record or account it is: what only a service may say
 * (names with `!`) counts for nothing in their own mouth.
 */
export function judge(
  labels: readonly Label[] | undefined,
  author: string,
  list: readonly Preference[] | undefined,
): Judged {
  const found: { hidden?: Label; content?: Label; media?: Label; marks: Label[] } = { marks: [] }
  for (const label of standing(labels ?? [])) {
    const val = oldNames[label.val] ?? label.val
    const reserved = val.startsWith('!')
    if (reserved && (label.src === author || !kinds[val])) continue
    const kind = kinds[val]
    const wish = reserved ? kinds[val]!.preset : visibilityOf(list, val, label.src)
    const known = { ...label, val }
    if (!kind) {
      if (wish === 'hide') found.hidden ??= known
      else if (wish === 'warn') found.content ??= known
      else found.marks.push(known)
    } else if (wish === 'hide') found.hidden ??= known
    else if (wish === 'warn') found[kind.covers] ??= known
  }
  return found
}

/** Labels without those taken back, each said once. */
function standing(labels: readonly Label[]): Label[] {
  const found = new Map<string, Label>()
  for (const label of labels) {
    const key = `${label.src} ${label.val}`
    if (label.neg) found.delete(key)
    else if (!found.has(key)) found.set(key, label)
  }
  return [...found.values()]
}

/** The preferences with the person's word about a kind of media. */
export function withVisibility(
  list: readonly Preference[],
  label: MediaKind,
  visibility: Visibility,
): Preference[] {
  const same = (one: Preference) =>
    one.$type === contentPref && one.labelerDid === undefined && one.label === label
  return [...list.filter((one) => !same(one)), { $type: contentPref, label, visibility }]
}
