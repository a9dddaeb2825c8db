/** What the tests of this room share: a service made of functions, listening on a free port. */
import { type Listening, type ListenOptions, listen } from './listen.ts'
import { createLog, type Log } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import type { Service } from './shapes.ts'

export interface Rig extends AsyncDisposable {
  url: string
  port: number
  lines: string[]
  metrics: Metrics
  listening: Listening
}

export function logTo(lines: string[]): Log {
  return createLog({ pretty: false, level: 'debug', write: (line) => void lines.push(line) })
}

export function service(parts: Partial<Service>): Service {
  return {
    name: 'test',
    loops: [],
    handle: () => ({ status: 404 }),
    close: async () => {},
    ...parts,
  }
}

/** Listens on a free port until disposed. */
export async function serving(
  parts: Partial<Service>,
  options: Partial<ListenOptions> = {},
): Promise<Rig> {
  const lines: string[] = []
  const metrics = createMetrics()
  const listening = await listen(service(parts), {
    port: 0,
    log: logTo(lines),
    metrics,
    ...options,
  })
  return {
    url: listening.url,
    port: listening.port,
    lines,
    metrics,
    listening,
    [Symbol.asyncDispose]: () => listening.close(),
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** A promise and its resolver, for tests that wait for a moment of their own choosing. */
export function gate<T = void>(): { promise: Promise<T>; open: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>()
  return { promise, open: resolve }
}
