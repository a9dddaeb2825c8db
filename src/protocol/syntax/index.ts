/** Identifiers of atproto as text: checked, parsed, made. Pure and synchronous. */
export {
  type AtIdentifier,
  type AtUri,
  type AtUriParts,
  formatAtUri,
  isAtIdentifier,
  isAtUri,
  parseAtIdentifier,
  parseAtUri,
} from './at-uri.ts'
export {
  type Datetime,
  datetimeMs,
  formatDatetime,
  isDatetime,
  parseDatetime,
} from './datetime.ts'
export { type Did, isDid, parseDid } from './did.ts'
export { ProtocolError } from './error.ts'
export { type Handle, isHandle, parseHandle } from './handle.ts'
export { isLanguage, type Language, parseLanguage } from './language.ts'
export { isNsid, type Nsid, parseNsid } from './nsid.ts'
export { isRecordKey, parseRecordKey, type RecordKey } from './record-key.ts'
export { formatTid, isTid, parseTid, type Tid, TidClock, tidClockId, tidMicros } from './tid.ts'
export { isCidSyntax, isUri, parseCidSyntax, parseUri, type Uri } from './uri.ts'
