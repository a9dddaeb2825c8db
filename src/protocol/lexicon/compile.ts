import { isBlob, isBytes, isCidLink, isLegacyBlob } from '@atcute/lexicons/interfaces'
import { type Check, Issue, isMap, MissingDefinition, Replaced } from './check.ts'
import {
  type ArrayType,
  type BlobType,
  type BytesType,
  type Definition,
  type FieldType,
  fullRef,
  type IntegerType,
  type ObjectType,
  type StringType,
  type UnionType,
} from './document.ts'
import { formatCheck } from './formats.ts'
import { isGraphemeLengthWithin, isUtf8LengthWithin } from './text.ts'

/** Finds the check of a definition by its full reference; undefined when nobody has it. */
export type FindCheck = (ref: string) => Check | undefined

/** Where a type stands: the document that relative references are of, and how to follow them. */
export interface Scope {
  documentId: string
  find: FindCheck
}

const anything: Check = () => undefined

/** The check of a named definition. `ref` is its full name, which is what a token's value is. */
export function compileDefinition(definition: Definition, ref: string, scope: Scope): Check {
  switch (definition.type) {
    case 'token':
      return oneOf([ref], 'the token')
    case 'record':
      return typed(compileObject(definition.record, scope), ref, true)
    case 'object':
      return typed(compileObject(definition, scope), ref, false)
    case 'query':
    case 'procedure':
    case 'subscription':
    case 'permission-set':
      return () => new Issue(`a ${definition.type} has no values`)
    default:
      return compileField(definition, scope)
  }
}

/** The check of a type. */
export function compileField(field: FieldType, scope: Scope): Check {
  switch (field.type) {
    case 'boolean':
      return compileBoolean(field.const)
    case 'integer':
      return compileInteger(field)
    case 'string':
      return compileString(field)
    case 'bytes':
      return compileBytes(field)
    case 'cid-link':
      return (value) => (isCidLink(value) ? undefined : new Issue('expected a link'))
    case 'blob':
      return compileBlob(field)
    case 'array':
      return compileArray(field, scope)
    case 'object':
      return compileObject(field, scope)
    case 'ref':
      return compileRef(fullRef(field.ref, scope.documentId), scope)
    case 'union':
      return compileUnion(field, scope)
    case 'unknown':
      return (value) =>
        isMap(value) && value.$type !== 'blob' ? undefined : new Issue('expected an object')
  }
}

/** A named object: its `$type`, which a record must have and others may, is its own name. */
function typed(object: Check, ref: string, required: boolean): Check {
  return (value, strict) => {
    if (isMap(value) && value.$type !== ref && (required || value.$type !== undefined)) {
      return new Issue(`expected ${ref}`).within('$type')
    }
    return object(value, strict)
  }
}

function compileBoolean(fixed: boolean | undefined): Check {
  return (value) => {
    if (typeof value !== 'boolean') return new Issue('expected a boolean')
    return fixed === undefined || value === fixed ? undefined : new Issue(`expected ${fixed}`)
  }
}

function oneOf(values: readonly unknown[], what: string): Check {
  const allowed = new Set(values)
  const list = values.slice(0, 10).map((value) => JSON.stringify(value))
  const message = `expected ${what} ${list.join(' or ')}`
  return (value) => (allowed.has(value) ? undefined : new Issue(message))
}

function compileInteger(field: IntegerType): Check {
  const checks: Check[] = []
  if (field.const !== undefined) checks.push(oneOf([field.const], 'the integer'))
  if (field.enum !== undefined) checks.push(oneOf(field.enum, 'the integer'))
  const min = field.minimum ?? Number.NEGATIVE_INFINITY
  const max = field.maximum ?? Number.POSITIVE_INFINITY
  const range = `expected an integer from ${min} to ${max}`
  return (value, strict) => {
    if (!Number.isSafeInteger(value)) return new Issue('expected an integer')
    if ((value as number) < min || (value as number) > max) return new Issue(range)
    return all(checks, value, strict)
  }
}

function compileString(field: StringType): Check {
  const checks: Check[] = []
  const lengths = bounds(field.minLength, field.maxLength)
  if (lengths !== undefined) {
    const message = `expected text of ${lengths.text} bytes`
    checks.push((value) =>
      isUtf8LengthWithin(value as string, lengths.min, lengths.max)
        ? undefined
        : new Issue(message),
    )
  }
  const graphemes = bounds(field.minGraphemes, field.maxGraphemes)
  if (graphemes !== undefined) {
    const message = `expected text of ${graphemes.text} characters`
    checks.push((value) =>
      isGraphemeLengthWithin(value as string, graphemes.min, graphemes.max)
        ? undefined
        : new Issue(message),
    )
  }
  const format = formatCheck(field.format)
  if (format !== undefined) checks.push(format)
  if (field.const !== undefined) checks.push(oneOf([field.const], 'the text'))
  if (field.enum !== undefined) checks.push(oneOf(field.enum, 'the text'))
  return (value, strict) => {
    if (typeof value !== 'string') return new Issue('expected text')
    return checks.length === 0 ? undefined : all(checks, value, strict)
  }
}

function compileBytes(field: BytesType): Check {
  const sizes = bounds(field.minLength, field.maxLength)
  return (value) => {
    if (!isBytes(value)) return new Issue('expected bytes')
    if (sizes === undefined) return undefined
    const size = byteCount(value)
    if (size >= sizes.min && size <= sizes.max) return undefined
    return new Issue(`expected ${sizes.text} bytes`)
  }
}

/** Bytes of a decoded byte string or of its JSON form, without decoding it. */
function byteCount(value: { $bytes: string; buf?: Uint8Array }): number {
  if (value.buf instanceof Uint8Array) return value.buf.length
  const digits = value.$bytes.replace(/=+$/, '').length
  return Math.floor((digits * 3) / 4)
}

function compileBlob(field: BlobType): Check {
  const { maxSize } = field
  const accept = field.accept?.map((pattern) => pattern.toLowerCase())
  return (value, strict) => {
    if (!isBlob(value)) {
      return !strict && isLegacyBlob(value) ? undefined : new Issue('expected a blob')
    }
    if (!strict) return undefined
    if (value.size < 0) return new Issue('expected a blob of a known size')
    if (maxSize !== undefined && value.size > maxSize) {
      return new Issue(`expected a blob of at most ${maxSize} bytes`)
    }
    if (accept === undefined || isAccepted(accept, value.mimeType.toLowerCase())) return undefined
    return new Issue(`expected a blob of type ${accept.slice(0, 10).join(' or ')}`)
  }
}

function isAccepted(accept: readonly string[], mimeType: string): boolean {
  return accept.some(
    (pattern) =>
      pattern === '*/*' ||
      pattern === mimeType ||
      (pattern.endsWith('/*') && mimeType.startsWith(pattern.slice(0, -1))),
  )
}

function compileArray(field: ArrayType, scope: Scope): Check {
  const check = compileField(field.items, scope)
  const sizes = bounds(field.minLength, field.maxLength)
  return (value, strict) => {
    if (!Array.isArray(value)) return new Issue('expected a list')
    if (sizes !== undefined && (value.length < sizes.min || value.length > sizes.max)) {
      return new Issue(`expected a list of ${sizes.text} items`)
    }
    let result: unknown[] | undefined
    for (let index = 0; index < value.length; index++) {
      const outcome = check(value[index], strict)
      if (outcome === undefined) continue
      if (outcome instanceof Issue) return outcome.within(index)
      result ??= value.slice()
      result[index] = outcome.value
    }
    return result === undefined ? undefined : new Replaced(result)
  }
}

interface Property {
  name: string
  check: Check
  required: boolean
  nullable: boolean
  fallback: boolean | number | string | undefined
}

/** The check of an object: known properties are checked, unknown ones are left alone. */
export function compileObject(
  field: Pick<ObjectType, 'properties' | 'required' | 'nullable'>,
  scope: Scope,
): Check {
  const { properties = {}, required = [], nullable = [] } = field
  const list: Property[] = Object.entries(properties).map(([name, property]) => ({
    name,
    check: compileField(property, scope),
    required: required.includes(name),
    nullable: nullable.includes(name),
    fallback: 'default' in property ? property.default : undefined,
  }))
  for (const name of required) {
    if (Object.hasOwn(properties, name)) continue
    const check = anything
    list.push({ name, check, required: true, nullable: true, fallback: undefined })
  }
  return (value, strict) => {
    if (!isMap(value)) return new Issue('expected an object')
    let result: Record<string, unknown> | undefined
    for (let index = 0; index < list.length; index++) {
      const property = list[index]!
      const outcome = checkProperty(property, value, strict)
      if (outcome === undefined) continue
      if (outcome instanceof Issue) return outcome.within(property.name)
      result ??= { ...value }
      result[property.name] = outcome.value
    }
    return result === undefined ? undefined : new Replaced(result)
  }
}

function checkProperty(
  property: Property,
  object: Record<string, unknown>,
  strict: boolean,
): Replaced | Issue | undefined {
  // What every object inherits (toString, constructor) is not a property of the value.
  const own = object[property.name]
  const value = own !== undefined && Object.hasOwn(object, property.name) ? own : undefined
  if (value === undefined) {
    if (property.fallback !== undefined) return new Replaced(property.fallback)
    return property.required ? new Issue('is missing') : undefined
  }
  if (value === null && property.nullable) return undefined
  return property.check(value, strict)
}

function compileRef(ref: string, scope: Scope): Check {
  let check: Check | undefined
  return (value, strict) => {
    if (check === undefined) {
      check = scope.find(ref)
      if (check === undefined) throw new MissingDefinition(ref)
    }
    return check(value, strict)
  }
}

function compileUnion(field: UnionType, scope: Scope): Check {
  const members = new Map<string, Check>()
  for (const text of field.refs) {
    const ref = fullRef(text, scope.documentId)
    members.set(ref, compileRef(ref, scope))
  }
  return (value, strict) => {
    if (!isMap(value)) return new Issue('expected an object')
    const { $type } = value
    if (typeof $type !== 'string') return new Issue('expected text').within('$type')
    const member = members.get($type)
    if (member !== undefined) return member(value, strict)
    if (field.closed !== true) return undefined
    return new Issue(`expected ${[...members.keys()].slice(0, 10).join(' or ')}`).within('$type')
  }
}

function all(checks: readonly Check[], value: unknown, strict: boolean): Issue | undefined {
  for (const check of checks) {
    const outcome = check(value, strict)
    if (outcome instanceof Issue) return outcome
  }
  return undefined
}

/** A range of sizes and its words; undefined when there is no limit at all. */
function bounds(
  low: number | undefined,
  high: number | undefined,
): { min: number; max: number; text: string } | undefined {
  if (low === undefined && high === undefined) return undefined
  const min = low ?? 0
  const max = high ?? Number.POSITIVE_INFINITY
  if (high === undefined) return { min, max, text: `at least ${min}` }
  return { min, max, text: min === 0 ? `at most ${max}` : `${min} to ${max}` }
}
