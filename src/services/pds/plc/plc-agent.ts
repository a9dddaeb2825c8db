import type { PublicKey } from '#protocol/crypto'
import {
  type AnyPlcOperation,
  type PlcClient,
  type PlcOperation,
  type PlcSigner,
  type PlcTombstone,
  parsePlcOperation,
  plcDid,
  plcOperationCid,
  plcState,
  signPlcOperationBy,
  type UnsignedPlcOperation,
} from '#protocol/identity'
import type { Did, Handle } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'

/** What this host wants an account's identity to say. */
export interface Credentials {
  alsoKnownAs: string[]
  rotationKeys: string[]
  verificationMethods: { atproto: string }
  services: { atproto_pds: { type: string; endpoint: string } }
}

const PDS_TYPE = 'AtprotoPersonalDataServer'

/** Speaks to the directory of identities on behalf of the host and its accounts. */
export class PlcAgent {
  readonly #client: PlcClient
  readonly #rotationKey: PlcSigner
  readonly #recoveryKey: string | undefined
  readonly #publicUrl: string
  readonly #made: (did: Did, cid: string) => Promise<void>

  constructor(options: {
    client: PlcClient
    rotationKey: PlcSigner
    /** did:key of the operator's own recovery key, apart from the host. */
    recoveryKey?: string | undefined
    publicUrl: string
    /** Told of every operation made or passed on here, before anybody else can hear of it. */
    made: (did: Did, cid: string) => Promise<void>
  }) {
    this.#client = options.client
    this.#rotationKey = options.rotationKey
    this.#recoveryKey = options.recoveryKey
    this.#publicUrl = options.publicUrl
    this.#made = options.made
  }

  /** What an account here should have in its identity: its own key first, the host's last. */
  credentials(handle: Handle, signingKey: PublicKey, recoveryKey?: string): Credentials {
    const keys = [recoveryKey, this.#recoveryKey, this.#rotationKey.publicKey.didKey]
    return {
      alsoKnownAs: [`at://${handle}`],
      rotationKeys: [...new Set(keys.filter((key) => key !== undefined))],
      verificationMethods: { atproto: signingKey.didKey },
      services: { atproto_pds: { type: PDS_TYPE, endpoint: this.#publicUrl } },
    }
  }

  /** The signed first operation of a new identity, and the DID that follows from it. */
  async genesis(options: {
    handle: Handle
    signingKey: PublicKey
    recoveryKey: string | undefined
  }): Promise<{ did: Did; operation: PlcOperation }> {
    const { handle, signingKey, recoveryKey } = options
    const operation = await this.sign({
      type: 'plc_operation',
      ...this.credentials(handle, signingKey, recoveryKey),
      prev: null,
    })
    return { did: plcDid(operation), operation }
  }

  sign(operation: UnsignedPlcOperation): Promise<PlcOperation> {
    return signPlcOperationBy(operation, this.#rotationKey)
  }

  /**
   * The next operation of an identity: its last one with `wanted` put in. Signed, not submitted.
   * Throws InvalidOperation for what cannot be in one.
   */
  async change(did: Did, wanted: Partial<PlcOperation>): Promise<PlcOperation> {
    const last = await this.#client.last(did)
    const state = last && plcState(last)
    if (!last || !state) throw noIdentity(did)
    const next = await this.sign({
      type: 'plc_operation',
      rotationKeys: wanted.rotationKeys ?? state.rotationKeys,
      alsoKnownAs: wanted.alsoKnownAs ?? state.alsoKnownAs,
      verificationMethods: wanted.verificationMethods ?? state.verificationMethods,
      services: wanted.services ?? state.services,
      prev: plcOperationCid(last),
    })
    // What was wanted came from outside: nothing malformed gets a signature.
    const operation = parsePlcOperation(next) as PlcOperation
    await this.#made(did, plcOperationCid(operation))
    return operation
  }

  /** Puts another key where the account's commits are checked, and leaves everything else. */
  async changeSigningKey(did: Did, didKey: string): Promise<void> {
    const last = await this.#client.last(did)
    const state = last && plcState(last)
    if (!state) throw noIdentity(did)
    const verificationMethods = { ...state.verificationMethods, atproto: didKey }
    await this.submit(did, await this.change(did, { verificationMethods }))
  }

  /** did:key of the host itself. */
  get hostKey(): string {
    return this.#rotationKey.publicKey.didKey
  }

  /**
   * Signs and submits the operation that `plan` makes of the newest one; nothing is done when it makes
   * none. Throws what `submit` throws.
   */
  async follow(
    did: Did,
    plan: (last: AnyPlcOperation) => UnsignedPlcOperation | undefined,
  ): Promise<void> {
    const last = await this.#client.last(did)
    if (!last) throw noIdentity(did)
    const planned = plan(last)
    if (planned) await this.submit(did, await this.sign(planned))
  }

  /** The key that the directory names for the account's commits, as a did:key. */
  async signingKey(did: Did): Promise<string | undefined> {
    const last = await this.#client.last(did)
    return last && plcState(last)?.verificationMethods.atproto
  }

  /** Puts the handle first among the identity's names. */
  async changeHandle(did: Did, handle: Handle): Promise<void> {
    const last = await this.#client.last(did)
    const state = last && plcState(last)
    if (!state) throw noIdentity(did)
    const others = state.alsoKnownAs.filter((name) => !name.startsWith('at://'))
    await this.submit(did, await this.change(did, { alsoKnownAs: [`at://${handle}`, ...others] }))
  }

  /**
   * An operation that is submitted through this host must leave the account here, in our reach.
   * Throws InvalidRequest, or InvalidOperation for what is none.
   */
  requireOurs(operation: unknown, account: Account): PlcOperation {
    const op = parsePlcOperation(operation)
    const refuse = (what: string) => new XrpcError(400, 'InvalidRequest', what)
    if (op.type !== 'plc_operation') throw refuse('Not an operation that keeps the account')
    if (!op.rotationKeys.includes(this.#rotationKey.publicKey.didKey)) {
      throw refuse("Rotation keys do not include server's rotation key")
    }
    const pds = op.services.atproto_pds
    if (pds?.type !== PDS_TYPE) throw refuse('Incorrect type on atproto_pds service')
    if (pds.endpoint !== this.#publicUrl) throw refuse('Incorrect endpoint on atproto_pds service')
    if (op.verificationMethods.atproto !== account.signingKey.publicKey.didKey) {
      throw refuse('Incorrect signing key')
    }
    if (op.alsoKnownAs[0] !== `at://${account.handle}`) {
      throw refuse('Incorrect handle in alsoKnownAs')
    }
    return op
  }

  /** Throws PlcRefused when the directory says no; UpstreamError when the outcome is unknown. */
  async submit(did: Did, operation: PlcOperation | PlcTombstone): Promise<void> {
    await this.#made(did, plcOperationCid(operation))
    await this.#client.submit(did, operation)
  }

  /** For a submission whose outcome is unknown: asks first, and submits only what is not there. */
  async submitIfMissing(did: Did, operation: PlcOperation): Promise<void> {
    if (!(await this.#client.last(did))) await this.submit(did, operation)
  }

  /** Whether this host's rotation key may change the identity. */
  async mayChange(did: Did): Promise<boolean> {
    const last = await this.#client.last(did)
    const state = last && plcState(last)
    return state?.rotationKeys.includes(this.#rotationKey.publicKey.didKey) === true
  }

  last(did: Did): Promise<AnyPlcOperation | undefined> {
    return this.#client.last(did)
  }
}

const noIdentity = (did: Did) =>
  new XrpcError(400, 'InvalidRequest', `No identity to change: ${did}`)
