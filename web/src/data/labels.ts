/**
 * What labels on a post or an account ask of a client: nothing, a mark, a cover, or not to show it.
 * https://atproto.com/specs/label. Pure.
 */
import { type Preference, withPreference } from './preference-list.ts'
import type { Label } from './views.ts'

export type Visibility = 'ignore' | 'warn' | 'hide'

/** What a label asks of whoever shows it, until the person says otherwise. */
export interface Asks {
  /** Everything that is said, its pictures only, or nothing: then it is a mark. */
  blurs: 'content' | 'media' | 'none'
  /** How loud a mark is; `none` shows nothing. */
  severity: 'alert' | 'inform' | 'none'
  preset: Visibility
  /** Left out for whoever wants no adult content at all. */
  adultOnly?: boolean
}

/** The labels that every client knows. */
const kinds: Record<string, Asks> = {
  '!hide': { blurs: 'content', severity: 'alert', preset: 'hide' },
  '!warn': { blurs: 'content', severity: 'alert', preset: 'warn' },
  porn: { blurs: 'media', severity: 'none', preset: 'warn', adultOnly: true },
  sexual: { blurs: 'media', severity: 'none', preset: 'warn' },
  nudity: { blurs: 'media', severity: 'none', preset: 'ignore' },
  'graphic-media': { blurs: 'media', severity: 'none', preset: 'warn' },
}

/**
 * What a labeler says that a word of its own asks for: `unread` while that is not known yet, undefined
 * when it says nothing.
 */
export type Meaning = (src: string, val: string) => Asks | 'unread' | undefined

/** What a label asks for that everybody knows. */
export const usualAsks = (val: string): Asks | undefined => kinds[val]

const oldNames: Record<string, string> = { gore: 'graphic-media', nsfl: 'graphic-media' }

/** Kinds of media that a person decides about, in the order they are offered. */
export const mediaKinds = ['porn', 'sexual', 'nudity', 'graphic-media'] as const

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

/**
 * What a person wants done about a label: their own word, else what is usual for it. `asks` is what
 * the labeler says of a word of its own.
 */
export function visibilityOf(
  list: readonly Preference[] | undefined,
  val: string,
  src?: string,
  asks: Asks | undefined = kinds[oldNames[val] ?? val],
): Visibility {
  const name = oldNames[val] ?? val
  const adult = list?.find(({ $type }) => $type === adultPref)?.enabled
  if (adult === false && asks?.adultOnly) return 'hide'
  return wordOf(list, name, src) ?? asks?.preset ?? 'ignore'
}

/** The person's own word about a label: about this labeler's before about everybody's. */
function wordOf(
  list: readonly Preference[] | undefined,
  name: string,
  src: string | undefined,
): Visibility | undefined {
  const said = (list ?? []).filter(
    ({ $type, label, labelerDid }) =>
      $type === contentPref &&
      (oldNames[String(label)] ?? label) === name &&
      (labelerDid === undefined || labelerDid === src),
  )
  const word = (said.find(({ labelerDid }) => labelerDid === src && src) ?? said[0])?.visibility
  // The word for "do not cover" was "show" before it was "ignore".
  if (word === 'ignore' || word === 'show') return 'ignore'
  return word === 'warn' || word === 'hide' ? word : undefined
}

/** What a label asks for: of its labeler where that says so, else what everybody knows. */
export function asksOf(
  { src, val }: Label,
  author: string,
  meaning: Meaning,
): Asks | 'unread' | undefined {
  const known = kinds[oldNames[val] ?? val]
  if (val.startsWith('!') || src === author) return known
  const own = meaning(src, val)
  return own === undefined || (own === 'unread' && known) ? known : own
}

/**
 * Judges labels that stand. `author` is whose record or account it is: what only a service may say
 * (names with `!`) counts for nothing in their own mouth. A word whose meaning is not known yet
 * covers; one that never will be is a mark.
 */
export function judge(
  labels: readonly Label[] | undefined,
  author: string,
  list: readonly Preference[] | undefined,
  meaning: Meaning = () => undefined,
): Judged {
  const found: { hidden?: Label; content?: Label; media?: Label; marks: Label[] } = { marks: [] }
  for (const label of standing(labels ?? [])) {
    const val = oldNames[label.val] ?? label.val
    const reserved = val.startsWith('!')
    if (reserved && (label.src === author || !kinds[val])) continue
    const asks = asksOf(label, author, meaning)
    const known = { ...label, val }
    if (asks === 'unread') {
      found.content ??= known
      continue
    }
    const wish = reserved ? kinds[val]!.preset : visibilityOf(list, val, label.src, asks)
    if (wish === 'hide') found.hidden ??= known
    else if (!asks) {
      if (wish === 'warn') found.content ??= known
      else if (wordOf(list, val, label.src) === undefined) found.marks.push(known)
    } else if (wish === 'warn') {
      if (asks.blurs !== 'none') found[asks.blurs] ??= known
      else if (asks.severity !== 'none') found.marks.push(known)
    }
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

/**
 * The preferences with the person's word about a label, everybody's or a labeler's own. Who wants to
 * see what is for adults only says with it that they want such things at all.
 */
export function withVisibility(
  list: readonly Preference[],
  label: string,
  visibility: Visibility,
  labelerDid?: string,
  adultOnly = false,
): Preference[] {
  const same = (one: Preference) =>
    one.$type === contentPref && one.labelerDid === labelerDid && one.label === label
  const word = { $type: contentPref, ...(labelerDid ? { labelerDid } : {}), label, visibility }
  const next: Preference[] = [...list.filter((one) => !same(one)), word]
  const closed = next.some(({ $type, enabled }) => $type === adultPref && enabled === false)
  return adultOnly && closed && visibility !== 'hide'
    ? withPreference(next, adultPref, { enabled: true })
    : next
}
