/**
 * The whole table of moves that something happens to, between processes, over a network that breaks.
 * FALAJ_CELLS runs those whose names match; FALAJ_RESULTS names a file for what became of each.
 */
import { writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { allCells, FaultNetwork, nameOf } from './move-faults.test-support.ts'

const chosen = new RegExp(process.env.FALAJ_CELLS ?? '')
const cells = allCells.filter((cell) => chosen.test(nameOf(cell)))

describe('a move that something happens to', () => {
  const network = new FaultNetwork()
  before(() => network.start())
  after(async () => {
    const { FALAJ_RESULTS: file } = process.env
    if (file) writeFileSync(file, `${JSON.stringify(network.outcomes, undefined, 1)}\n`)
    await network.stop()
  })

  for (const cell of cells) {
    test(nameOf(cell), async (t) => {
      const why = network.whyNot(cell)
      if (why) t.skip(why)
      else await network.run(cell)
    })
  }
})
