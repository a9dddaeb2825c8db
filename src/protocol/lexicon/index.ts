/**
 * Schemas: the official ones from pinned packages, and a compiler for any lexicon document.
 * https://atproto.com/specs/lexicon
 */
export type { LexiconDocument } from './document.ts'
export {
  compileLexicons,
  isKeyOf,
  type Lexicons,
  type TypedProcedure,
  type TypedQuery,
  type TypedSubscription,
  type Verdict,
} from './lexicons.ts'
export type {
  BodySchema,
  MethodSchema,
  ProcedureSchema,
  QuerySchema,
  SubscriptionSchema,
} from './method-schema.ts'
export {
  methodSchema,
  type OfficialRecord,
  officialCollections,
  recordSchema,
  validateRecord,
} from './official.ts'
export { parseLexicon } from './parse.ts'
export type { RecordChecks, RecordVerdict } from './record-verdict.ts'
export { isGraphemeLengthWithin, isUtf8LengthWithin, utf8Length } from './text.ts'
