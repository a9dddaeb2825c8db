/** Whole repositories taken in: staged beside the old, switched to by one journal entry. */
export { Imports } from './imports.ts'
export { applySwitch, decodeSwitch, encodeSwitch } from './switch.ts'
