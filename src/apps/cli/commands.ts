/** Operator and owner commands against running services, thin over the protocol. */
import { ConfigError, OutgoingError } from '#platform/runtime'
import { StorageError } from '#platform/storage'
import { UpstreamError } from '#protocol/identity'
import { ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'

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
    help: 'move an account: --from URL --to URL --plc URL --handle NAME [--check]; watch, pause, resume, abandon, back; fleet TABLE: many',
    run: async (args) => await (await import('./move.ts')).runMove(args),
  },
  {
    name: 'export',
    help: 'everything of an account in one file: --host URL --handle NAME FILE.zip',
    run: async (args) => await (await import('./export.ts')).runExport(args),
  },
  {
    name: 'import',
    help: 'take such a file back into the account: --host URL --handle NAME --replace FILE.zip',
    run: async (args) => await (await import('./export.ts')).runImport(args),
  },
  {
    name: 'receipt',
    help: 'the receipt of a move or a rescue: verify FILE, by the key that --plc URL or --key DIDKEY gives',
    run: async (args) => await (await import('./receipt.ts')).runReceipt(args),
  },
  {
    name: 'identity',
    help: 'an owner’s own key: recover an account whose host is gone, check a sheet, make one',
    run: async (args) => await (await import('./identity.ts')).runIdentity(args),
  },
  {
    name: 'vault',
    help: 'copies of accounts in a vault: list, show DID, restore DID, restore-host --vault URL; alone: the service',
    run: async (args) => await (await import('./vault.ts')).runVault(args),
  },
  {
    name: 'account',
    help: 'accounts, invites and operators of a host, for its operator; alone: every verb',
    run: async (args) => await (await import('./account.ts')).runAccount(args),
  },
  {
    name: 'mail',
    help: 'letters of a host, for its operator: list, show ID, resend ID --host URL',
    run: async (args) => await (await import('./mail.ts')).runMail(args),
  },
  {
    name: 'directory',
    help: 'a replica of a directory of identities: status, held --url URL',
    run: async (args) => await (await import('./directory.ts')).runDirectory(args),
  },
  {
    name: 'index',
    help: 'the index of an app view: refused, records it cannot take in, and why; rebuild, made anew beside the one that serves; progress --url URL',
    run: async (args) => await (await import('./appview-index.ts')).runIndex(args),
  },
]

const USAGE = 2

const FAILED = 1

/** Runs one command; its misuse is told a line per problem, what went wrong in one line. */
export async function runCommand(command: Command, args: readonly string[]): Promise<number> {
  try {
    return await command.run(args)
  } catch (error) {
    if (error instanceof ConfigError) return complain(error.problems, USAGE)
    // What an upstream or the protocol says is for the person; anything else is a fault of ours.
    if (isTold(error)) return complain([error.message], FAILED)
    throw error
  }
}

function isTold(error: unknown): error is Error {
  return (
    error instanceof XrpcError ||
    error instanceof ProtocolError ||
    error instanceof UpstreamError ||
    error instanceof OutgoingError ||
    error instanceof StorageError
  )
}

function complain(lines: readonly string[], code: number): number {
  for (const line of lines) process.stderr.write(`falaj: ${line}\n`)
  return code
}
