/** The command line's operator and owner commands. */
export { type Command, commands, runCommand } from './commands.ts'
