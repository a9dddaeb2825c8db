import { isNsid, type Nsid } from '#protocol/syntax'

/** A lexicon document whose form has been checked: every name here may be relied on. */
export interface LexiconDocument {
  lexicon: 1
  id: Nsid
  revision?: number
  description?: string
  defs: Readonly<Record<string, Definition>>
}

/** What a property, an item or a body may be. */
export type FieldType =
  | BooleanType
  | IntegerType
  | StringType
  | BytesType
  | CidLinkType
  | BlobType
  | ArrayType
  | ObjectType
  | RefType
  | UnionType
  | UnknownType

export interface BooleanType {
  type: 'boolean'
  default?: boolean
  const?: boolean
}
export interface IntegerType {
  type: 'integer'
  default?: number
  const?: number
  enum?: readonly number[]
  minimum?: number
  maximum?: number
}
export interface StringType {
  type: 'string'
  format?: string
  default?: string
  const?: string
  enum?: readonly string[]
  knownValues?: readonly string[]
  /** UTF-8 bytes. */
  minLength?: number
  maxLength?: number
  minGraphemes?: number
  maxGraphemes?: number
}
export interface BytesType {
  type: 'bytes'
  minLength?: number
  maxLength?: number
}
export interface CidLinkType {
  type: 'cid-link'
}
export interface BlobType {
  type: 'blob'
  accept?: readonly string[]
  maxSize?: number
}
export interface ArrayType {
  type: 'array'
  items: FieldType
  minLength?: number
  maxLength?: number
}
export interface ObjectType {
  type: 'object'
  properties?: Readonly<Record<string, FieldType>>
  required?: readonly string[]
  nullable?: readonly string[]
}
export interface RefType {
  type: 'ref'
  ref: string
}
export interface UnionType {
  type: 'union'
  refs: readonly string[]
  closed?: boolean
}
export interface UnknownType {
  type: 'unknown'
}
export interface TokenType {
  type: 'token'
}
export interface ParamsType {
  type: 'params'
  properties?: Readonly<Record<string, FieldType>>
  required?: readonly string[]
}
export interface BodyType {
  encoding: string
  schema?: ObjectType | RefType | UnionType
}
export interface RecordType {
  type: 'record'
  key: string
  record: ObjectType
}
export interface QueryType {
  type: 'query'
  parameters?: ParamsType
  output?: BodyType
}
export interface ProcedureType {
  type: 'procedure'
  parameters?: ParamsType
  input?: BodyType
  output?: BodyType
}
export interface SubscriptionType {
  type: 'subscription'
  parameters?: ParamsType
  message?: { schema: UnionType | RefType | ObjectType }
}
export interface PermissionSetType {
  type: 'permission-set'
  permissions: readonly Readonly<Record<string, unknown>>[]
}

/** What may stand under a name in `defs`. */
export type Definition =
  | Exclude<FieldType, RefType | UnionType | UnknownType>
  | TokenType
  | RecordType
  | QueryType
  | ProcedureType
  | SubscriptionType
  | PermissionSetType

/** A reference in full: `nsid` for main, `nsid#name` for the rest. */
export function fullRef(ref: string, documentId: string): string {
  const full = ref.startsWith('#') ? documentId + ref : ref
  return full.endsWith('#main') ? full.slice(0, -'#main'.length) : full
}

const definitionName = /^[a-zA-Z][a-zA-Z0-9]{0,127}$/

export function isDefinitionName(name: string): boolean {
  return definitionName.test(name)
}

/** `#name`, `nsid` or `nsid#name`. */
export function isRef(text: unknown): text is string {
  if (typeof text !== 'string') return false
  const hash = text.indexOf('#')
  if (hash === -1) return isNsid(text)
  return (hash === 0 || isNsid(text.slice(0, hash))) && definitionName.test(text.slice(hash + 1))
}
