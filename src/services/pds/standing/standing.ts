import { generateKey, type SigningKey } from '#protocol/crypto'
import type { PlcOperation } from '#protocol/identity'
import { type Did, type Handle, ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Account, AccountStatus, Accounts } from '../accounts/index.ts'
import type { PlcAgent } from '../plc/index.ts'
import type { Repos } from '../repos/index.ts'
import type { StandingEvents } from './events.ts'

export interface SignUp {
  handle: Handle
  email: string | undefined
  passwordHash: string
  /** Runs in the transaction that claims the names: an invite is used up with them, or not at all. */
  together?: (did: Did) => Promise<void>
}

/** An account that moves in: its identity exists, and stays where it is until it is activated. */
export interface MoveIn extends SignUp {
  did: Did
  signingKey: SigningKey | undefined
}

/** A DID is the journal's key of its entries (at most 255 bytes) and part of a file name. */
const DID_LENGTH_MAX = 255

/**
 * Changes of an account's standing: made, activated, deactivated, renamed, deleted. Each is one
 * batch of the journal; rows of the directory only claim names before and follow after.
 */
export class Standing {
  readonly #accounts: Accounts
  readonly #repos: Repos
  readonly #events: StandingEvents
  readonly #plc: PlcAgent
  readonly #newestSeq: () => number
  readonly #random: (byteCount: number) => Uint8Array
  /** Accounts being made by a request that is still here: nobody else finishes or drops them. */
  readonly #underWay = new Set<Did>()

  constructor(options: {
    accounts: Accounts
    repos: Repos
    events: StandingEvents
    plc: PlcAgent
    /** The journal's newest seq. */
    newestSeq: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#accounts = options.accounts
    this.#repos = options.repos
    this.#events = options.events
    this.#plc = options.plc
    this.#newestSeq = options.newestSeq
    this.#random = options.random
  }

  /**
   * A new identity and account: durable pending row → directory of identities → one atomic batch
   * (`#identity`, `#account`, first `#commit`) → active. A crash in between is finished at start.
   * Throws HandleNotAvailable, PlcRefused; UpstreamError when the directory's answer is unknown:
   * then the account is finished later.
   */
  async signUp(signUp: SignUp & { recoveryKey: string | undefined }): Promise<{
    account: Account
    operation: PlcOperation
  }> {
    const signingKey = generateKey('k256', this.#random)
    const { did, operation } = await this.#plc.genesis({
      handle: signUp.handle,
      signingKey: signingKey.publicKey,
      recoveryKey: signUp.recoveryKey,
    })
    return this.#whileUnderWay(did, async () => {
      const account = await this.#claim(signUp, did, signingKey, operation)
      await this.#finishSignUp(account, () => this.#plc.submit(did, operation))
      return { account, operation }
    })
  }

  /**
   * Goes on with a sign-up that its owner tries again. Throws as `signUp` does; undefined when
   * somebody is at it just now.
   */
  async resumeSignUp(
    account: Account,
    operation: PlcOperation,
  ): Promise<{ account: Account; operation: PlcOperation } | undefined> {
    const { did } = account
    if (this.#underWay.has(did)) return undefined
    return this.#whileUnderWay(did, async () => {
      await this.#finishSignUp(account, () => this.#plc.submitIfMissing(did, operation))
      return { account, operation }
    })
  }

  async #finishSignUp(account: Account, submit: () => Promise<void>): Promise<void> {
    try {
      await submit()
    } catch (error) {
      // A clear refusal leaves nothing behind. An unknown outcome stays pending: it is resumed.
      if (error instanceof ProtocolError) await this.#accounts.dropPending(account.did)
      throw error
    }
    await this.#announceNew(account)
  }

  async #whileUnderWay<T>(did: Did, work: () => Promise<T>): Promise<T> {
    this.#underWay.add(did)
    try {
      return await work()
    } finally {
      this.#underWay.delete(did)
    }
  }

  #claim(
    { handle, email, passwordHash, together }: SignUp,
    did: Did,
    signingKey: SigningKey,
    plcOperation?: PlcOperation,
  ): Promise<Account> {
    const dataKey = this.#random(32)
    const bornSeq = this.#newestSeq()
    const secrets = { passwordHash, signingKey, dataKey }
    return this.#accounts.createPending(
      { did, handle, email, ...secrets, plcOperation, bornSeq },
      together,
    )
  }

  #announceNew({ did, handle }: Account): Promise<void> {
    const events = [this.#events.identity(did, handle), this.#events.account(did, 'active')]
    return this.#repos.create(did, events, 'active')
  }

  /**
   * A new account under an identity that this host serves itself: no directory is asked. A crash in
   * between leaves nothing, and its owner starts again.
   */
  async signUpAs(did: Did, signUp: SignUp): Promise<Account> {
    return this.#whileUnderWay(did, async () => {
      const account = await this.#claim(signUp, did, generateKey('k256', this.#random))
      try {
        await this.#announceNew(account)
      } catch (error) {
        if (!isUnknown(error)) await this.#accounts.dropPending(did)
        throw error
      }
      return account
    })
  }

  /** An account that comes from another host: here, but deactivated and unannounced. */
  async moveIn(moveIn: MoveIn): Promise<Account> {
    const { did } = moveIn
    if (did.length > DID_LENGTH_MAX) {
      throw new XrpcError(400, 'InvalidRequest', `DIDs over ${DID_LENGTH_MAX} are not hosted here`)
    }
    return this.#whileUnderWay(did, async () => {
      const signingKey = moveIn.signingKey ?? generateKey('k256', this.#random)
      const account = await this.#claim(moveIn, did, signingKey)
      try {
        const quiet = this.#events.quietAccount(did, 'deactivated')
        await this.#repos.create(did, [quiet], 'deactivated')
      } catch (error) {
        // Not durable, or it would not be pending: whoever moves in simply starts again.
        if (!isUnknown(error)) await this.#accounts.dropPending(did)
        throw error
      }
      return account
    })
  }

  /**
   * Finishes accounts whose creation a crash or a silent directory interrupted. Returns how many
   * are left, because the directory does not answer.
   */
  async resumePending(): Promise<number> {
    let leftCount = 0
    for (const { account, plcOperation } of await this.#accounts.pending(RESUMED_AT_ONCE)) {
      if (this.#underWay.has(account.did)) continue
      const isDone = await this.#whileUnderWay(account.did, () =>
        this.#resume(account, plcOperation as PlcOperation | undefined),
      )
      if (!isDone) leftCount++
    }
    return leftCount
  }

  async #resume(account: Account, plcOperation: PlcOperation | undefined): Promise<boolean> {
    const { did } = account
    try {
      // A move-in that never became durable: its owner starts again.
      if (!plcOperation) await this.#accounts.dropPending(did)
      else {
        const submit = () => this.#plc.submitIfMissing(did, plcOperation)
        await this.#finishSignUp(account, submit)
      }
      return true
    } catch (error) {
      return error instanceof ProtocolError
    }
  }

  /** Announces an account that comes alive here. Its identity must already point to this host. */
  async activate({ did, handle }: Account): Promise<void> {
    await this.#accounts.setDeleteAfter(did, undefined)
    // One that left and comes back was frozen when it left.
    await this.#repos.freeze(did, 0)
    const events = [this.#events.identity(did, handle), this.#events.account(did, 'active')]
    await this.#repos.activate(did, events)
  }

  /** Takes the account off the network; with a time, it is deleted then. */
  async deactivate({ did }: Account, deleteAfterMs: number | undefined): Promise<void> {
    await this.#accounts.setDeleteAfter(did, deleteAfterMs)
    const event = this.#events.account(did, 'deactivated')
    await this.#repos.change(
      did,
      ({ status }) => (status === 'active' ? [event] : []),
      'deactivated',
    )
  }

  /** Takes the account off the network by the operator's word. One taken down is not suspended. */
  async holdBack({ did }: Account, as: 'takendown' | 'suspended'): Promise<void> {
    const event = this.#events.account(did, as)
    const from = as === 'takendown' ? [...FREE, 'suspended'] : FREE
    await this.#repos.change(did, ({ status }) => (from.includes(status) ? [event] : []), as)
  }

  /**
   * Lets an account that was held back be what it was before. One that is active again makes an
   * empty commit, so that whoever dropped it meanwhile sees where it is.
   */
  async letGo(
    { did }: Account,
    from: 'takendown' | 'suspended',
    becomes: AccountStatus = 'active',
  ): Promise<void> {
    if (becomes === 'deactivated' || becomes === 'suspended') {
      const event = this.#events.account(did, becomes)
      const changes = (repo: { status: AccountStatus }) => (repo.status === from ? [event] : [])
      return this.#repos.change(did, changes, becomes)
    }
    await this.#repos.activate(did, [this.#events.account(did, 'active')], from)
  }

  /**
   * Deletes the account: announced, and nobody can enter or read it from then on. What it leaves
   * on the disk is erased by a job.
   */
  async delete(did: Did): Promise<void> {
    const event = this.#events.account(did, 'deleted')
    await this.#repos.change(did, ({ status }) => (status === 'deleted' ? [] : [event]), 'deleted')
  }

  /** Takes back an account that moved in and was never announced: the network hears nothing. */
  async discard(did: Did): Promise<void> {
    const event = this.#events.quietAccount(did, 'deleted')
    const changes = ({ status }: { status: AccountStatus }) =>
      status === 'deactivated' ? [event] : []
    await this.#repos.change(did, changes, 'deleted')
  }

  /** Tells the network again how the account stands. */
  async announceAccount(did: Did): Promise<void> {
    await this.#repos.change(did, ({ status }) => [this.#events.account(did, status)])
  }

  /** Tells the network that the DID document changed, with the handle as it is now. */
  async announceIdentity(did: Did, handle: Handle): Promise<void> {
    const event = this.#events.identity(did, handle)
    await this.#repos.change(did, () => [event])
  }

  /**
   * Gives the account another handle: claimed here, written to its identity, announced. A claim
   * whose outcome a crash hid is settled by `resumeHandles`.
   */
  async rename({ did, handle: old }: Account, handle: Handle): Promise<void> {
    await this.#accounts.claims.claim(did, handle)
    try {
      if (did.startsWith('did:plc:')) await this.#plc.changeHandle(did, handle)
    } catch (error) {
      if (error instanceof ProtocolError && handle !== old) {
        await this.#accounts.claims.giveBack(did, handle)
      }
      throw error
    }
    await this.announceIdentity(did, handle)
  }

  /**
   * Settles claims older than `beforeMs` by what the identity says: announced when it has the
   * handle, else given back. Those whose identity cannot be read stay.
   */
  async resumeHandles(
    beforeMs: number,
    claimed: (did: Did) => Promise<Handle | undefined>,
  ): Promise<void> {
    for (const { did, handle, claimedMs } of await this.#accounts.claims.open(RESUMED_AT_ONCE)) {
      if (claimedMs > beforeMs) continue
      try {
        if ((await claimed(did)) === handle) await this.announceIdentity(did, handle)
        else await this.#accounts.claims.giveBack(did, handle)
      } catch {
        // The directory does not answer: the claim stays for the next round.
      }
    }
  }
}

/** Held back by nobody. */
const FREE: readonly string[] = ['active', 'deactivated']

/** Rows of one round of resuming. */
const RESUMED_AT_ONCE = 1_000

/** Whether the outcome of an append is unknown, or known to be durable. */
function isUnknown(error: unknown): boolean {
  return !(error instanceof XrpcError) || error.error === 'AccountStopped'
}
