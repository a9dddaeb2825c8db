/** Flags of commands: `--name VALUE` or `--name=VALUE`; a switch stands alone. */
import { parseArgs } from 'node:util'
import { ConfigError } from '#platform/runtime'

export type Flags = Readonly<Record<string, string | boolean | undefined>>

/** Reads flags and the words between them. Throws ConfigError naming what is wrong. */
export function readFlags(
  args: readonly string[],
  known: Readonly<Record<string, 'value' | 'switch'>>,
): { flags: Flags; words: string[] } {
  const options = Object.fromEntries(
    Object.entries(known).map(([name, kind]) => [
      name,
      { type: kind === 'value' ? ('string' as const) : ('boolean' as const) },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    return { flags: values as Flags, words: positionals }
  } catch (error) {
    throw new ConfigError([(error as Error).message.split('\n')[0]!])
  }
}

/** Text flags that must be there; throws ConfigError with every one that is not. */
export function requireFlags<const N extends string>(
  flags: Flags,
  names: readonly N[],
): Record<N, string> {
  const missing = names.filter((name) => typeof flags[name] !== 'string' || flags[name] === '')
  if (missing.length > 0) throw new ConfigError(missing.map((name) => `--${name} is needed`))
  return Object.fromEntries(names.map((name) => [name, flags[name]])) as Record<N, string>
}

/** An origin without a trailing slash. Throws ConfigError. */
export function readOrigin(name: string, text: string): string {
  try {
    const { origin, protocol } = new URL(text)
    if (protocol === 'http:' || protocol === 'https:') return origin
  } catch {
    // told below
  }
  throw new ConfigError([`--${name} must be an http or https URL, not ${text}`])
}
