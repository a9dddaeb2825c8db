/** One server process from its arguments to its exit code. */
import { type ConfigTable, configLines, ListenError } from '#platform/runtime'
import { UsageError } from './part.ts'
import { type Plan, plan } from './plan.ts'
import { readyLine, readyText } from './ready.ts'
import { type Running, serve } from './serve.ts'

/** After this the process ends whatever still hangs; the contract gives five seconds. */
const STOP_MS = 4_700

export const EXIT_OK = 0
export const EXIT_FAILED = 1
export const EXIT_USAGE = 2

/** Runs until a signal. Resolves to the exit code; stdout carries the ready line, stderr the rest. */
export async function runServer(command: string, args: readonly string[]): Promise<number> {
  const startedMs = performance.now()
  let planned: Plan
  try {
    planned = await plan(command, args, process.env)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return complain(error.lines, EXIT_USAGE)
  }
  complain(planned.notes, EXIT_OK)
  if (planned.check) return check(planned)
  const signalled = untilSignal()
  let running: Running
  try {
    const starting = serve(planned, fatal)
    const first = await Promise.race([starting, signalled.then(() => undefined)])
    // Nothing is served yet; what is half begun is as safe as after a kill.
    if (!first) return EXIT_OK
    running = first
  } catch (error) {
    if (error instanceof UsageError) return complain(error.lines, EXIT_USAGE)
    const expected = error instanceof ListenError
    return complain([expected ? error.message : describe(error)], EXIT_FAILED)
  }
  if (planned.json) process.stdout.write(`${readyLine(running.started)}\n`)
  else process.stdout.write(readyText(running.started, performance.now() - startedMs))
  await signalled
  setTimeout(() => process.exit(EXIT_OK), STOP_MS).unref()
  await running.stop()
  return EXIT_OK
}

function check({ tables }: Plan): number {
  const lines = tables.flatMap(({ table, values }) => configLines(table as ConfigTable, values))
  process.stdout.write(`${lines.join('\n')}\n`)
  return EXIT_OK
}

/** One line each, named, so that a person and a script see what is wrong. */
export function complain(lines: readonly string[], code: number): number {
  for (const line of lines) process.stderr.write(`falaj: ${line}\n`)
  return code
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  if (process.env.FALAJ_SERVER_LOG_LEVEL === 'debug') return error.stack ?? error.message
  return `${error.message}${cause}`
}

/** Storage that cannot be trusted ends the process at once: a restart recovers from what is durable. */
function fatal(error: unknown): void {
  process.stderr.write(`falaj: fatal: ${describe(error)}\n`)
  process.exit(EXIT_FAILED)
}

function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve)
  })
}
