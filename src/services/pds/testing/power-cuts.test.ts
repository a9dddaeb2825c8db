import { test } from 'node:test'
import { simulatePowerCuts } from './power-cuts.test-support.ts'

test('whenever the power goes, all that was acknowledged is there, told once, and verifies', async () => {
  await simulatePowerCuts(1, 8)
})
