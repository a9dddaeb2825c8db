export { type Takedown, Takedowns, takedownKey } from './takedowns.ts'
