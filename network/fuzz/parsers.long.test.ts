/**
 * Every parser that strangers reach gets millions of wrong inputs: none may crash, hang, fill the
 * memory, or be taken for something that was signed. FALAJ_FUZZ is how many in all (a million; ten by
 * `npm run test:fuzz`), FALAJ_SEED which, FALAJ_LONG_MINUTES when to stop earlier; FALAJ_FUZZ_ONLY
 * names one parser. A failure shows its input and number.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { longDeadlineMs, printedSeed } from '../simulation/index.ts'
import type { Outcome, Work } from './fuzz.child.ts'
import { TARGETS } from './targets.ts'

const TOTAL = Number(process.env.FALAJ_FUZZ ?? 1_000_000)
const ONLY = process.env.FALAJ_FUZZ_ONLY
const SEED = printedSeed('fuzz')
/** No input may take so long, on however busy a machine. */
const HANG_MS = 60_000
const HEAP_MB_MAX = 200
const HELD_BYTES_MAX = 400e6
/** What all of them share may be this part of a long run. */
const TIME_SHARE = 0.15

const shares = TARGETS.reduce((sum, { share }) => sum + share, 0)

async function runInThread(work: Work): Promise<Outcome> {
  const worker = new Worker(new URL('./fuzz.child.ts', import.meta.url), {
    workerData: work,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  })
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
  const at = () => Atomics.load(work.progress, 0)
  worker.once('message', resolve)
  worker.once('error', (error) =>
    reject(new Error(`input ${at()} of ${work.name}`, { cause: error })),
  )
  let timer: NodeJS.Timeout | undefined
  const watch = (seen: number) => {
    timer = setTimeout(() => {
      if (at() === seen) reject(new Error(`input ${seen} of ${work.name} hangs`))
      else watch(at())
    }, HANG_MS)
  }
  watch(-1)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}

let spent = 0
const deadline = longDeadlineMs(TIME_SHARE)
const startMs = Date.now()

for (const { name, share } of TARGETS) {
  test(`wrong inputs for ${name} are refused, quickly, and never believed`, {
    skip: ONLY !== undefined && ONLY !== name,
  }, async () => {
    spent += share
    const count = Math.ceil(ONLY ? TOTAL : (TOTAL * share) / shares)
    const progress = new Int32Array(new SharedArrayBuffer(4))
    const deadlineMs = startMs + ((deadline - startMs) * spent) / shares
    const outcome = await runInThread({
      name,
      seed: SEED,
      from: 0,
      to: count,
      deadlineMs,
      progress,
    })
    if ('error' in outcome) {
      const { index, input, error } = outcome
      assert.fail(`input ${index} of ${name} (FALAJ_SEED=${SEED}): ${error}\n${input}`)
    }
    const { accepted, slowestMs, slowest, heldBytes } = outcome
    const held = Math.round(heldBytes / 1e6)
    process.stderr.write(
      `fuzz: ${outcome.count} of ${name}, ${accepted} accepted; slowest ${slowestMs.toFixed(1)} ms (${slowest}); ` +
        `${held} MB held; ${Math.round((Date.now() - startMs) / 1_000)} s\n`,
    )
    assert.ok(accepted < outcome.count, 'some are wrong')
    assert.ok(heldBytes < HELD_BYTES_MAX, `${held} MB are held`)
  })
}
