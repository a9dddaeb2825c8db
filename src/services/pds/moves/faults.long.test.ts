/** What goes wrong on a move: the whole table. */
import { after, before, test } from 'node:test'
import { allRows, FaultyWorld, nameOf } from './faults.test-support.ts'

const world = new FaultyWorld()
before(() => world.open())
after(() => world.close())

for (const row of allRows) test(nameOf(row), () => world.run(row))
