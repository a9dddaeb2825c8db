import { test } from 'node:test'
import { run } from './compare.test-support.ts'
import { History } from './history.test-support.ts'

for (const [seed, title] of [
  [3, 'whatever people do, and however it arrives, answers are what the rules say'],
  [16, 'and where events get lost, repositories are fetched and the answers are the same'],
] as const)
  test(title, async () => {
    const history = new History({ seed, isLossy: seed % 2 === 0 })
    await run(history, { rounds: 2, acts: 90 })
  })
