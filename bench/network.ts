/**
 * What the whole network costs: `node bench/network.ts [--runs 5] [--settle 3] [--idle 10] [--pds 1]`. Starts
 * `bin/falaj up --ephemeral` on an empty folder again and again, and prints one JSON line with every run and
 * the medians. Reads /proc, so Linux only. Wall times grow with other work on the machine; CPU times hardly do.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

interface Run {
  /** From the start of the program to its ready line. */
  readyMs: number
  readyCpuMs: number
  /** Until the first page for people was there. */
  pageMs: number
  rssMb: number
  rssHighestMb: number
  /** Of one core. */
  idlePercent: number
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    settle: { type: 'string', default: '3' },
    idle: { type: 'string', default: '10' },
    pds: { type: 'string', default: '1' },
  },
})
const root = join(import.meta.dirname, '..')
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** CPU time of a process so far, its own and the system's on its behalf. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND
}

function memoryMb(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kb = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)![1]
  return Math.round(Number(kb) / 1_024)
}

async function readyLine(child: ChildProcess): Promise<{ services: { web: { url: string } } }> {
  for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line)
  throw new Error('the network did not become ready')
}

async function measure(): Promise<Run> {
  const startMs = performance.now()
  const child = spawn(
    join(root, 'bin/falaj'),
    ['up', '--ephemeral', '--json', '--pds', values.pds, '--log-level', 'error'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const gone = once(child, 'exit')
  try {
    const { services } = await readyLine(child)
    const readyMs = performance.now() - startMs
    const pid = child.pid!
    const readyCpuMs = cpuMs(pid)
    const page = await fetch(services.web.url)
    if (!page.ok) throw new Error(`the page for people answers ${page.status}`)
    await page.arrayBuffer()
    const pageMs = performance.now() - startMs
    await sleep(Number(values.settle) * 1_000)
    const rssMb = memoryMb(pid, 'VmRSS')
    const rssHighestMb = memoryMb(pid, 'VmHWM')
    const fromMs = performance.now()
    const fromCpuMs = cpuMs(pid)
    await sleep(Number(values.idle) * 1_000)
    const idlePercent = ((cpuMs(pid) - fromCpuMs) / (performance.now() - fromMs)) * 100
    return { readyMs, readyCpuMs, pageMs, rssMb, rssHighestMb, idlePercent }
  } finally {
    child.kill('SIGTERM')
    await gone
  }
}

const rounded = (value: number) => Math.round(value * 100) / 100

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const runs: Run[] = []
for (let i = 0; i < Number(values.runs); i++) runs.push(await measure())
const names = Object.keys(runs[0]!) as (keyof Run)[]
const medians = Object.fromEntries(
  names.map((name) => [name, rounded(median(runs.map((run) => run[name])))]),
)
const told = runs.map((run) => Object.fromEntries(names.map((name) => [name, rounded(run[name])])))
process.stdout.write(
  `${JSON.stringify({ bench: 'network', pds: Number(values.pds), medians, runs: told })}\n`,
)
