/** Reading a command line: flags with values, switches, and nothing that is not known. */

export interface CommandLine {
  /** Values by flag name without dashes; a switch is `true` or `false`. */
  flags: Record<string, string>
  /** What is no flag, in order. */
  words: string[]
  /** What is unknown, repeated or incomplete, a line each. */
  problems: string[]
}

/**
 * Splits arguments by the flags that are known: `--name value`, `--name=value`, `--switch`,
 * `--no-switch`. Goes on after a problem, so that all can be told at once.
 */
export function readFlags(
  args: readonly string[],
  known: ReadonlyMap<string, { isSwitch: boolean }>,
): CommandLine {
  const flags: Record<string, string> = {}
  const words: string[] = []
  const problems: string[] = []
  const put = (name: string, value: string) => {
    if (name in flags) problems.push(`--${name} is given twice`)
    flags[name] = value
  }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (!arg.startsWith('--')) {
      if (arg.startsWith('-') && arg !== '-') problems.push(`unknown flag ${arg}`)
      else words.push(arg)
      continue
    }
    const mark = arg.indexOf('=')
    const name = mark < 0 ? arg.slice(2) : arg.slice(2, mark)
    const off = name.startsWith('no-') && known.get(name.slice(3))?.isSwitch
    const flag = known.get(off ? name.slice(3) : name)
    if (!flag) problems.push(`unknown flag --${name}`)
    else if (off) put(name.slice(3), 'false')
    else if (mark >= 0) put(name, arg.slice(mark + 1))
    else if (flag.isSwitch) put(name, 'true')
    else if (args[i + 1] === undefined || args[i + 1]!.startsWith('--'))
      problems.push(`--${name} needs a value`)
    else put(name, args[++i]!)
  }
  return { flags, words, problems }
}
