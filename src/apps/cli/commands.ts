/** Operator and owner commands against running services, thin over the protocol. */
import { ConfigError } from '#platform/runtime'

export interface Command {
  /** First word of the command line. */
  name: string
  /** One line for the help page. */
  help: string
  /** Runs with the words behind the name; resolves to the exit code. Throws ConfigError for misuse. */
  run(args: readonly string[]): Promise<number>
}

/** Every command, in the order of the help page. Its code is loaded when it runs. */
export const commands: readonly Command[] = [
  {
    name: 'move',
    help: 'move an account: --from URL --to URL --plc URL --handle NAME [--check]',
    run: async (args) => await (await import('./move.ts')).runMove(args),
  },
]

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
