/** `falaj`: finds the command and runs it. */
import { complain, EXIT_OK, EXIT_USAGE, partNames, programVersion, runServer } from '#apps/server'
import { commands } from './commands.ts'

/** Runs one command line; resolves to its exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    process.stdout.write(helpText())
    return first === undefined ? EXIT_USAGE : EXIT_OK
  }
  if (first === '--version' || first === 'version') {
    process.stdout.write(`${programVersion()}\n`)
    return EXIT_OK
  }
  // `falaj relay …flags` is the service, `falaj relay verb` speaks to a running one.
  const hasVerb = rest[0] !== undefined && !rest[0].startsWith('-')
  const isServer = first === 'up' || partNames.includes(first)
  const command = commands.find(({ name }) => name === first)
  if (isServer && !(command && hasVerb)) return await runServer(first, rest)
  if (command) return await command.run(rest)
  return complain([`unknown command ${first}; see 'falaj help'`], EXIT_USAGE)
}

function helpText(): string {
  const verbs = commands.map(({ name, help }) => `  ${name.padEnd(12)} ${help}`)
  return `falaj: the AT Protocol stack

  falaj up                       everything in one process
  falaj up --services plc,pds    some of it
  falaj <service>                one service: ${partNames.join(', ')}
${verbs.length > 0 ? `\n${verbs.join('\n')}\n` : ''}
Flags of every service: --port N (0 = free), --host ADDR, --public-url URL, --data DIR, --ephemeral,
--dev, --json, --config FILE, --check. All settings: docs/config.md
`
}
