/** Calls to a host as its operator: which host, who is asking, and the password. */
import { readFileSync } from 'node:fs'
import { guardedFetch } from '#platform/runtime'
import { type Fetch, type XrpcClient, xrpcClient } from '#protocol/xrpc'
import { type Flags, readOrigin, requireFlags } from './flags.ts'
import { ask } from './terminal.ts'

/** Flags of every operator's command. */
export const OPERATOR_FLAGS = {
  host: 'value',
  user: 'value',
  'password-file': 'value',
  json: 'switch',
} as const

const CALL_MS_MAX = 30_000

/**
 * Calls the host that `--host` names as `--user` (default admin), with the password of
 * `--password-file`, else of FALAJ_ADMIN_PASSWORD, else asked for. Throws ConfigError.
 */
export async function asOperator<T>(
  flags: Flags,
  work: (client: XrpcClient) => Promise<T>,
): Promise<T> {
  const service = readOrigin('host', requireFlags(flags, ['host']).host)
  const name = typeof flags.user === 'string' ? flags.user : 'admin'
  const token = Buffer.from(`${name}:${await readPassword(flags)}`).toString('base64')
  // The operator names the host: machines of their own network are theirs to name.
  const network = guardedFetch({ allowPrivate: true })
  try {
    const client = xrpcClient({
      service,
      fetch: network.fetch as Fetch,
      headers: { authorization: `Basic ${token}` },
      signal: () => AbortSignal.timeout(CALL_MS_MAX),
    })
    return await work(client)
  } finally {
    await network.close()
  }
}

async function readPassword(flags: Flags): Promise<string> {
  const file = flags['password-file']
  if (typeof file === 'string') {
    return readFileSync(file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '')
  }
  return process.env.FALAJ_ADMIN_PASSWORD ?? (await ask('Admin password', { secret: true }))
}
