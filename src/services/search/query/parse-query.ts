/** What people type into a search box, taken apart. Pure; any text is a query, never an error. */
import { isAtIdentifier } from '#protocol/syntax'
import { wordsOf } from '../text/index.ts'

/** A query before anybody was looked up. Everything in it must hold. */
export interface ParsedQuery {
  /** Words that stand together in this order; most have one word. */
  phrases: string[][]
  /** Handles, DIDs, or `me`. */
  authors: string[]
  mentions: string[]
  tags: string[]
  langs: string[]
  domains: string[]
  urls: string[]
  /** Milliseconds, inclusive. */
  sinceMs: number | undefined
  /** Milliseconds, exclusive. */
  untilMs: number | undefined
  isReply: boolean
  isQuote: boolean
  /** Asked for everything: `*`. */
  wantsAll: boolean
}

const ME = 'me'
/** A phrase in any quotation marks (people type those of their keyboard), or a piece without spaces. */
const PIECE = /["“”„«»]([^"“”„«»]*)["“”„«»]|[^\s"“”„«»]+/gu
const OPERATOR = /^(from|to|mentions|lang|domain|url|since|until|is):(.+)$/iu
const HASHTAG = /^[#＃](.+)$/u

export function emptyQuery(): ParsedQuery {
  return {
    phrases: [],
    authors: [],
    mentions: [],
    tags: [],
    langs: [],
    domains: [],
    urls: [],
    sinceMs: undefined,
    untilMs: undefined,
    isReply: false,
    isQuote: false,
    wantsAll: false,
  }
}

/**
 * Reads words, "phrases", #tags and the operators from:, to: (mentions:), lang:, domain:, url:,
 * since:, until:, is:reply, is:quote. What looks like an operator and is none is plain words.
 */
export function parseQuery(text: string): ParsedQuery {
  const query = emptyQuery()
  for (const [piece, phrase] of text.matchAll(PIECE)) {
    if (phrase !== undefined) addWords(query, phrase)
    else if (piece === '*') query.wantsAll = true
    else if (!takeTag(query, piece) && !takeOperator(query, piece)) addWords(query, piece)
  }
  return query
}

/** Narrows a query to posts from a moment on; of several the latest counts. */
export function addSince(query: ParsedQuery, text: string): boolean {
  const ms = momentOf(text)
  if (ms === undefined) return false
  query.sinceMs = Math.max(query.sinceMs ?? ms, ms)
  return true
}

/** Narrows a query to posts before a moment; of several the earliest counts. */
export function addUntil(query: ParsedQuery, text: string): boolean {
  const ms = momentOf(text)
  if (ms === undefined) return false
  query.untilMs = Math.min(query.untilMs ?? ms, ms)
  return true
}

/** A piece with more than one word in it (`e-mail`, `alice.test`) is a phrase. */
function addWords(query: ParsedQuery, text: string): void {
  const words = wordsOf(text)
  if (words.length > 0) query.phrases.push(words)
}

function takeTag(query: ParsedQuery, piece: string): boolean {
  const tag = HASHTAG.exec(piece)?.[1]
  if (tag === undefined || wordsOf(tag).length === 0) return false
  query.tags.push(tag)
  return true
}

function takeOperator(query: ParsedQuery, piece: string): boolean {
  const match = OPERATOR.exec(piece)
  if (match === null) return false
  const value = match[2]!
  switch (match[1]!.toLowerCase()) {
    case 'from':
      return take(query.authors, accountOf(value))
    case 'to':
    case 'mentions':
      return take(query.mentions, accountOf(value))
    case 'lang':
      return take(query.langs, /^[a-z]{2,3}(-[a-z0-9-]+)?$/i.test(value) ? value : undefined)
    case 'domain':
      return take(query.domains, /^[^\s/:?#@]+$/.test(value) ? value : undefined)
    case 'url':
      return take(query.urls, URL.canParse(value) ? value : undefined)
    case 'since':
      return addSince(query, value)
    case 'until':
      return addUntil(query, value)
    default:
      return takeFlag(query, value.toLowerCase())
  }
}

function takeFlag(query: ParsedQuery, flag: string): boolean {
  if (flag === 'reply') return (query.isReply = true)
  if (flag === 'quote') return (query.isQuote = true)
  return false
}

function take(into: string[], value: string | undefined): boolean {
  if (value === undefined) return false
  into.push(value)
  return true
}

function accountOf(text: string): string | undefined {
  const name = text.replace(/^@/, '')
  if (name.toLowerCase() === ME) return ME
  return isAtIdentifier(name) ? name : undefined
}

const DAY = /^\d{4}-\d{2}-\d{2}$/
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?$/i

/** Milliseconds of a datetime, or of the beginning of a day; UTC unless it says otherwise. */
function momentOf(text: string): number | undefined {
  const match = MOMENT.exec(text)
  if (match === null && !DAY.test(text)) return undefined
  const ms = Date.parse(match !== null && match[3] === undefined ? `${text}Z` : text)
  return Number.isNaN(ms) ? undefined : ms
}
