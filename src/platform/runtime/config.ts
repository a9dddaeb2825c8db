/**
 * Config tables: one per room. From a table come environment names (FALAJ_<ROOM>_<NAME>), flags,
 * file keys, validation with all problems at once, and docs/config.md. Nothing else reads the
 * environment.
 */
import type { Setting } from './settings.ts'

// biome-ignore lint/suspicious/noExplicitAny: a table holds settings of every type
export type Settings = Record<string, Setting<any>>

export interface ConfigTable<T = unknown> {
  /** Lower-case, as in the file and, upper-cased, in environment names. */
  readonly room: string
  readonly settings: Settings
  /** All defaults with these changes: for tests and compositions. Required ones must be among them. */
  with(changes?: Partial<T>): T
  /** Reads one table; throws ConfigError with every problem. */
  parse(sources: ConfigSources): T
  /** Never set; carries the type. */
  readonly type?: T
}

export type ConfigOf<C> = C extends ConfigTable<infer T> ? T : never

type Values<S> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never }

/** Where values come from; an earlier source wins: flag, environment, file, default. */
export interface ConfigSources {
  /** Flags by name without dashes, as `readFlags` gives them. */
  flags?: Readonly<Record<string, string>>
  env?: Readonly<Record<string, string | undefined>>
  /** The parsed config file: room → name → value. */
  file?: unknown
  /** Problems found on the way here, told with the rest. */
  problems?: readonly string[]
}

/** Every problem of a configuration, one line each, naming the setting as the source wrote it. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** Declares a room's table: `config('pds', { port: integer({ default: 2583, help: '…' }) })`. */
export function config<S extends Settings>(room: string, settings: S): ConfigTable<Values<S>> {
  type T = Values<S>
  const table: ConfigTable<T> = {
    room,
    settings,
    with(changes = {}) {
      const defaults = Object.entries(settings).map(([name, one]) => [name, one.default])
      return { ...Object.fromEntries(defaults), ...changes } as T
    },
    parse: (sources) => readConfig([table as ConfigTable], sources)[room] as T,
  }
  return table
}

/** Reads several tables at once into room → values. Throws ConfigError with every problem. */
export function readConfig(
  tables: readonly ConfigTable[],
  sources: ConfigSources,
): Record<string, unknown> {
  const problems = [...(sources.problems ?? []), ...unknownNames(tables, sources)]
  const values: Record<string, unknown> = {}
  for (const table of tables) {
    const read: Record<string, unknown> = {}
    for (const [name, one] of Object.entries(table.settings))
      read[name] = readOne(table.room, name, one, sources, problems)
    values[table.room] = read
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return values
}

function readOne(
  room: string,
  name: string,
  one: Setting<unknown>,
  sources: ConfigSources,
  problems: string[],
): unknown {
  const found = find(room, name, one, sources)
  if (found === undefined) {
    if (one.required) problems.push(`--${flagName(name, one)} (${envName(room, name)}) is required`)
    return one.default
  }
  if (found.text === undefined) {
    problems.push(`${found.source} has the wrong type, expected ${one.type}`)
    return one.default
  }
  try {
    return one.read(found.text)
  } catch (error) {
    problems.push(`${found.source} ${(error as Error).message}`)
    return one.default
  }
}

function find(
  room: string,
  name: string,
  one: Setting<unknown>,
  { flags, env, file }: ConfigSources,
): { source: string; text: string | undefined } | undefined {
  const flag = flagName(name, one)
  const fromFlag = flags?.[flag]
  if (fromFlag !== undefined) return { source: `--${flag}`, text: fromFlag }
  const variable = envName(room, name)
  const fromEnv = env?.[variable]
  if (fromEnv !== undefined && fromEnv !== '') return { source: variable, text: fromEnv }
  const fromFile = record(record(file)?.[room])?.[name]
  if (fromFile !== undefined && fromFile !== null)
    return { source: `${room}.${name} in the config file`, text: one.fromJson(fromFile) }
  return undefined
}

/** Names in the environment or the file that no table knows: almost always a slip of the pen. */
function* unknownNames(
  tables: readonly ConfigTable[],
  { env, file }: ConfigSources,
): Generator<string> {
  for (const table of tables) {
    const prefix = envName(table.room, '')
    const known = new Set(Object.keys(table.settings).map((name) => envName(table.room, name)))
    for (const name of Object.keys(env ?? {}))
      if (name.startsWith(prefix) && !known.has(name)) yield `${name} is not a setting`
    for (const name of Object.keys(record(record(file)?.[table.room]) ?? {}))
      if (!(name in table.settings))
        yield `${table.room}.${name} in the config file is not a setting`
  }
  if (file !== undefined && !record(file)) yield 'the config file must be a JSON object'
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

/** `FALAJ_PDS_PORT` for the setting `port` of the room `pds`. */
export function envName(room: string, name: string): string {
  return `FALAJ_${room.toUpperCase()}_${snake(name).toUpperCase()}`
}

/** `--public-url` for the setting `publicUrl`, unless it names its own. */
export function flagName(name: string, one: Setting<unknown>): string {
  return one.flag ?? snake(name).replaceAll('_', '-')
}

function snake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}

/** Every flag of these tables: name → whether it takes a value. For reading a command line. */
export function flagsOf(tables: readonly ConfigTable[]): Map<string, { isSwitch: boolean }> {
  const flags = new Map<string, { isSwitch: boolean }>()
  for (const table of tables)
    for (const [name, one] of Object.entries(table.settings))
      flags.set(flagName(name, one), { isSwitch: one.isSwitch })
  return flags
}

/** What is set, one `room.name = value` line each, with secrets hidden. */
export function configLines(table: ConfigTable, values: Record<string, unknown>): string[] {
  return Object.entries(table.settings).map(([name, one]) => {
    const value = values[name]
    const shown = value === undefined ? '(not set)' : one.secret ? '(secret, set)' : one.show(value)
    return `${table.room}.${name} = ${shown}`
  })
}

/** docs/config.md: one section per table. */
export function configMarkdown(tables: readonly ConfigTable[]): string {
  const intro = `# Configuration

Generated from the config tables by \`npm run docs\`; do not edit. A flag wins over the environment,
the environment over the file given by \`--config\` (JSON: room → name → value), the file over the
default. Problems are reported all at once. \`--check\` prints what is in force and exits.
`
  return `${intro}\n${tables.map(section).join('\n')}`
}

function section(table: ConfigTable): string {
  const rows = Object.entries(table.settings).map(([name, one]) => {
    const type = [one.type, one.unit, one.range && `(${one.range})`].filter(Boolean).join(' ')
    const value = one.secret ? 'secret' : defaultText(one)
    const cells = [
      `\`${envName(table.room, name)}\``,
      `\`--${flagName(name, one)}\``,
      type,
      value,
      one.help,
    ]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  return `## ${table.room}

| environment | flag | type | default | meaning |
|---|---|---|---|---|
${rows.join('\n')}
`
}

function defaultText(one: Setting<unknown>): string {
  if (one.required) return 'required'
  if (one.default === undefined) return 'none'
  const shown = one.show(one.default)
  return shown === '' ? 'empty' : `\`${shown}\``
}
