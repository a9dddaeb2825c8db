/** The program that bin/falaj runs. */
import { runCli } from './cli.ts'

try {
  process.exit(await runCli(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(
    `falaj: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`,
  )
  process.exit(1)
}
