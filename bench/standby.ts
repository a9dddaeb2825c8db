/**
 * What a standby costs its host, and how long a promotion takes: `node bench/standby.ts [--seconds 10]
 * [--writers 16] [--accounts 50]`. Three rounds of createRecord (no standby, async, sync) against hosts that are
 * processes of their own, then a promotion after kill -9. Prints one JSON line. CPU times by /proc, so Linux only.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { runFalaj, ServerProcess, temporaryFolder } from '../network/rig.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    writers: { type: 'string', default: '16' },
    accounts: { type: 'string', default: '50' },
  },
})
const SECRET = 'what-two-hosts-of-this-bench-share'
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
const MODES = ['none', 'async', 'sync'] as const

/** CPU time of a process so far, its own and the system's on its behalf. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND
}

async function call<T>(url: string, nsid: string, input?: unknown, token?: string): Promise<T> {
  const response = await fetch(`${url}/xrpc/${nsid}`, {
    method: input === undefined ? 'GET' : 'POST',
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(input !== undefined && { 'content-type': 'application/json' }),
    },
    ...(input !== undefined && { body: JSON.stringify(input) }),
  })
  if (!response.ok) throw new Error(`${nsid}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

interface Person {
  did: string
  accessJwt: string
}

interface Round {
  writesPerSecond: number
  p50Ms: number
  p99Ms: number
  /** Of the first host, for each write. */
  cpuMsPerWrite: number
  standbyCpuMsPerWrite?: number
  seedMs?: number
  promoteMs?: number
}

async function round(mode: (typeof MODES)[number]): Promise<Round> {
  const folder = temporaryFolder()
  const plc = await new ServerProcess('plc', '--data', join(folder.path, 'plc')).start()
  const first = new ServerProcess('pds', '--data', join(folder.path, 'first'), '--plc', plc.url)
  first.with('--dev')
  if (mode !== 'none') first.with('--standby-secret', SECRET, '--standby-mode', mode)
  await first.start()
  const second = new ServerProcess('pds', 'standby', '--of', first.url, '--plc', plc.url, '--dev')
  second.with('--data', join(folder.path, 'second'), '--public-url', first.url)
  second.with('--standby-secret', SECRET)
  // What it calls its own is the name of the first.
  const secondUrl = await second.reserve()
  try {
    const people: Person[] = []
    for (let n = 0; n < Number(values.accounts); n++) {
      const input = { handle: `person${n}.test`, email: `p${n}@x.test`, password: 'password' }
      people.push(await call(first.url, 'com.atproto.server.createAccount', input))
    }
    const seedMs = mode === 'none' ? undefined : await follow(second, secondUrl)
    const cpuBefore = [first, second].map((one) => (one.pid ? cpuMs(one.pid) : 0))
    const times = await write(first.url, people)
    const cpu = [first, second].map((one, n) => (one.pid ? cpuMs(one.pid) : 0) - cpuBefore[n]!)
    const measured: Round = {
      writesPerSecond: Math.round(times.length / Number(values.seconds)),
      p50Ms: at(times, 0.5),
      p99Ms: at(times, 0.99),
      cpuMsPerWrite: rounded(cpu[0]! / times.length),
    }
    if (seedMs === undefined) return measured
    await first.kill()
    const args = ['pds', 'promote', '--host', secondUrl, '--first-is-off', '--json']
    const { out, err, code } = await runFalaj(args, { FALAJ_PDS_STANDBY_SECRET: SECRET })
    if (code !== 0) throw new Error(err)
    return {
      ...measured,
      standbyCpuMsPerWrite: rounded(cpu[1]! / times.length),
      seedMs,
      promoteMs: (JSON.parse(out) as { tookMs: number }).tookMs,
    }
  } finally {
    for (const process of [first, second, plc]) await process.kill()
    folder.remove()
  }
}

/** How long it takes until everything is there. */
async function follow(second: ServerProcess, url: string): Promise<number> {
  await second.start()
  const startMs = performance.now()
  for (;;) {
    const status = await call<{ state: string }>(
      url,
      'app.falaj.standby.getStatus',
      undefined,
      SECRET,
    )
    if (status.state === 'following') return Math.round(performance.now() - startMs)
    await sleep(20)
  }
}

/** Milliseconds of each write, sorted. */
async function write(url: string, people: readonly Person[]): Promise<number[]> {
  const times: number[] = []
  const endMs = performance.now() + Number(values.seconds) * 1_000
  const writer = async (_: unknown, n: number) => {
    for (let count = 0; performance.now() < endMs; count++) {
      const { did, accessJwt } = people[(n + count * Number(values.writers)) % people.length]!
      const record = { $type: 'app.bsky.feed.post', text: `post ${count}`, createdAt: NOW }
      const input = { repo: did, collection: 'app.bsky.feed.post', record }
      const startMs = performance.now()
      await call(url, 'com.atproto.repo.createRecord', input, accessJwt)
      times.push(performance.now() - startMs)
    }
  }
  await Promise.all(Array.from({ length: Number(values.writers) }, writer))
  return times.sort((a, b) => a - b)
}

const NOW = new Date().toISOString()
const rounded = (value: number) => Math.round(value * 1_000) / 1_000
const at = (times: readonly number[], part: number) =>
  rounded(times[Math.floor((times.length - 1) * part)] ?? 0)

const result: Record<string, Round> = {}
for (const mode of MODES) result[mode] = await round(mode)
process.stdout.write(`${JSON.stringify(result)}\n`)
