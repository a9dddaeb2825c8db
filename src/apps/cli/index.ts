/** The command line: `falaj`. */
export { runCli } from './cli.ts'
export type { Command } from './commands.ts'
