/** Retention, and what nothing needs any more. */
export { askTidy, mend, removeLeftovers, type TidyParts, tidyAccount } from './tidy.ts'
