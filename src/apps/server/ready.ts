/** What is said when everything answers: one JSON line for scripts, a few lines for people. */
import type { StartedEntry } from './part.ts'

/** The ready line of the contract, without its newline. */
export function readyLine(started: readonly StartedEntry[]): string {
  const services: Record<string, unknown> = {}
  for (const { kind, name, url, did, about } of started) {
    const { uris } = about
    const entry = { url, ...(did === undefined ? {} : { did }), ...(uris ? { uris } : {}) }
    if (kind === 'pds') services.pds = [...((services.pds as unknown[]) ?? []), entry]
    else services[name] = entry
  }
  return JSON.stringify({ ready: true, services })
}

/** Where to go, the page for people first. */
export function readyText(started: readonly StartedEntry[], tookMs: number): string {
  const rows = started.map(
    ({ name, url, did }) => `  ${name.padEnd(10)} ${url}${did ? `  ${did}` : ''}`,
  )
  const web = started.find(({ kind }) => kind === 'web')
  const open = web ? `\n  Open ${web.url} to sign up, post, follow and move.\n` : ''
  return `\n  Falaj is running (${(tookMs / 1000).toFixed(1)} s).\n\n${rows.join('\n')}\n${open}`
}
