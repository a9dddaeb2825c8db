/** Whole networks for tests: in this process, or as processes of their own wired by flags. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { plan, serve } from '#apps/server'

const root = resolve(import.meta.dirname, '..')
/** A machine that has much else to do takes its time. */
const READY_MS_MAX = 180_000

export interface Place {
  url: string
  did?: string
  uris?: string[]
}

/** URLs and DIDs of what was started, as the ready line has them. */
export interface Network {
  plc: Place
  pds: Place[]
  relay: Place
  jetstream: Place
  appview: Place
  moderation: Place
  feeds: Place
  search: Place
  web: Place
  stop(): Promise<void>
}

/** Everything in this process, on temporary storage and free ports. */
export async function startNetwork(...flags: string[]): Promise<Network> {
  const quiet = flags.includes('--log-level') ? [] : ['--log-level', logLevel()]
  const planned = await plan('up', ['--ephemeral', ...quiet, ...flags], {})
  const running = await serve(planned, (error) => {
    throw error
  })
  const network: Record<string, unknown> = { pds: [], stop: () => running.stop() }
  for (const { kind, url, did, about } of running.started) {
    if (kind === 'pds') (network.pds as Place[]).push({ url, did })
    // Read when it is asked for: a busy machine publishes its feeds after it is ready.
    else network[kind] = Object.defineProperty({ url, did }, 'uris', { get: () => about.uris })
  }
  return network as unknown as Network
}

/** A folder that is gone at the end. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'falaj-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

type Services = Record<string, Place | Place[]>

/** One `bin/falaj` process that can be killed and started again on the same data and port. */
export class ServerProcess {
  readonly #args: string[]
  #child: ChildProcess | undefined
  /** What the ready line says. */
  services: Services = {}
  #port: string | undefined

  /** `args` as on the command line, without --json and --port. */
  constructor(...args: string[]) {
    this.#args = args
  }

  /** More flags, for every start from now on. */
  with(...args: string[]): this {
    this.#args.push(...args)
    return this
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Picks its port ahead of the first start, so that others can be told where it will be. */
  async reserve(): Promise<string> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    this.#port = String(port)
    return `http://localhost:${port}`
  }

  /** Resolves when it is ready; the first start picks a free port and keeps it. */
  async start(...more: string[]): Promise<ServerProcess> {
    const port = ['--port', this.#port ?? '0']
    const args = [...this.#args, ...more, ...port, '--json', '--log-level', logLevel()]
    const child = spawn(join(root, 'bin/falaj'), args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_MS_MAX)
    try {
      for await (const line of createInterface({ input: child.stdout! })) {
        const ready = JSON.parse(line) as { ready: boolean; services: Services }
        this.services = ready.services
        this.#port ??= new URL(this.place.url).port
        return this
      }
    } finally {
      clearTimeout(timer)
    }
    throw new Error(`falaj ${args.join(' ')} did not become ready`)
  }

  /** Where the (first) service is. */
  get place(): Place {
    const [first] = Object.values(this.services)
    return (Array.isArray(first) ? first[0] : first)!
  }

  get url(): string {
    return this.place.url
  }

  /** No warning, no clean-up. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** A polite end; resolves to the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child
    await this.#end('SIGTERM')
    return child?.exitCode ?? null
  }

  /** It stays there and says nothing more: connections open, and no answer comes. */
  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  /** It goes on where it was. */
  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
}

const logLevel = () => process.env.FALAJ_TEST_LOG ?? 'error'

/** One command of `bin/falaj`, run to its end. */
export async function runFalaj(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(join(root, 'bin/falaj'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (child.exitCode === null) await once(child, 'exit')
  return { code: child.exitCode, out, err }
}

/** Asks until the answer is true; fails with the last word after a while. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined | false>,
  timeoutMs = 15_000,
): Promise<T> {
  const endMs = performance.now() + timeoutMs
  let last: unknown
  while (performance.now() < endMs) {
    try {
      const answer = await check()
      if (answer) return answer
      last = answer
    } catch (error) {
      last = error
    }
    await new Promise((done) => setTimeout(done, 20))
  }
  throw new Error(`${what} did not happen within ${timeoutMs} ms`, { cause: last })
}
