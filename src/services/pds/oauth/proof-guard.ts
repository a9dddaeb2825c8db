import { base64url, sha256 } from '#protocol/crypto'

/** A nonce is handed out for so long, and taken for as long again. */
const GENERATION_MS = 60_000
/** Proofs seen under one nonce, 70 bytes each; then the next one is handed out. */
const PROOFS_MAX = 100_000
/** The newest, and those before it that are still taken. */
const GENERATIONS = 3
/** However long nobody came. The profile allows five minutes. */
const NONCE_MS = 180_000

interface Generation {
  nonce: string
  sinceMs: number
  seen: Set<string>
}

/**
 * Nonces of proofs, and which proofs were seen under each. Both are in memory alone: a restart makes
 * every older proof worthless, so that none is taken twice. https://www.rfc-editor.org/rfc/rfc9449#section-8
 */
export class ProofGuard {
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array
  /** Newest first. */
  #generations: Generation[] = []

  constructor(options: { now: () => number; random: (byteCount: number) => Uint8Array }) {
    this.#now = options.now
    this.#random = options.random
  }

  /** What the next proof has to say. */
  nonce(): string {
    return this.#newest().nonce
  }

  #newest(): Generation {
    const nowMs = this.#now()
    const [newest] = this.#generations
    const isFresh =
      newest && nowMs - newest.sinceMs < GENERATION_MS && newest.seen.size < PROOFS_MAX
    if (isFresh) return newest
    const made = { nonce: base64url(this.#random(16)), sinceMs: nowMs, seen: new Set<string>() }
    this.#generations = [made, ...this.#generations.slice(0, GENERATIONS - 1)]
    return made
  }

  /** Takes a proof, once: 'stale' without a current nonce, 'replayed' when it was seen before. */
  take({ jkt, jti, nonce }: { jkt: string; jti: string; nonce: string | undefined }) {
    this.#newest()
    const sinceMs = this.#now() - NONCE_MS
    const generation = this.#generations.find(
      (one) => one.nonce === nonce && one.sinceMs > sinceMs && one.seen.size < 2 * PROOFS_MAX,
    )
    if (!generation) return 'stale'
    const name = nameOf(jkt, jti)
    if (generation.seen.has(name)) return 'replayed'
    generation.seen.add(name)
    return 'taken'
  }

  /** Proofs remembered, for metrics. */
  get size(): number {
    return this.#generations.reduce((sum, { seen }) => sum + seen.size, 0)
  }
}

const encoder = new TextEncoder()

/** Sixteen bytes as so many characters: names are kept by the hundred thousand. */
function nameOf(jkt: string, jti: string): string {
  return String.fromCharCode(...sha256(encoder.encode(`${jkt} ${jti}`)).subarray(0, 16))
}
