/** Feeds one parser its inputs, in a thread of its own that can be given up. */
import { parentPort, workerData } from 'node:worker_threads'
import { chancesOf } from './mutate.ts'
import { isRefusal, TARGETS } from './targets.ts'

export interface Work {
  name: string
  seed: number
  /** The first input, and the one behind the last. */
  from: number
  to: number
  deadlineMs: number
  /** Where the number of the input under way is shown. */
  progress: Int32Array
}

export type Outcome =
  | { count: number; accepted: number; slowestMs: number; slowest: number; heldBytes: number }
  | { index: number; input: string; error: string }

const SHOWN = 2_000
const WARM = 1_000
const { name, seed, from, to, deadlineMs, progress } = workerData as Work
const target = TARGETS.find((one) => one.name === name)!

/** So that a failure can be read, and kept as a case. */
function shown(input: unknown): string {
  const text = JSON.stringify(input, (_, value) =>
    value instanceof Uint8Array ? `base64:${Buffer.from(value).toString('base64')}` : value,
  )
  return String(text).slice(0, SHOWN)
}

async function run(): Promise<Outcome> {
  // Most inputs end in an error: without a trace each costs half as much.
  Error.stackTraceLimit = 0
  let accepted = 0
  let slowestMs = 0
  let slowest = from
  let index = from
  for (; index < to; index++) {
    if ((index & 255) === 0) {
      if (Date.now() > deadlineMs) break
      // Promises of a parser that answers later are let go of.
      await new Promise((resolve) => setImmediate(resolve))
    }
    Atomics.store(progress, 0, index)
    const input = target.input(chancesOf(seed, name, index))
    const startMs = performance.now()
    try {
      const reading = target.read(input as never)
      const answer = reading instanceof Promise ? await reading : reading
      if (answer !== false) accepted++
    } catch (error) {
      if (isRefusal(error)) continue
      Error.stackTraceLimit = 20
      const again = await failureOf(input)
      return { index, input: shown(input), error: again ?? String(error) }
    } finally {
      const tookMs = performance.now() - startMs
      if (tookMs > slowestMs && index - from > WARM) {
        slowestMs = tookMs
        slowest = index
      }
    }
  }
  const { heapUsed, external } = process.memoryUsage()
  return { count: index - from, accepted, slowestMs, slowest, heldBytes: heapUsed + external }
}

/** Once more, with a trace. */
async function failureOf(input: unknown): Promise<string | undefined> {
  try {
    await target.read(input as never)
    return undefined
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

run().then((outcome) => parentPort!.postMessage(outcome))
