import type { Fetch } from '#platform/runtime'
import { type Did, type Handle, isDid } from '#protocol/syntax'

/** What one of the two ways to prove a handle says. */
export interface HandleProof {
  /** 'right' names the account; 'other' names somebody else; 'none' names nobody; 'silent' did not answer. */
  state: 'right' | 'other' | 'none' | 'silent'
  /** What was found there, shortened. */
  found: readonly string[]
}

export interface HandleProofs {
  dns: HandleProof
  web: HandleProof
}

const ANSWER_BYTES = 4_096
const TIMEOUT_MS = 5_000
const SHOWN_MAX = 5
const SHOWN_CHARS = 200

/** Looks at both proofs of a domain, so that its owner can be told which is missing and why. */
export class HandleProofReader {
  readonly #resolveTxt: (name: string) => Promise<string[]>
  readonly #fetch: Fetch

  constructor(options: { resolveTxt: (name: string) => Promise<string[]>; fetch: Fetch }) {
    this.#resolveTxt = options.resolveTxt
    this.#fetch = options.fetch
  }

  async read(handle: Handle, did: Did): Promise<HandleProofs> {
    const [dns, web] = await Promise.all([
      proof(did, async () => {
        const records = await this.#resolveTxt(`_atproto.${handle}`)
        return records
          .filter((one) => one.startsWith('did='))
          .map((one) => one.slice('did='.length).trim())
      }),
      proof(did, async () => {
        const response = await this.#fetch(`https://${handle}/.well-known/atproto-did`, {
          maxResponseBytes: ANSWER_BYTES,
          timeoutMs: TIMEOUT_MS,
        })
        const text = (await response.text()).trim()
        if (response.status >= 500) throw new Error(`status ${response.status}`)
        return response.ok && isDid(text) ? [text] : []
      }),
    ])
    return { dns, web }
  }
}

async function proof(did: Did, ask: () => Promise<string[]>): Promise<HandleProof> {
  try {
    const all = await ask()
    const found = all.slice(0, SHOWN_MAX).map((one) => one.slice(0, SHOWN_CHARS))
    if (all.length === 0) return { state: 'none', found }
    return { state: all.every((one) => one === did) ? 'right' : 'other', found }
  } catch {
    return { state: 'silent', found: [] }
  }
}
