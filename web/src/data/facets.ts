/**
 * Links, mentions and hashtags in a text. A facet's range counts UTF-8 bytes, a string's index
 * UTF-16 units; everything here converts between the two exactly. Pure.
 */
import type { Facet, Feature } from './views.ts'

export type Mark =
  | { kind: 'link'; start: number; end: number; uri: string }
  | { kind: 'mention'; start: number; end: number; handle: string }
  | { kind: 'tag'; start: number; end: number; tag: string }

const encoder = new TextEncoder()

/** How many bytes `text` takes in UTF-8. */
export function byteLength(text: string): number {
  return encoder.encode(text).byteLength
}

const links = /(?<![\p{L}\p{N}_@])https?:\/\/[^\s<>"'`]+/giu
const mentions =
  /(?<![\p{L}\p{N}_@/.])@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)/giu
// A tag is letters of any script, digits, marks and joiners; not digits alone.
const tags = /(?<![\p{L}\p{N}_#&/])[#＃]([\p{L}\p{M}\p{N}_\u200c\u200d]{1,64})/gu

/** What a text marks by its form, in order, without overlaps (a link wins over what is inside it). */
export function findMarks(text: string): Mark[] {
  const found: Mark[] = []
  for (const match of text.matchAll(links)) {
    const uri = withoutTail(match[0])
    if (URL.canParse(uri)) {
      found.push({ kind: 'link', start: match.index, end: match.index + uri.length, uri })
    }
  }
  for (const match of text.matchAll(mentions)) {
    const handle = match[1]!.toLowerCase()
    found.push({ kind: 'mention', start: match.index, end: match.index + match[0].length, handle })
  }
  for (const match of text.matchAll(tags)) {
    const tag = match[1]!
    if (/^\p{N}+$/u.test(tag)) continue
    found.push({ kind: 'tag', start: match.index, end: match.index + match[0].length, tag })
  }
  found.sort((a, b) => a.start - b.start)
  return found.filter((mark, index) =>
    found.slice(0, index).every((before) => before.end <= mark.start),
  )
}

// Punctuation at the end belongs to the sentence, also Arabic; a bracket only when it is not paired.
function withoutTail(uri: string): string {
  let rest = uri
  for (;;) {
    const last = rest.at(-1) ?? ''
    const unpaired = last === ')' && count(rest, '(') < count(rest, ')')
    if (!/[.,;:!?'"…،؛؟»\]]/u.test(last) && !unpaired) return rest
    rest = rest.slice(0, -1)
  }
}

const count = (text: string, sign: string) => text.split(sign).length - 1

/** Facets for `marks`; a mention whose handle nobody has (`didOf` gives undefined) stays plain text. */
export function facetsFrom(
  text: string,
  marks: readonly Mark[],
  didOf: (handle: string) => string | undefined,
): Facet[] {
  return marks.flatMap((mark) => {
    const feature = featureOf(mark, didOf)
    if (!feature) return []
    const byteStart = byteLength(text.slice(0, mark.start))
    const byteEnd = byteStart + byteLength(text.slice(mark.start, mark.end))
    return [{ index: { byteStart, byteEnd }, features: [feature] }]
  })
}

function featureOf(mark: Mark, didOf: (handle: string) => string | undefined): Feature | undefined {
  if (mark.kind === 'link') return { $type: 'app.bsky.richtext.facet#link', uri: mark.uri }
  if (mark.kind === 'tag') return { $type: 'app.bsky.richtext.facet#tag', tag: mark.tag }
  const did = didOf(mark.handle)
  return did === undefined ? undefined : { $type: 'app.bsky.richtext.facet#mention', did }
}

export interface Segment {
  text: string
  feature?: Feature
}

/**
 * The text cut at its facets, for showing. Facets come from anybody: those out of range, out of
 * order, overlapping, or cutting through a character are left out.
 */
export function segments(text: string, facets: readonly Facet[] = []): Segment[] {
  if (facets.length === 0) return text === '' ? [] : [{ text }]
  const bytes = encoder.encode(text)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const cut = (start: number, end: number) => decoder.decode(bytes.subarray(start, end))
  const sorted = facets
    .filter((facet) => isRange(facet, bytes.byteLength))
    .toSorted((a, b) => a.index.byteStart - b.index.byteStart)
  const found: Segment[] = []
  let at = 0
  for (const { index, features } of sorted) {
    const feature = features.find(isKnown)
    if (index.byteStart < at || !feature) continue
    try {
      const before = cut(at, index.byteStart)
      const inside = cut(index.byteStart, index.byteEnd)
      if (before !== '') found.push({ text: before })
      found.push({ text: inside, feature })
      at = index.byteEnd
    } catch {
      // The range starts or ends inside a character: not a facet anybody meant.
    }
  }
  const rest = cut(at, bytes.byteLength)
  if (rest !== '') found.push({ text: rest })
  return found
}

function isRange({ index }: Facet, length: number): boolean {
  const { byteStart, byteEnd } = index ?? {}
  return (
    Number.isInteger(byteStart) &&
    Number.isInteger(byteEnd) &&
    byteStart >= 0 &&
    byteStart < byteEnd &&
    byteEnd <= length
  )
}

function isKnown(feature: Feature): boolean {
  if (feature.$type === 'app.bsky.richtext.facet#link') return /^https?:\/\//i.test(feature.uri)
  return (
    feature.$type === 'app.bsky.richtext.facet#mention' ||
    feature.$type === 'app.bsky.richtext.facet#tag'
  )
}
