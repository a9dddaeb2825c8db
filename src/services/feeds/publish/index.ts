/** The feeds' records, in an account of their own. */
export { Publisher } from './publisher.ts'
