/** As many wrong operations as FALAJ_LONG_MINUTES allows, or FALAJ_FUZZ_PLC (200,000). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { longDeadlineMs, printedSeed } from '../../../network/simulation/index.ts'
import { startPlc } from './plc.test-support.ts'
import { type Statuses, submitWrongOperations } from './wrong-operations.test-support.ts'

const TOTAL = Number(process.env.FALAJ_FUZZ_PLC ?? 200_000)
/** Logs grow as operations are accepted: a new directory after so many. */
const AT_A_TIME = 500

test('no submission, right or wrong, makes the directory fail or its logs untrue', async () => {
  const deadlineMs = longDeadlineMs(0.05)
  const seed = printedSeed('plc')
  const all: Statuses = new Map()
  let sent = 0
  for (; sent < TOTAL && Date.now() < deadlineMs; sent += AT_A_TIME) {
    const plc = await startPlc()
    const reached = {
      send: (did: string, body: string | Uint8Array<ArrayBuffer>) => plc.post(did, body),
      audit: plc.audit,
    }
    const options = { numRuns: AT_A_TIME, seed: seed + sent }
    for (const [status, count] of await submitWrongOperations(reached, options))
      all.set(status, (all.get(status) ?? 0) + count)
    await plc.close()
  }
  process.stderr.write(`plc: ${sent} submissions, ${JSON.stringify([...all])}\n`)
  assert.ok((all.get(200) ?? 0) > 0 && (all.get(400) ?? 0) > 0)
})
