/** Kinds of settings a config table is made of. Each reads text and says what is wrong with it. */
import { readSmtpUrl } from './mail.ts'

export interface Setting<T> {
  /** How the value is written, for docs and messages: `integer`, `URL`, … */
  readonly type: string
  readonly help: string
  readonly default: T | undefined
  readonly required: boolean
  readonly secret: boolean
  /** A flag without a value means `true`. */
  readonly isSwitch: boolean
  readonly unit: string | undefined
  /** Range or choices, as shown in the docs. */
  readonly range: string | undefined
  /** Flag name without dashes; default is the setting's name in kebab-case. */
  readonly flag: string | undefined
  /** Reads one text; throws an Error whose message completes "NAME …". */
  read(text: string): T
  /** Turns a file's JSON value into what `read` takes; undefined when it does not fit. */
  fromJson(value: unknown): string | undefined
  show(value: T): string
}

interface Described {
  help: string
  flag?: string
}
type WithDefault<T> = Described & { default: T }
/** Inside a list a setting is an item, and needs no help of its own. */
type WithoutDefault = Partial<Described> & { required?: boolean }

interface Shape<T> {
  type: string
  read(text: string): T
  unit?: string
  range?: string
  secret?: boolean
  isSwitch?: boolean
  fromJson?: (value: unknown) => string | undefined
  show?: (value: T) => string
}

function setting<T>(
  options: Partial<Described> & { default?: T; required?: boolean },
  shape: Shape<T>,
): Setting<T> {
  return {
    type: shape.type,
    help: options.help ?? '',
    default: options.default,
    required: options.required ?? false,
    secret: shape.secret ?? false,
    isSwitch: shape.isSwitch ?? false,
    unit: shape.unit,
    range: shape.range,
    flag: options.flag,
    read: shape.read,
    fromJson: shape.fromJson ?? scalar,
    show: shape.show ?? String,
  }
}

function scalar(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined
}

export interface IntegerRange {
  min?: number
  max?: number
  /** Shown in the docs; the name should end with it too (`timeoutMs`, `bodyBytes`). */
  unit?: string
}

/** A whole number, within `min` and `max` inclusive. */
export function integer(options: WithDefault<number> & IntegerRange): Setting<number>
export function integer(
  options: WithoutDefault & IntegerRange & { required: true },
): Setting<number>
export function integer(options: WithoutDefault & IntegerRange): Setting<number | undefined>
export function integer(
  options: Partial<Described> & { default?: number; required?: boolean } & IntegerRange,
): Setting<number> | Setting<number | undefined> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, unit } = options
  const range = max === Number.MAX_SAFE_INTEGER ? `≥ ${min}` : `${min} to ${max}`
  return setting<number>(options, {
    type: 'integer',
    unit,
    range,
    read(text) {
      const value = /^-?\d+$/.test(text.trim()) ? Number(text) : Number.NaN
      if (!Number.isSafeInteger(value) || value < min || value > max)
        throw new Error(`must be a whole number, ${range}${unit ? ` ${unit}` : ''}`)
      return value
    },
  })
}

/** Free text. With `secret` it is never printed. `max` is in UTF-16 units. */
export function text(
  options: WithDefault<string> & { secret?: boolean; max?: number },
): Setting<string>
export function text(
  options: WithoutDefault & { required: true; secret?: boolean; max?: number },
): Setting<string>
export function text(
  options: WithoutDefault & { secret?: boolean; max?: number },
): Setting<string | undefined>
export function text(
  options: Partial<Described> & {
    default?: string
    required?: boolean
    secret?: boolean
    max?: number
  },
): Setting<string> | Setting<string | undefined> {
  const { max = 4096 } = options
  return setting<string>(options, {
    type: 'text',
    secret: options.secret,
    read(value) {
      if (value.length > max) throw new Error(`must be at most ${max} characters`)
      return value
    },
  })
}

/** `true` or `false`; as a flag, its presence or `--no-name`. */
export function flag(options: WithDefault<boolean>): Setting<boolean> {
  return setting<boolean>(options, {
    type: 'true or false',
    isSwitch: true,
    read(value) {
      if (value === 'true' || value === '1') return true
      if (value === 'false' || value === '0') return false
      throw new Error('must be true or false')
    },
  })
}

/** One of a few words. */
export function choice<const C extends string>(
  options: WithDefault<NoInfer<C>> & { of: readonly C[] },
): Setting<C> {
  const range = options.of.join(', ')
  return setting<C>(options as Described & { default: C }, {
    type: 'choice',
    range,
    read(value) {
      if (!(options.of as readonly string[]).includes(value))
        throw new Error(`must be one of ${range}`)
      return value as C
    },
  })
}

/** An http or https URL of a service, kept as its origin and path without a trailing slash. */
export function url(options: WithDefault<string>): Setting<string>
export function url(options: WithoutDefault & { required: true }): Setting<string>
export function url(options: WithoutDefault): Setting<string | undefined>
export function url(
  options: Partial<Described> & { default?: string; required?: boolean },
): Setting<string> | Setting<string | undefined> {
  return setting<string>(options, { type: 'URL', read: readUrl })
}

function readUrl(value: string): string {
  const parsed = URL.canParse(value) ? new URL(value) : undefined
  if (!parsed || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:'))
    throw new Error('must be an http:// or https:// URL')
  if (parsed.username || parsed.password) throw new Error('must not carry credentials')
  if (parsed.search || parsed.hash) throw new Error('must not carry a query or a fragment')
  return (parsed.origin + parsed.pathname).replace(/\/$/, '')
}

/** A mail server, `smtp://` or `smtps://`; it may carry a password and is never printed. */
export function smtpUrl(options: Described): Setting<string | undefined> {
  return setting<string>(options, {
    type: 'SMTP URL',
    secret: true,
    read(value) {
      readSmtpUrl(value)
      return value
    },
  }) as Setting<string | undefined>
}

/** Another service by where it is and who it is: `URL#DID`. */
export function urlAndDid(options: Described): Setting<{ url: string; did: string } | undefined> {
  return setting<{ url: string; did: string }>(options, {
    type: 'URL#DID',
    show: (value) => `${value.url}#${value.did}`,
    read(value) {
      const mark = value.indexOf('#did:')
      if (mark < 0) throw new Error('must be URL#DID, such as http://localhost:2584#did:plc:…')
      return { url: readUrl(value.slice(0, mark)), did: value.slice(mark + 1) }
    },
  }) as Setting<{ url: string; did: string } | undefined>
}

/** Values with commas between; in a file, an array. `of` reads one: `list(url({}), { … })`. */
export function list<T>(
  of: Setting<T>,
  options: WithDefault<readonly NonNullable<T>[]> & { max?: number },
): Setting<readonly NonNullable<T>[]> {
  const { max = 100 } = options
  return setting<readonly NonNullable<T>[]>(options, {
    type: `list of ${of.type}`,
    range: of.range,
    secret: of.secret,
    fromJson: (value) => (Array.isArray(value) ? value.join(',') : scalar(value)),
    show: (values) => values.map((value) => of.show(value)).join(','),
    read(value) {
      const parts = value.split(',').map((part) => part.trim())
      const kept = parts.filter((part) => part !== '')
      if (kept.length > max) throw new Error(`must be at most ${max} values`)
      return kept.map((part) => of.read(part) as NonNullable<T>)
    },
  })
}
