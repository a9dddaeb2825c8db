/** Seeded people at a host that dies, and an oracle that knows what must be true afterwards. */
export { type Chances, chances, longDeadlineMs, printedSeed } from './chances.ts'
export { type Answer, type Call, Unknown, type World } from './people.ts'
export { Town, type TownOptions } from './town.ts'
