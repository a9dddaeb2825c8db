import type { Log, Loop, Outside } from '#platform/runtime'
import { verifyCid } from '#protocol/crypto'
import { readCarStream } from '#protocol/data'
import { decodeCommit, syncEvent, verifyCommitSignature } from '#protocol/repo'
import type { Identities, Ingest, RepoState, RepoStates } from '../ingest/index.ts'

const AT_ONCE = 4
const RETRY_MS = 5_000
const TIMEOUT_MS = 20_000
/** The first block of a repository's CAR is its commit. */
const HEAD_BYTES_MAX = 64_000

/**
 * Mends broken chains: fetches the signed commit of a desynchronised repository from its host and
 * says it to everybody as a `#sync`, from which consumers catch up.
 */
export class Resync {
  readonly #states: RepoStates
  readonly #identities: Identities
  readonly #ingest: () => Ingest
  readonly #outside: Outside
  readonly #log: Log
  readonly #waiting = new Map<string, RepoState>()
  #wake: (() => void) | undefined

  constructor(options: {
    states: RepoStates
    identities: Identities
    ingest: () => Ingest
    outside: Outside
    log: Log
  }) {
    this.#states = options.states
    this.#identities = options.identities
    this.#ingest = options.ingest
    this.#outside = options.outside
    this.#log = options.log
  }

  add(state: RepoState): void {
    this.#waiting.set(state.did, state)
    this.#wake?.()
  }

  readonly loop: Loop = {
    name: 'resync',
    run: async (signal) => {
      for (const state of await this.#states.desynchronized(10_000)) this.add(state)
      while (!signal.aborted) {
        if (this.#waiting.size === 0) await this.#untilAdded(signal)
        const some = [...this.#waiting.values()].slice(0, AT_ONCE)
        const mended = await Promise.all(some.map((state) => this.#mend(state, signal)))
        if (mended.includes(false) && !signal.aborted) {
          await this.#outside.timers.sleep(RETRY_MS, signal).catch(() => {})
        }
      }
    },
  }

  async #mend(state: RepoState, signal: AbortSignal): Promise<boolean> {
    const { did } = state
    // Taken out first and put back at the end of the line on failure.
    this.#waiting.delete(did)
    try {
      const current = await this.#states.get(did)
      if (!current?.desynchronized || current.status !== undefined) return true
      const head = await this.#fetchHead(current, signal)
      const next = { ...current, ...head.state, desynchronized: false }
      await this.#ingest().announce(next, (seq) =>
        syncEvent({
          did,
          rev: head.state.rev,
          commit: head.state.commit,
          commitBytes: head.bytes,
          seq,
          time: new Date(this.#outside.now()).toISOString(),
        }),
      )
      return true
    } catch (error) {
      if (!signal.aborted) this.#log.warn('repository could not be mended yet', { did, error })
      this.#waiting.set(did, state)
      return false
    }
  }

  async #fetchHead(state: RepoState, signal: AbortSignal) {
    const url = `${state.host}/xrpc/com.atproto.sync.getRepo?did=${encodeURIComponent(state.did)}`
    const response = await this.#outside.fetch(url, { signal, timeoutMs: TIMEOUT_MS })
    if (!response.ok || !response.body) throw new Error(`${response.status} from ${state.host}`)
    const chunks = response.body as unknown as AsyncIterable<Uint8Array>
    const { roots, blocks } = await readCarStream(chunks, { maxBlockBytes: HEAD_BYTES_MAX })
    for await (const [block] of blocks) {
      const root = roots[0]
      if (!root || !block || !verifyCid(root, block.bytes)) throw new Error('no commit comes first')
      const commit = decodeCommit(block.bytes)
      const key = this.#identities.peek(state.did)?.key
      if (!key || commit.did !== state.did || !verifyCommitSignature(commit, key)) {
        throw new Error('the commit is not signed by the account')
      }
      return {
        state: { rev: commit.rev, commit: root, data: commit.data },
        bytes: block.bytes.slice(),
      }
    }
    throw new Error('an empty repository file')
  }

  #untilAdded(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#wake = undefined
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#wake = done
      if (signal.aborted) done()
      else signal.addEventListener('abort', done, { once: true })
    })
  }
}
