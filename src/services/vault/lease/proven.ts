import { createGuesses, type Guesses } from '#platform/runtime'
import { isLeaseProof, type LeaseAnswer, leaseProof, type ProvenFields } from '#protocol/account'
import { authRequired, XrpcError } from '#protocol/xrpc'
import type { Verdict } from './witness.ts'

interface Call {
  hostname: string
  nonce: string
  proof: string
}

/** Leases of one hostname are for who has its secret; the answer proves that it is ours. */
export class Proven {
  readonly #secrets: ReadonlyMap<string, string>
  readonly #guesses: Guesses

  constructor({ secrets, now }: { secrets: ReadonlyMap<string, string>; now: () => number }) {
    this.#secrets = secrets
    this.#guesses = createGuesses({ now })
  }

  /** Checks the proof of a call, does it, and proves the answer. `use` is the method's last word. */
  async answer<C extends Call>(
    use: string,
    { call, ip }: { call: C; ip: string },
    work: () => Promise<Verdict>,
  ): Promise<LeaseAnswer> {
    const seconds = this.#guesses.secondsToWait(ip)
    if (seconds > 0) {
      const headers = { 'retry-after': String(seconds) }
      throw new XrpcError(429, 'RateLimitExceeded', 'Too many wrong proofs', { headers })
    }
    const secret = this.#secrets.get(call.hostname)
    const isProven = isLeaseProof(
      secret ?? 'nobody',
      use,
      call as unknown as ProvenFields,
      call.proof,
    )
    if (secret === undefined || !isProven) {
      this.#guesses.wrong(ip)
      throw authRequired('The proof is wrong, or nobody holds leases by this name', 'WrongProof')
    }
    const verdict = await work()
    const { nonce } = call
    return { ...verdict, proof: leaseProof(secret, `${use} answer`, { ...verdict, nonce }) }
  }
}
