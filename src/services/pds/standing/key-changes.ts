import type { Jobs, Sealer } from '#platform/runtime'
import { fromHex, hex, importKey, type SigningKey } from '#protocol/crypto'
import { type Did, ProtocolError } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'
import type { Account, Accounts } from '../accounts/index.ts'
import type { PlcAgent } from '../plc/index.ts'
import type { Repos } from '../repos/index.ts'
import type { StandingEvents } from './events.ts'

/** What a change that was interrupted needs to be finished. */
export interface KeyChange {
  didKey: string
  /** The private key, sealed, in hex. */
  sealed: string
}

export const KEY_CHANGE_JOB = 'change-signing-key'

/** When a change that nobody finished is looked at. */
const SETTLE_MS = 60_000
/** Writes are refused until it is settled; this long if it never is. */
const FROZEN_MS = 60 * 60 * 1000
const SETTLE_TRIES = 10_000

/** The job that settles an interrupted change: again and again until the directory answers. */
export const KEY_CHANGE_PACE = { maxAttempts: SETTLE_TRIES, pauseMs: () => SETTLE_MS }

/**
 * Gives accounts another signing key. Writes are held back, the identity names the new key, then the
 * host signs by it. A durable job stands behind: a crash or a silent directory in between is settled
 * by what the identity says.
 */
export class KeyChanges {
  readonly #accounts: Accounts
  readonly #repos: Repos
  readonly #events: StandingEvents
  readonly #plc: PlcAgent
  readonly #jobs: Pick<Jobs, 'add' | 'remove'>
  readonly #sealer: Sealer
  readonly #named: (did: Did) => Promise<string | undefined>
  readonly #now: () => number
  readonly #underWay = new Set<Did>()

  constructor(options: {
    accounts: Accounts
    repos: Repos
    events: StandingEvents
    plc: PlcAgent
    jobs: Pick<Jobs, 'add' | 'remove'>
    sealer: Sealer
    /** The signing key that an identity outside the PLC directory names now, as a did:key. */
    named: (did: Did) => Promise<string | undefined>
    now: () => number
  }) {
    this.#accounts = options.accounts
    this.#repos = options.repos
    this.#events = options.events
    this.#plc = options.plc
    this.#jobs = options.jobs
    this.#sealer = options.sealer
    this.#named = options.named
    this.#now = options.now
  }

  /** Throws InvalidRequest, PlcRefused; UpstreamError when the outcome is unknown: it is settled later. */
  async change(account: Account, key: SigningKey): Promise<void> {
    const { did } = account
    const { didKey } = key.publicKey
    const isPlc = did.startsWith('did:plc:')
    if (!isPlc && (await this.#named(did)) !== didKey) {
      throw invalidRequest('The identity has to name the key first')
    }
    const sealed = hex(this.#sealer.seal(key.export(), purpose(did)))
    const change: KeyChange = { didKey, sealed }
    this.#underWay.add(did)
    try {
      const isFirst = await this.#jobs.add(KEY_CHANGE_JOB, did, change, this.#now() + SETTLE_MS)
      if (!isFirst) throw invalidRequest('Another change of the key is being settled')
      await this.#repos.freeze(did, this.#now() + FROZEN_MS)
      if (isPlc) await this.#submit(did, didKey)
      await this.#finish(did, key)
    } finally {
      this.#underWay.delete(did)
    }
  }

  async #submit(did: Did, didKey: string): Promise<void> {
    try {
      await this.#plc.changeSigningKey(did, didKey)
    } catch (error) {
      // A clear refusal leaves everything as it was; an unknown outcome is settled by the job.
      if (error instanceof ProtocolError) await this.#release(did)
      throw error
    }
  }

  async #finish(did: Did, key: SigningKey): Promise<void> {
    await this.#accounts.setSigningKey(did, key)
    const account = await this.#accounts.get(did)
    if (account) await this.#repos.rekey(did, key, [this.#events.identity(did, account.handle)])
    await this.#release(did)
  }

  async #release(did: Did): Promise<void> {
    await this.#repos.freeze(did, 0)
    await this.#jobs.remove(KEY_CHANGE_JOB, did)
  }

  /** Finishes what was interrupted, or gives it up: by what the identity says. Throws to be asked again. */
  async settle(did: Did, { didKey, sealed }: KeyChange): Promise<void> {
    if (this.#underWay.has(did)) throw new Error('the change is under way')
    if (!(await this.#accounts.get(did))) return
    const named = did.startsWith('did:plc:')
      ? await this.#plc.signingKey(did)
      : await this.#named(did)
    if (named !== didKey) return this.#release(did)
    await this.#finish(did, importKey('k256', this.#sealer.open(fromHex(sealed), purpose(did))))
  }
}

const purpose = (did: Did) => `next signing ${did}`
