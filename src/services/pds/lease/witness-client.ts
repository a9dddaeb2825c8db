import type { Fetch, Timers } from '#platform/runtime'
import {
  isLeaseProof,
  type LeaseAnswer,
  type LeaseLook,
  type LeaseRelease,
  type LeaseRenew,
  type LeaseTake,
  leaseProof,
  lookLeaseMethod,
  type ProvenFields,
  releaseLeaseMethod,
  renewLeaseMethod,
  takeLeaseMethod,
} from '#protocol/account'
import { hex } from '#protocol/crypto'
import { type XrpcClient, XrpcError, xrpcClient } from '#protocol/xrpc'

/** An ask that takes longer is made again: the lease would lapse over it. */
const ASK_MS = 1_500
/** A host that ends has a second for all of it. */
const GIVE_BACK_MS = 800
/** An operator waits. */
const OPERATOR_MS = 15_000
const NONCE_BYTES = 16

export interface WitnessPlace {
  /** Origin of the witness. */
  witness: string
  /** Whose lease. */
  hostname: string
  /** Shared by the two hosts and the witness. */
  secret: string
  fetch: Fetch
  timers: Timers
  random: (byteCount: number) => Uint8Array
}

export type WitnessAnswer = Omit<LeaseAnswer, 'proof'>
type Bare<T> = Omit<T, 'hostname' | 'nonce' | 'proof'>

/** Calls to a witness, proven both ways: an answer that is not of who has the secret is none. */
export class WitnessClient {
  readonly #place: WitnessPlace
  readonly #client: XrpcClient

  constructor(place: WitnessPlace) {
    this.#place = place
    const fetch = (url: string, init?: RequestInit) => place.fetch(url, init)
    this.#client = xrpcClient({ service: place.witness, fetch, maxBytes: 65_536 })
  }

  take(ask: Bare<LeaseTake>): Promise<WitnessAnswer> {
    return this.#ask('take', ask, (proven, signal) =>
      this.#client.post(takeLeaseMethod, proven, undefined, { signal }),
    )
  }

  renew(ask: Bare<LeaseRenew>): Promise<WitnessAnswer> {
    return this.#ask('renew', ask, (proven, signal) =>
      this.#client.post(renewLeaseMethod, proven, undefined, { signal }),
    )
  }

  release(ask: Bare<LeaseRelease>): Promise<WitnessAnswer> {
    const send = (proven: LeaseRelease, signal: AbortSignal) =>
      this.#client.post(releaseLeaseMethod, proven, undefined, { signal })
    return this.#ask('release', ask, send, ask.claim ? GIVE_BACK_MS : OPERATOR_MS)
  }

  look(): Promise<WitnessAnswer> {
    const send = (proven: LeaseLook, signal: AbortSignal) =>
      this.#client.get(lookLeaseMethod, proven, { signal })
    return this.#ask('look', {}, send, OPERATOR_MS)
  }

  async #ask<A extends object>(
    use: string,
    ask: A,
    send: (
      proven: A & { hostname: string; nonce: string; proof: string },
      signal: AbortSignal,
    ) => Promise<LeaseAnswer>,
    askMs = ASK_MS,
  ): Promise<WitnessAnswer> {
    const { hostname, secret, timers, random } = this.#place
    const nonce = hex(random(NONCE_BYTES))
    const fields = { ...ask, hostname, nonce }
    const proof = leaseProof(secret, use, fields as unknown as ProvenFields)
    const stop = new AbortController()
    const timer = timers.setTimeout(() => stop.abort(new Error('no answer in time')), askMs)
    try {
      const { proof: theirs, ...answer } = await send({ ...fields, proof }, stop.signal)
      if (isLeaseProof(secret, `${use} answer`, { ...answer, nonce }, theirs)) return answer
      throw new XrpcError(502, 'UpstreamFailure', 'the answer is not of the witness')
    } finally {
      timers.clearTimeout(timer)
    }
  }
}
