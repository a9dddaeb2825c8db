/** Calls to a host as its operator: which host, who is asking, and the password. */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { ConfigError, guardedFetch } from '#platform/runtime'
import { type Fetch, type XrpcClient, xrpcClient } from '#protocol/xrpc'
import { type Flags, readOrigin, requireFlags } from './flags.ts'
import { ask } from './terminal.ts'

/** Flags of every operator's command. */
export const OPERATOR_FLAGS = {
  host: 'value',
  user: 'value',
  'password-file': 'value',
  'env-file': 'value',
  json: 'switch',
} as const

const CALL_MS_MAX = 30_000

/** A host as an operator reaches it. */
export interface OperatedHost {
  /** Its origin. */
  service: string
  fetch: Fetch
  /** As anybody calls it. */
  open: XrpcClient
  /** As its operator; asks for the password the first time. Throws ConfigError. */
  operator(): Promise<XrpcClient>
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * Works with the host that `--host` names, or the file of its own settings that `--env-file` names
 * (`PDS_HOSTNAME` or `FALAJ_PDS_PUBLIC_URL`). Throws ConfigError.
 */
export async function withHost<T>(
  flags: Flags,
  work: (host: OperatedHost) => Promise<T>,
): Promise<T> {
  const env = envFile(flags)
  const given = flags.host ?? env.FALAJ_PDS_PUBLIC_URL ?? hostOf(env)
  const service = readOrigin('host', requireFlags({ host: given }, ['host']).host)
  // The operator names the host: machines of their own network are theirs to name.
  const network = guardedFetch({ allowPrivate: true })
  const fetch = network.fetch as Fetch
  const client = (headers: Record<string, string>) =>
    xrpcClient({ service, fetch, headers, signal: () => AbortSignal.timeout(CALL_MS_MAX) })
  let operator: Promise<XrpcClient> | undefined
  const signIn = async () => {
    const name = typeof flags.user === 'string' ? flags.user : 'admin'
    const token = Buffer.from(`${name}:${await readPassword(flags, env)}`).toString('base64')
    return client({ authorization: `Basic ${token}` })
  }
  try {
    return await work({
      service,
      fetch,
      open: client({}),
      operator: () => (operator ??= signIn()),
    })
  } finally {
    await network.close()
  }
}

/**
 * Calls the host as `--user` (default admin), with the password of `--password-file`, else of
 * FALAJ_ADMIN_PASSWORD, else of `--env-file`, else asked for. Throws ConfigError.
 */
export function asOperator<T>(flags: Flags, work: (client: XrpcClient) => Promise<T>): Promise<T> {
  return withHost(flags, async (host) => work(await host.operator()))
}

function envFile(flags: Flags): Env {
  const file = flags['env-file']
  if (typeof file !== 'string') return {}
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError([`--env-file ${file}: ${(error as Error).message}`])
  }
}

function hostOf({ PDS_HOSTNAME: name, PDS_PORT: port = '2583' }: Env): string | undefined {
  if (!name) return undefined
  return name === 'localhost' ? `http://localhost:${port}` : `https://${name}`
}

async function readPassword(flags: Flags, env: Env): Promise<string> {
  const file = flags['password-file']
  if (typeof file === 'string') return readSecretFile('password-file', file)
  const known = process.env.FALAJ_ADMIN_PASSWORD
  if (known !== undefined) return known
  // The settings of the host hold the admin's password, nobody else's.
  const isAdmin = flags.user === undefined || flags.user === 'admin'
  const kept = isAdmin ? (env.FALAJ_PDS_ADMIN_PASSWORD ?? env.PDS_ADMIN_PASSWORD) : undefined
  return kept ?? (await ask('Admin password', { secret: true }))
}

/** A secret from a file, or from stdin for `-`, without its line end. Throws ConfigError. */
export function readSecretFile(flag: string, file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new ConfigError([`--${flag} ${file}: ${(error as Error).message}`])
  }
}
