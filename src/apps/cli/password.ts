import { readFileSync } from 'node:fs'
import type { Flags } from './flags.ts'
import { ask } from './terminal.ts'

/** From `--password-file` (`-`: from the input), else FALAJ_PASSWORD, else asked for. */
export async function readPassword(flags: Flags, question = 'Password'): Promise<string> {
  const file = flags['password-file']
  if (typeof file === 'string' && file !== '') {
    return readFileSync(file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '')
  }
  return process.env.FALAJ_PASSWORD ?? (await ask(question, { secret: true }))
}
