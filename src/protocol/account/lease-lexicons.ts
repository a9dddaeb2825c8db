/** The lease of a host, kept by a witness: `app.falaj.lease.*`. */
import defsJson from '#lexicons/app/falaj/lease/defs' with { type: 'json' }
import lookJson from '#lexicons/app/falaj/lease/look' with { type: 'json' }
import releaseJson from '#lexicons/app/falaj/lease/release' with { type: 'json' }
import renewJson from '#lexicons/app/falaj/lease/renew' with { type: 'json' }
import takeJson from '#lexicons/app/falaj/lease/take' with { type: 'json' }
import { compileLexicons } from '#protocol/lexicon'

const lexicons = /* @__PURE__ */ compileLexicons([
  defsJson,
  takeJson,
  renewJson,
  releaseJson,
  lookJson,
])

type None = Record<never, never>

/**
 * `given`: by this call. `lapsed`: over, and nobody took it since. `ending`: an operator ended it;
 * over with its term.
 */
export type LeaseState =
  | 'given'
  | 'held'
  | 'lapsed'
  | 'released'
  | 'ending'
  | 'superseded'
  | 'unknown'

/** How a lease is, or became by the call. */
export interface LeaseAnswer {
  state: LeaseState
  /** Rises with every host that takes it. */
  epoch: number
  termMs: number
  /** Until it may be taken. */
  waitMs: number
  takenAt?: string | undefined
  proof: string
}

/** Whose lease, a word made by chance that the answer is bound to, and the proof of all fields. */
interface Proven {
  hostname: string
  nonce: string
  proof: string
}

export type LeaseTake = Proven & { claim: string; after: number }
export type LeaseRenew = Proven & { claim: string; epoch: number; turn: number }
export type LeaseRelease = Proven & { claim?: string; epoch: number }
export type LeaseLook = Proven

/** Takes a lease. Errors: WrongProof. */
export const takeLeaseMethod = /* @__PURE__ */ lexicons.procedure<None, LeaseTake, LeaseAnswer>(
  'app.falaj.lease.take',
)

/** Keeps it for another term. Errors: WrongProof. */
export const renewLeaseMethod = /* @__PURE__ */ lexicons.procedure<None, LeaseRenew, LeaseAnswer>(
  'app.falaj.lease.renew',
)

/** Gives it back, or ends it. Errors: WrongProof. */
export const releaseLeaseMethod = /* @__PURE__ */ lexicons.procedure<
  None,
  LeaseRelease,
  LeaseAnswer
>('app.falaj.lease.release')

/** How it is. Errors: WrongProof. */
export const lookLeaseMethod = /* @__PURE__ */ lexicons.query<LeaseLook, LeaseAnswer>(
  'app.falaj.lease.look',
)
