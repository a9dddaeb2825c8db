import { generateKey, type SigningKey } from '#protocol/crypto'
import type { PlcOperation } from '#protocol/identity'
import { type Did, type Handle, ProtocolError } from '#protocol/syntax'
import type { Account, Accounts } from '../accounts/index.ts'
import type { Journal } from '../journal/index.ts'
import type { PlcAgent } from '../plc/index.ts'
import type { Repos } from '../repos/index.ts'
import type { StandingEvents } from './events.ts'

export interface SignUp {
  handle: Handle
  email: string | undefined
  passwordHash: string
  recoveryKey: string | undefined
}

/** An account that moves in: its identity exists, and stays where it is until it is activated. */
export interface MoveIn extends SignUp {
  did: Did
  signingKey: SigningKey | undefined
}

/**
 * Changes of an account's standing: made, activated, deactivated, renamed. Each is one batch of
 * the journal; rows of the directory only claim names before and follow after.
 */
export class Standing {
  readonly #accounts: Accounts
  readonly #repos: Repos
  readonly #journal: Journal
  readonly #events: StandingEvents
  readonly #plc: PlcAgent
  readonly #random: (byteCount: number) => Uint8Array

  constructor(options: {
    accounts: Accounts
    repos: Repos
    journal: Journal
    events: StandingEvents
    plc: PlcAgent
    random: (byteCount: number) => Uint8Array
  }) {
    this.#accounts = options.accounts
    this.#repos = options.repos
    this.#journal = options.journal
    this.#events = options.events
    this.#plc = options.plc
    this.#random = options.random
  }

  /**
   * A new identity and account: durable pending row → directory of identities → one atomic batch
   * (`#identity`, `#account`, first `#commit`) → active. A crash in between is finished at start.
   */
  async signUp(signUp: SignUp): Promise<Account> {
    const signingKey = generateKey('k256', this.#random)
    const { did, operation } = this.#plc.genesis({
      handle: signUp.handle,
      signingKey: signingKey.publicKey,
      recoveryKey: signUp.recoveryKey,
    })
    const dataKey = this.#random(32)
    await this.#accounts.createPending({
      ...signUp,
      did,
      signingKey,
      dataKey,
      plcOperation: operation,
    })
    try {
      await this.#plc.submit(did, operation)
    } catch (error) {
      // A clear refusal leaves nothing behind. An unknown outcome stays pending: it is resumed.
      if (error instanceof ProtocolError) await this.#accounts.dropPending(did)
      throw error
    }
    return this.#finish(did, signUp.handle)
  }

  async #finish(did: Did, handle: Handle): Promise<Account> {
    const account = await this.#accounts.getPending(did)
    if (!account) throw new Error(`pending account vanished: ${did}`)
    await this.#repos.create(
      account,
      [this.#events.identity(did, handle), this.#events.account(did, 'active')],
      false,
    )
    return account
  }

  /** An account that comes from another host: here, but deactivated and unannounced. */
  async moveIn(moveIn: MoveIn): Promise<Account> {
    const signingKey = moveIn.signingKey ?? generateKey('k256', this.#random)
    const dataKey = this.#random(32)
    await this.#accounts.createPending({ ...moveIn, signingKey, dataKey, plcOperation: undefined })
    const account = await this.#accounts.getPending(moveIn.did)
    if (!account) throw new Error(`pending account vanished: ${moveIn.did}`)
    const quiet = this.#events.quietAccount(moveIn.did, 'deactivated')
    await this.#repos.create(account, [quiet], true)
    return account
  }

  /** Finishes accounts whose creation a crash interrupted. Returns how many. */
  async resumePending(): Promise<number> {
    const pending = await this.#accounts.pending()
    for (const { did, handle, plcOperation } of pending) {
      if (!plcOperation) {
        // A move-in that never became durable: its owner simply starts again.
        await this.#accounts.dropPending(did)
        continue
      }
      await this.#plc.submitIfMissing(did, plcOperation as PlcOperation)
      await this.#finish(did, handle)
    }
    return pending.length
  }

  /** Announces an account that comes alive here. Its identity must already point to this host. */
  async activate(account: Account): Promise<void> {
    if (account.status === 'active') return
    await this.#repos.announce(account, [
      this.#events.identity(account.did, account.handle),
      this.#events.account(account.did, 'active'),
    ])
  }

  async deactivate(account: Account, deleteAfterMs: number | undefined): Promise<void> {
    await this.#accounts.setDeleteAfter(account.did, deleteAfterMs)
    if (account.status === 'deactivated') return
    const { applied } = this.#journal.append([this.#events.account(account.did, 'deactivated')])
    await applied
  }

  /** Tells the network that the DID document changed, with the handle as it is now. */
  async announceIdentity(did: Did, handle: Handle): Promise<void> {
    await this.#journal.append([this.#events.identity(did, handle)]).applied
  }
}
