import {
  isAtIdentifier,
  isAtUri,
  isCidSyntax,
  isDatetime,
  isDid,
  isHandle,
  isLanguage,
  isNsid,
  isRecordKey,
  isTid,
  isUri,
} from '#protocol/syntax'
import { type Check, Issue } from './check.ts'

const formats = new Map<string, (text: string) => boolean>([
  ['at-identifier', isAtIdentifier],
  ['at-uri', isAtUri],
  ['cid', isCidSyntax],
  ['datetime', isDatetime],
  ['did', isDid],
  ['handle', isHandle],
  ['language', isLanguage],
  ['nsid', isNsid],
  ['record-key', isRecordKey],
  ['tid', isTid],
  ['uri', isUri],
])

/** The check of a string format; undefined for none, and for formats of a later specification. */
export function formatCheck(format: string | undefined): Check | undefined {
  const test = format === undefined ? undefined : formats.get(format)
  if (test === undefined) return undefined
  const message = `expected a ${format}`
  return (value) => (test(value as string) ? undefined : new Issue(message))
}
