/** Talking with a person at a terminal: questions on stderr, secrets unseen, one line of progress. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { ConfigError } from '#platform/runtime'

const BAR_WIDTH = 24

/** Asks a question; with `secret` what is typed is not shown. Throws ConfigError without a terminal. */
export async function ask(question: string, { secret = false } = {}): Promise<string> {
  if (!process.stdin.isTTY) throw new ConfigError([`${question}: there is no terminal to ask at`])
  process.stderr.write(`${question}: `)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const output = secret ? silent : process.stderr
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  try {
    return (await lines.question('')).trim()
  } finally {
    lines.close()
    if (secret) process.stderr.write('\n')
  }
}

/** A step with its count, drawn over the last one on a terminal, a line each elsewhere. */
export function showProgress(label: string, count?: { done: number; total: number }): void {
  const text = count ? `${label} ${bar(count)} ${count.done}/${count.total}` : label
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  else process.stderr.write(`${text}\n`)
}

let drawnLines = 0

/** A picture of several lines, drawn over the one before on a terminal. */
export function showLines(lines: readonly string[]): void {
  if (!process.stderr.isTTY) {
    process.stderr.write(lines.map((line) => `${line}\n`).join(''))
    return
  }
  const up = drawnLines > 1 ? `\u001b[${drawnLines - 1}A` : ''
  const width = process.stderr.columns || 80
  const text = lines.map((line) => shown(line).slice(0, width - 1)).join('\n')
  process.stderr.write(`${up}\r\u001b[J${text}`)
  drawnLines = lines.length
}

export function endProgress(): void {
  drawnLines = 0
  if (process.stderr.isTTY) process.stderr.write('\n')
}

/** How far something is. */
export function bar({ done, total }: { done: number; total: number }): string {
  const filled = total === 0 ? BAR_WIDTH : Math.round((Math.min(done, total) / total) * BAR_WIDTH)
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`
}

/** The result of a command on stdout: as JSON with --json, else as lines for people. */
export function tell(flags: { json?: unknown }, value: unknown, lines: string): number {
  process.stdout.write(flags.json ? `${JSON.stringify(value)}\n` : lines)
  return 0
}

/** What others wrote must not steer the terminal. */
export function shown(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, ' ')
}

/** Rows under their heads, each column as wide as it has to be. */
export function columns(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows.map((row) => row.map((cell) => shown(cell).replaceAll('\n', ' ')))]
  const widths = heads.map((_, index) => Math.max(...all.map((row) => row[index]!.length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd()
  return all.map((row) => `${line(row)}\n`).join('')
}
