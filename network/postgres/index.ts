/** A PostgreSQL server for tests, started from the machine's binaries as an unprivileged user. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

export interface TestPostgres {
  /** Of a database that everybody may do anything in. */
  url: string
  /** An empty schema of its own, as a URL for `openPostgres`. */
  schema(): Promise<string>
  /** Runs several statements on the server, outside of any schema. */
  exec(sql: string): Promise<void>
  /** Kills it and starts it again on what it had written. */
  restart(): Promise<void>
  /** Kills it. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/** Says in continuous integration that a missing server is a failure. */
const REQUIRED = process.env.CI_POSTGRES_REQUIRED === '1'
/** A server that somebody started for all tests, by URL. */
const SHARED = process.env.FALAJ_TEST_POSTGRES

/** Why tests with PostgreSQL do not run here; undefined where they do. */
export function noPostgres(): string | undefined {
  if (SHARED || binaries() !== undefined || REQUIRED) return undefined
  return 'no PostgreSQL under /usr/lib/postgresql: did not run'
}

/** Where the newest installed version has its programs. */
function binaries(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).map(Number).filter(Boolean) : []
  const newest = versions.sort((a, b) => b - a)[0]
  return newest === undefined || newest < 15 ? undefined : join(root, String(newest), 'bin')
}

/** Nobody's data is here: nothing of it has to survive a power cut. */
const SETTINGS = [
  ...['fsync=off', 'full_page_writes=off', 'shared_buffers=64MB'],
  ...['listen_addresses=', 'max_connections=200', 'autovacuum=off', 'wal_level=minimal'],
  'max_wal_senders=0',
]

let running: Promise<TestPostgres> | undefined

/** One server for all tests of this process; it ends with the process. */
export function sharedPostgres(): Promise<TestPostgres> {
  return (running ??= startPostgres())
}

export async function startPostgres(): Promise<TestPostgres> {
  if (SHARED) return served(SHARED)
  const programs = binaries()
  if (programs === undefined) throw new Error('no PostgreSQL of 15 or later is installed')
  const directory = mkdtempSync(join(tmpdir(), 'falaj-postgres-'))
  const user = unprivileged()
  if (user) chownSync(directory, user.uid, user.gid)
  const data = join(directory, 'data')
  const init = ['-D', data, '-A', 'trust', '-U', 'falaj', '--no-sync', '-E', 'UTF8', '--locale=C']
  execFileSync(join(programs, 'initdb'), [...init, '--no-instructions'], {
    ...user,
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `postgres:///postgres?host=${directory}&user=falaj`
  const start = () => startServer(programs, directory, data, url, user)
  let server = await start()
  const kill = async (signal: NodeJS.Signals) => {
    process.kill(postmaster(data), signal)
    await server.ended
  }
  const { schema, exec, stop } = served(url)
  return {
    url,
    schema,
    exec,
    crash: () => kill('SIGQUIT'),
    async restart() {
      if (!server.hasEnded()) await kill('SIGQUIT')
      server = await start()
    },
    async stop() {
      await stop().catch(() => {})
      if (!server.hasEnded()) await kill('SIGQUIT')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function served(url: string): TestPostgres {
  let admin: Promise<InstanceType<typeof pg.Client>> | undefined
  const connect = async () => {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {
      admin = undefined
    })
    await client.connect()
    return client
  }
  const exec = async (sql: string) => {
    admin ??= connect()
    const client = (await admin) as Awaited<typeof admin> & { ref(): void; unref(): void }
    // It keeps this process only while something is asked.
    client.ref()
    await client.query(sql).finally(() => client.unref())
  }
  const refuse = async () => {
    throw new Error('the server is shared by all tests')
  }
  let count = 0
  return {
    url,
    async schema() {
      const name = `t${process.pid}_${++count}`
      await exec(`drop schema if exists ${name} cascade; create schema ${name}`)
      return `${url}&options=-c%20search_path%3D${name}`
    },
    exec,
    crash: refuse,
    restart: refuse,
    stop: async () => void (await (await admin)?.end()),
  }
}

/** initdb and postgres refuse to run as root. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function postmaster(data: string): number {
  const pid = execFileSync('head', ['-n', '1', join(data, 'postmaster.pid')], { encoding: 'utf8' })
  return Number(pid)
}

/**
 * Runs a server until this process ends, however that ends: then nobody holds the other end of its
 * input, and what it wrote goes too.
 */
const SCRIPT = `
  directory=$1; shift
  exec 3<&0
  "$@" </dev/null & server=$!
  (cat <&3; trap '' TERM; kill -QUIT $server; while kill -0 $server; do sleep 0.1; done; rm -rf "$directory") 2>/dev/null &
  wait $server; kill $!`

interface Running {
  ended: Promise<void>
  hasEnded(): boolean
}

async function startServer(
  programs: string,
  directory: string,
  data: string,
  url: string,
  user: { uid: number; gid: number } | undefined,
): Promise<Running> {
  const settings = [...SETTINGS, `unix_socket_directories=${directory}`].flatMap((one) => [
    '-c',
    one,
  ])
  const child: ChildProcess = spawn(
    'sh',
    ['-c', SCRIPT, 'sh', directory, join(programs, 'postgres'), '-D', data, ...settings],
    { ...user, cwd: directory, stdio: ['pipe', 'ignore', 'ignore'] },
  )
  let isOver = false
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  ended.then(() => {
    isOver = true
  })
  child.unref()
  ;(child.stdin as unknown as { unref?(): void }).unref?.()
  while (!isOver) {
    const client = new pg.Client({ connectionString: url })
    const isThere = await client.connect().then(
      () => true,
      () => false,
    )
    await client.end().catch(() => {})
    if (isThere) return { ended, hasEnded: () => isOver }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('PostgreSQL did not start')
}
