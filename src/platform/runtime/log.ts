/** Structured logs: one JSON object per line on stderr, or a readable line on a terminal. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
export type LogFields = Record<string, unknown>

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log that adds these fields to every line. */
  child(fields: LogFields): Log
}

export interface LogOptions {
  level?: LogLevel
  /** Readable lines instead of JSON. Default: when stderr is a terminal. */
  pretty?: boolean
  write?: (line: string) => void
  now?: () => number
}

const RANKS: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40, silent: 99 }
const SECRET_KEY =
  /passw|secret|token|jwt|authorization|cookie|credential|private.?key|(signing|rotation|api).?key(hex)?$|^dpop$/i
const DEPTH_MAX = 4
const TEXT_MAX = 4_000
const ITEMS_MAX = 50
const REDACTED = '[redacted]'

/** A log that writes nowhere, for tests and tools. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}

/** Starts a log. Values under secret-sounding keys are replaced, deep or shallow. */
export function createLog(options: LogOptions = {}): Log {
  const write = options.write ?? ((line: string) => void process.stderr.write(line))
  const pretty = options.pretty ?? process.stderr.isTTY === true
  const now = options.now ?? Date.now
  const rank = RANKS[options.level ?? 'info']
  const at = (base: LogFields): Log => {
    const emit = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (RANKS[level] < rank) return
      const all = redact({ ...base, ...fields }) as LogFields
      write(pretty ? prettyLine(now(), level, message, all) : jsonLine(now(), level, message, all))
    }
    return {
      debug: emit('debug'),
      info: emit('info'),
      warn: emit('warn'),
      error: emit('error'),
      child: (fields) => at({ ...base, ...fields }),
    }
  }
  return at({})
}

function jsonLine(nowMs: number, level: LogLevel, message: string, fields: LogFields): string {
  return `${JSON.stringify({ time: new Date(nowMs).toISOString(), level, message, ...fields })}\n`
}

const COLOURS: Record<LogLevel, string> = {
  debug: '\x1b[2m',
  info: '',
  warn: '\x1b[33m',
  error: '\x1b[31m',
  silent: '',
}

function prettyLine(nowMs: number, level: LogLevel, message: string, fields: LogFields): string {
  const { service, ...rest } = fields
  const time = new Date(nowMs).toISOString().slice(11, 23)
  const pairs = Object.entries(rest).map(([key, value]) => `${key}=${plain(value)}`)
  const name = service === undefined ? '' : `${service} `
  return `${COLOURS[level]}${time} ${level.padEnd(5)} ${name}${message}\x1b[2m ${pairs.join(' ')}\x1b[0m\n`
}

function plain(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)
  return JSON.stringify(value) ?? 'undefined'
}

/** Copies a value for the log: secrets replaced, errors spelled out, depth and size bounded. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string')
    return value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}…` : value
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array) return `[${value.length} bytes]`
  if (depth >= DEPTH_MAX) return '[deep]'
  if (value instanceof Error) return errorFields(value, depth)
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => redact(item, depth + 1))
  if (value instanceof Date || value instanceof URL) return value.toString()
  const copy: LogFields = {}
  for (const [key, item] of Object.entries(value).slice(0, ITEMS_MAX))
    copy[key] = SECRET_KEY.test(key) && item !== undefined ? REDACTED : redact(item, depth + 1)
  return copy
}

function errorFields(error: Error, depth: number): LogFields {
  const fields: LogFields = { name: error.name, message: redact(error.message) }
  for (const [key, item] of Object.entries(error))
    if (key !== 'cause') fields[key] = SECRET_KEY.test(key) ? REDACTED : redact(item, depth + 1)
  if (error.stack) fields.stack = error.stack.split('\n').slice(1, 8).join('\n')
  if (error.cause !== undefined) fields.cause = redact(error.cause, depth + 1)
  return fields
}
