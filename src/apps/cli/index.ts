/** The command line's operator and owner commands. */
export { type Command, commands, runCommand } from './commands.ts'
export { pdsAdopt } from './pds-adopt.ts'
export { pdsCheck } from './pds-check.ts'
export { pdsLease } from './pds-lease.ts'
export { pdsPromote } from './pds-promote.ts'
