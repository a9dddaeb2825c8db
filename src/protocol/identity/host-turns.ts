/** How many questions are with one host at once; the others wait their turn. */
import { UpstreamError } from './upstream-error.ts'

/** With one host at once: many identities can live at one domain, which need not bear us all at once. */
const AT_ONCE = 16
/** With a PLC directory, which is made for it. */
const AT_DIRECTORY = 128
/** Waiting for one host; further ones fail at once. */
const WAITING_MAX = 1_000

interface Turns {
  running: number
  readonly waiting: (() => void)[]
}

export class HostTurns {
  readonly #hosts = new Map<string, Turns>()
  readonly #directories: ReadonlySet<string>

  /** Origins of PLC directories. */
  constructor(directories: readonly string[] = []) {
    this.#directories = new Set(directories.map((url) => new URL(url).host))
  }

  /** Does the work in the host's turn. Throws UpstreamError when too many wait for it already. */
  async run<T>(host: string, work: () => Promise<T>): Promise<T> {
    let turns = this.#hosts.get(host)
    if (turns === undefined) this.#hosts.set(host, (turns = { running: 0, waiting: [] }))
    const most = this.#directories.has(host) ? AT_DIRECTORY : AT_ONCE
    if (turns.running < most) turns.running++
    else await this.#wait(host, turns)
    try {
      return await work()
    } finally {
      this.#pass(host, turns)
    }
  }

  #wait(host: string, { waiting }: Turns): Promise<void> {
    if (waiting.length >= WAITING_MAX)
      throw new UpstreamError('UpstreamFailure', host, `${host}: too many questions wait for it`)
    return new Promise((resolve) => waiting.push(resolve))
  }

  /** The turn goes to who waits longest, or is free; a host nobody asks is forgotten. */
  #pass(host: string, turns: Turns): void {
    const next = turns.waiting.shift()
    if (next !== undefined) next()
    else if (--turns.running === 0) this.#hosts.delete(host)
  }
}
