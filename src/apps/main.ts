/** The program that bin/falaj runs: finds the door a command line asks for, and exits with its code. */
import './resolve-once.ts'

// Only now: what is imported above its line is found before a line of it runs.
const { commands, pdsAdopt, pdsCheck, pdsLease, pdsPromote, runCommand } = await import('#apps/cli')

const USAGE = 2
/** All services come with it: whoever only asks a running one does not wait for that. */
const server = () => import('#apps/server')
/** The server opens a host's data, the command line asks about it: here they meet. */
const check = pdsCheck(async (...args) => (await server()).openPds(...args))
const lease = pdsLease(async (dataDir) => (await server()).leaseMemory(dataDir))
const adopt = pdsAdopt(async (...args) => (await server()).adoptReference(...args))

async function main([first = '', ...rest]: readonly string[]): Promise<number> {
  if (first === 'pds' && rest[0] === 'check') return await runCommand(check, rest.slice(1))
  if (first === 'pds' && rest[0] === 'adopt') return await runCommand(adopt, rest.slice(1))
  if (first === 'pds' && rest[0] === 'promote') return await runCommand(pdsPromote, rest.slice(1))
  if (first === 'pds' && rest[0] === 'standby') return await runStandby(rest.slice(1))
  if (first === 'pds' && rest[0] === 'lease') return await runCommand(lease, rest.slice(1))
  // `falaj relay --flags` is the service; `falaj relay verb` speaks to a running one.
  const hasVerb = rest[0] !== undefined && !rest[0].startsWith('-')
  const command = commands.find(({ name }) => name === first)
  if (command && hasVerb) return await runCommand(command, rest)
  const { programVersion, runServer, serviceNames } = await server()
  if (first === 'help' || first === '--help' || first === '-h') return say(helpText(serviceNames))
  if (first === 'version' || first === '--version') return say(`${programVersion()}\n`)
  if (first === 'up' || serviceNames.includes(first)) return await runServer(first, rest)
  if (command) return await runCommand(command, rest)
  process.stderr.write(
    `falaj: ${first ? `unknown command ${first}` : 'no command'}; see falaj help\n`,
  )
  return USAGE
}

/** A host like any other, but that it follows one. */
async function runStandby(args: readonly string[]): Promise<number> {
  const own = args.map((arg) => arg.replace(/^--of(?==|$)/, '--standby-of'))
  if (!own.some((arg) => arg.startsWith('--standby-of'))) {
    process.stderr.write('falaj: falaj pds standby needs the host it follows: --of URL\n')
    return USAGE
  }
  return (await server()).runServer('pds', own)
}

function say(text: string): number {
  process.stdout.write(text)
  return 0
}

function helpText(serviceNames: readonly string[]): string {
  const verbs = [...commands, check, adopt, pdsPromote, lease].map(
    ({ name, help }) => `  ${name.padEnd(30)} ${help}\n`,
  )
  return `falaj: the AT Protocol stack

  falaj up                       everything in one process
  falaj up --services plc,pds    some of it
  falaj pds standby --of URL     a second host that follows the first
  falaj <service>                one service: ${serviceNames.join(', ')}
${verbs.join('')}
Flags of every service: --port N (0 = free), --host ADDR, --public-url URL, --data DIR, --ephemeral,
--dev, --json, --config FILE, --check. All settings: docs/config.md
`
}

try {
  process.exit(await main(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(
    `falaj: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`,
  )
  process.exit(1)
}
