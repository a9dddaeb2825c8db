/** Operator and owner commands against running services. Server commands are the server's own. */

export interface Command {
  name: string
  /** One line for the help page. */
  help: string
  /** Loads and runs the command; resolves to the exit code. */
  run(args: readonly string[]): Promise<number>
}

/** Commands by their first word, besides those that start services. */
export const commands: readonly Command[] = []
