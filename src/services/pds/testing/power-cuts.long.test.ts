/** Thousands of power cuts, as many as FALAJ_LONG_MINUTES allows, or FALAJ_CUTS (2,000). */
import { test } from 'node:test'
import { longDeadlineMs, printedSeed } from '../../../../network/simulation/index.ts'
import { simulatePowerCuts } from './power-cuts.test-support.ts'

const CUTS = Number(process.env.FALAJ_CUTS ?? 2_000)
const LIVES = 20

test('whenever the power goes, all that was acknowledged is there, told once, and verifies', async () => {
  const deadlineMs = longDeadlineMs(0.25)
  let seed = printedSeed('power-cuts')
  let cuts = 0
  while (cuts < CUTS && Date.now() < deadlineMs) {
    const told = await simulatePowerCuts(seed, LIVES).catch((error) => {
      throw new Error(`FALAJ_SEED=${seed}`, { cause: error })
    })
    cuts += LIVES
    process.stderr.write(`power-cuts: ${cuts}, seed ${seed++}: ${told}\n`)
  }
})
