/** Operator and owner commands against running services, thin over the protocol. */
import { ConfigError } from '#platform/runtime'
import { moveCommand } from './move.ts'

export interface Command {
  /** First word of the command line. */
  name: string
  /** One line for the help page. */
  help: string
  /** Runs with the words behind the name; resolves to the exit code. Throws ConfigError for misuse. */
  run(args: readonly string[]): Promise<number>
}

/** Every command, in the order of the help page. */
export const commands: readonly Command[] = [moveCommand]

const USAGE = 2

/** Runs one command; its misuse is told a line per problem. */
export async function runCommand(command: Command, args: readonly string[]): Promise<number> {
  try {
    return await command.run(args)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) process.stderr.write(`falaj: ${problem}\n`)
    return USAGE
  }
}
