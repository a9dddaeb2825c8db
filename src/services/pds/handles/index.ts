/** Handles that this host gives out or accepts. */
export { Handles } from './handles.ts'
