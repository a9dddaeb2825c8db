import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import { createLru, type Sealer } from '#platform/runtime'
import { base64url, fromBase64url, sha256 } from '#protocol/crypto'
import type { Account } from '../accounts/index.ts'
import type { Device } from '../devices/index.ts'
import type { PasskeyRow } from './factors.ts'

/** What a page hands to the browser, and the sealed challenge that its form brings back. */
export interface Ceremony {
  /** For `navigator.credentials`, with bytes in base64url. */
  options: Record<string, unknown>
  kept: string
}

const LIFETIME_MS = 5 * 60_000
const CHALLENGES_USED_MAX = 10_000
const ANSWER_CHARS_MAX = 20_000
/** ES256, EdDSA, RS256: in the order of our liking. */
const ALGORITHMS = [-7, -8, -257]

/** Passkeys (WebAuthn): what browsers are asked, and whether what they answer is true. */
export class Passkeys {
  readonly #sealer: Sealer
  readonly #origin: string
  readonly #rpId: string
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array
  /** A challenge is answered once. Forgotten at a restart, and after five minutes anyway. */
  readonly #used = createLru<string, true>({ maxEntries: CHALLENGES_USED_MAX })

  constructor(options: {
    sealer: Sealer
    publicUrl: string
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    const { origin, hostname } = new URL(options.publicUrl)
    this.#sealer = options.sealer
    this.#origin = origin
    this.#rpId = hostname
    this.#now = options.now
    this.#random = options.random
  }

  /** Making a passkey for an account, on a device that holds none of its others. */
  creation(device: Device, account: Account, known: readonly PasskeyRow[]): Ceremony {
    const { challenge, kept } = this.#challenge(`create ${account.did}`, device)
    const user = {
      // Says nothing about the account to who reads the authenticator.
      id: base64url(sha256(new TextEncoder().encode(`passkey user ${account.did}`))),
      name: account.handle,
      displayName: account.handle,
    }
    const options = {
      ...{ challenge, user, rp: { id: this.#rpId, name: this.#rpId }, timeout: LIFETIME_MS },
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      excludeCredentials: known.map(descriptor),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
    }
    return { options, kept }
  }

  /** Using one: any that the person picks, or one of those given. */
  request(device: Device, purpose: string, known: readonly PasskeyRow[] = []): Ceremony {
    const { challenge, kept } = this.#challenge(purpose, device)
    const options = {
      ...{ challenge, rpId: this.#rpId, timeout: LIFETIME_MS, userVerification: 'required' },
      allowCredentials: known.map(descriptor),
    }
    return { options, kept }
  }

  /** The new passkey, or undefined for an answer that is not one to our question. */
  async created(device: Device, account: Account, answer: string, kept: string) {
    const challenge = this.#open(kept, `create ${account.did}`, device)
    const response = parsed<RegistrationResponseJSON>(answer)
    if (!challenge || !response) return undefined
    const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
    const verdict = await verifyRegistrationResponse({
      response,
      ...this.#expected(challenge),
      supportedAlgorithmIDs: ALGORITHMS,
    }).catch(() => undefined)
    if (!verdict?.verified) return undefined
    const { id, publicKey, counter, transports = [] } = verdict.registrationInfo.credential
    return { credentialId: id, publicKey, counter, transports: transports.slice(0, 10) }
  }

  /** Which credential an answer says it is of; nothing is proved by that. */
  named(answer: string): string | undefined {
    const id = parsed<AuthenticationResponseJSON>(answer)?.id
    return typeof id === 'string' && id.length <= 2_000 ? id : undefined
  }

  /** The passkey's new count when the answer is its own, to our question; else undefined. */
  async proved(
    device: Device,
    purpose: string,
    passkey: PasskeyRow,
    answer: string,
    kept: string,
  ): Promise<number | undefined> {
    const challenge = this.#open(kept, purpose, device)
    const response = parsed<AuthenticationResponseJSON>(answer)
    if (!challenge || !response) return undefined
    const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
    const verdict = await verifyAuthenticationResponse({
      response,
      ...this.#expected(challenge),
      credential: {
        id: passkey.credentialId,
        publicKey: Uint8Array.from(passkey.publicKey),
        counter: passkey.counter,
      },
    }).catch(() => undefined)
    return verdict?.verified ? verdict.authenticationInfo.newCounter : undefined
  }

  #expected(challenge: string) {
    return {
      expectedChallenge: challenge,
      expectedOrigin: this.#origin,
      expectedRPID: this.#rpId,
      requireUserVerification: true,
    }
  }

  #challenge(purpose: string, device: Device): { challenge: string; kept: string } {
    const challenge = base64url(this.#random(32))
    const text = JSON.stringify({ challenge, untilMs: this.#now() + LIFETIME_MS })
    const sealed = this.#sealer.seal(new TextEncoder().encode(text), sealedFor(purpose, device))
    return { challenge, kept: base64url(sealed) }
  }

  #open(kept: string, purpose: string, device: Device): string | undefined {
    try {
      const sealed = fromBase64url(kept)
      const text = new TextDecoder().decode(this.#sealer.open(sealed, sealedFor(purpose, device)))
      const { challenge, untilMs } = JSON.parse(text) as { challenge: string; untilMs: number }
      if (untilMs <= this.#now() || this.#used.has(challenge)) return undefined
      this.#used.set(challenge, true)
      return challenge
    } catch {
      return undefined
    }
  }
}

/** A challenge is good for one purpose, in one browser. */
const sealedFor = (purpose: string, { secret }: Device) => `passkey ${purpose} ${secret}`

const descriptor = ({ credentialId, transports }: PasskeyRow) => ({
  ...{ type: 'public-key', id: credentialId },
  ...(transports.length > 0 && { transports }),
})

function parsed<T>(answer: string): T | undefined {
  if (answer.length > ANSWER_CHARS_MAX) return undefined
  try {
    const value: unknown = JSON.parse(answer)
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}
