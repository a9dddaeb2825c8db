/** From a command line to what will be started: services, tables, values. Nothing is opened here. */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import {
  ConfigError,
  type ConfigTable,
  flagsOf,
  isLoopbackHost,
  readConfig,
  readFlags,
} from '#platform/runtime'
import { type LoadedPart, type ServicePart, UsageError } from './part.ts'
import { parts } from './parts.ts'
import { translateReferenceEnv } from './reference-env.ts'
import { placedTable, type ServerConfig, serverConfig } from './server-config.ts'

export interface PlannedService {
  part: ServicePart
  loaded: LoadedPart
  name: string
  index: number
  /** 0 picks a free one. */
  port: number
  /** Undefined: made of the port once that is known. */
  publicUrl: string | undefined
  values: unknown
}

export interface Plan {
  server: ServerConfig
  /** Local mode. */
  dev: boolean
  json: boolean
  check: boolean
  tables: readonly { table: ConfigTable; values: Record<string, unknown> }[]
  services: readonly PlannedService[]
  /** What is set outside, in the environment and in the file that was named. */
  environment: Readonly<Record<string, string | undefined>>
  /** Lines the operator should see; nothing is wrong. */
  notes: readonly string[]
}

/** Flags of the program itself, besides those of the tables. */
const OWN_FLAGS = new Map([
  ['json', { isSwitch: true }],
  ['check', { isSwitch: true }],
  ['config', { isSwitch: false }],
  ['env-file', { isSwitch: false }],
])
const UP_FLAGS = new Map([
  ['services', { isSwitch: false }],
  ['pds', { isSwitch: false }],
])
const PDS_MAX = 9

/**
 * Reads the arguments of `falaj up` (several services) or of one service's command. Throws
 * UsageError with one line per problem.
 */
export async function plan(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Plan> {
  const up = command === 'up'
  const chosen = up ? chooseServices(args) : parts.filter((part) => part.kind === command)
  const loaded = await Promise.all(chosen.map((part) => part.load()))
  const tables = loaded.map(({ table }, i) => placedTable(table, chosen[i]!.defaultPort))
  const known = new Map([
    ...flagsOf([serverConfig as ConfigTable, ...tables]),
    ...OWN_FLAGS,
    ...(up ? UP_FLAGS : []),
  ])
  const { flags, words, problems } = readFlags(args, known)
  problems.push(...words.map((word) => `unexpected argument ${word}`))
  const several = up && chosen.length > 1
  const { port, 'public-url': publicUrl, ...rest } = flags
  const environment = { ...envFile(flags['env-file']), ...env }
  const reference = command === 'pds' ? translateReferenceEnv(environment) : undefined
  problems.push(...(reference?.problems ?? []))
  const sources = {
    flags: several ? rest : flags,
    env: { ...environment, ...reference?.env },
    file: configFile(flags.config),
    problems,
  }
  const values = orUsage(() => readConfig([serverConfig as ConfigTable, ...tables], sources))
  const server = values.server as ServerConfig
  if (several && port !== undefined && port !== '0')
    throw new UsageError('--port with several services can only be 0 (free ports)')
  const freePorts = several
    ? server.ephemeral || port === '0'
    : server.ephemeral && port === undefined
  const dev = server.dev || (up && publicUrl === undefined && !anyPublicUrl(tables, values))
  refuseContradictions(server, dev, publicUrl)
  const count = up ? pdsCount(flags.pds) : 1
  const services: PlannedService[] = chosen.flatMap((part, i) => {
    const own = values[part.kind] as Record<string, unknown>
    const copies =
      part.kind === 'pds' ? Array<unknown>(count).fill(own) : (up && part.copies?.(own)) || [own]
    return copies.map((values, index) => ({
      part,
      loaded: loaded[i]!,
      name: index === 0 ? part.kind : `${part.kind}${index + 1}`,
      index,
      port: portOf(own, part, index, freePorts),
      publicUrl: several
        ? (urlOf(own, index) ?? subdomain(publicUrl, part.kind, index))
        : urlOf(own, index),
      values,
    }))
  })
  checkWiring(services, dev)
  return {
    server,
    dev,
    json: flags.json === 'true',
    check: flags.check === 'true',
    tables: [serverConfig as ConfigTable, ...tables].map((table) => ({
      table,
      values: values[table.room] as Record<string, unknown>,
    })),
    services,
    environment,
    notes: reference?.unused.length ? [`not used here: ${reference.unused.join(', ')}`] : [],
  }
}

/** Wires everything once against addresses as they will be, so that what is missing is told first. */
function checkWiring(services: readonly PlannedService[], dev: boolean): void {
  const urlOfPlanned = ({ publicUrl, port }: PlannedService) =>
    publicUrl ?? `http://localhost:${port}`
  const urls = (kind: string) => services.filter(({ part }) => part.kind === kind).map(urlOfPlanned)
  const peers = {
    url: (kind: string) => urls(kind)[0],
    urls,
    named: () => undefined,
    started: () => [],
  }
  for (const service of services) {
    const { name, index, loaded, values } = service
    loaded.wire(values, { name, index, url: urlOfPlanned(service) }, { dev, peers })
  }
}

function chooseServices(args: readonly string[]): ServicePart[] {
  const at = args.findIndex((arg) => arg === '--services' || arg.startsWith('--services='))
  if (at < 0) return parts.filter(({ apart }) => !apart)
  const arg = args[at]!
  const text = arg.includes('=') ? arg.slice(arg.indexOf('=') + 1) : (args[at + 1] ?? '')
  const names = text.split(',').filter((name) => name !== '')
  const unknown = names.filter((name) => !parts.some((part) => part.kind === name))
  const known = parts.map((part) => part.kind).join(', ')
  if (unknown.length > 0 || names.length === 0)
    throw new UsageError(
      `--services takes some of ${known}; not ${unknown.join(', ') || 'nothing'}`,
    )
  return parts.filter((part) => names.includes(part.kind))
}

function pdsCount(text: string | undefined): number {
  const count = text === undefined ? 1 : Number(text)
  if (!Number.isInteger(count) || count < 1 || count > PDS_MAX)
    throw new UsageError(`--pds must be a number from 1 to ${PDS_MAX}`)
  return count
}

function configFile(path: string | undefined): unknown {
  if (path === undefined) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`--config ${path}: ${(error as Error).message}`)
  }
}

function envFile(path: string | undefined): NodeJS.Dict<string> {
  if (path === undefined) return {}
  try {
    return parseEnv(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`--env-file ${path}: ${(error as Error).message}`)
  }
}

/** Problems of flags and values are the user's: one line each. */
function orUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(...error.problems)
    throw error
  }
}

function anyPublicUrl(tables: readonly ConfigTable[], values: Record<string, unknown>): boolean {
  return tables.some(({ room }) => urlOf(values[room] as Record<string, unknown>, 0) !== undefined)
}

function refuseContradictions(server: ServerConfig, dev: boolean, publicUrl: string | undefined) {
  if (dev && !isLoopbackHost(server.host))
    throw new UsageError(
      `local mode (--dev) listens on loopback only, not on --host ${server.host}`,
    )
  if (server.dev && publicUrl !== undefined && !isLocalUrl(publicUrl))
    throw new UsageError('--dev is for this machine only; it cannot go with a --public-url')
  if (server.dev && process.env.NODE_ENV === 'production')
    throw new UsageError('--dev is refused in production (NODE_ENV=production)')
}

function isLocalUrl(text: string): boolean {
  return URL.canParse(text) && isLoopbackHost(new URL(text).hostname.replace(/^\[|\]$/g, ''))
}

function portOf(
  own: Record<string, unknown>,
  part: ServicePart,
  index: number,
  free: boolean,
): number {
  const port = own.port as number
  if (port === 0 || free) return 0
  return port + index * (part.portStep ?? 0)
}

function urlOf(own: Record<string, unknown>, index: number): string | undefined {
  return index === 0 ? (own.publicUrl as string | undefined) : undefined
}

/** `falaj up --public-url https://example.org`: the client there, each service on a name below it. */
function subdomain(base: string | undefined, kind: string, index: number): string | undefined {
  if (base === undefined) return undefined
  const url = new URL(base)
  if (kind === 'web') return url.origin
  url.hostname = `${kind}${index === 0 ? '' : index + 1}.${url.hostname}`
  return url.origin
}
