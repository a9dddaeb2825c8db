/**
 * An account changes host: the documented flow as a state machine that can stop anywhere and go on.
 * The same code runs in the client and on the command line.
 * https://atproto.com/guides/account-migration
 */
import {
  ComAtprotoIdentityGetRecommendedDidCredentials,
  ComAtprotoIdentityRequestPlcOperationSignature,
  ComAtprotoIdentitySignPlcOperation,
  ComAtprotoIdentitySubmitPlcOperation,
  ComAtprotoServerActivateAccount,
  ComAtprotoServerCheckAccountStatus,
  ComAtprotoServerCreateAccount,
  ComAtprotoServerDeactivateAccount,
  ComAtprotoServerDescribeServer,
  ComAtprotoServerGetServiceAuth,
} from '@atcute/atproto'
import {
  type AnyPlcOperation,
  type DidDocument,
  identityOf,
  isPlcDid,
  type PlcClient,
  type PlcCredentials,
  type PlcOperation,
  planPlcMove,
  plcOperationCid,
} from '#protocol/identity'
import { type Did, ProtocolError, type Tid } from '#protocol/syntax'
import { type Fetch, type XrpcClient, XrpcError, xrpcClient } from '#protocol/xrpc'
import { changeDocument } from './alarm-lexicons.ts'
import { copyBlobs, copyRepo, type Hosts, hasAllBlobs, missingBlobs } from './copy.ts'
import { type HostedHead, readHead } from './head.ts'
import { confirmPassword, type Forward, freeze } from './lexicons.ts'
import {
  type LateWrites,
  type MoveProgress,
  type MoveReceipt,
  type MoveState,
  type MoveStep,
  type MoveWarning,
  moveSteps,
  type Sighting,
} from './move-state.ts'
import type { Preflight } from './preflight.ts'
import { copyLateParts, copyPrivateParts } from './private-parts.ts'
import { isUnknownMethod, type OwnerSession, resumeSession, signIn } from './session.ts'

/** How the move meets the world and its owner. */
export interface MoveDeps {
  fetch: Fetch
  plc: PlcClient
  now(): number
  /** Keeps the state; called after every step and whenever a token changes. */
  save(state: MoveState): Promise<void> | void
  /** The owner's password: of the account there now, and for the one that is made. */
  password: string
  /** For the new host. */
  email?: string
  inviteCode?: string
  /** Asks the owner for the code that was mailed to them. */
  askCode(): Promise<string>
  /** Where the code comes from instead: nobody is asked for a password or a letter then. */
  code?(source: XrpcClient): Promise<string>
  /** For an identity of a domain: what it says now, from the domain itself. */
  document?(did: Did): Promise<DidDocument | undefined>
  /**
   * For an identity of the owner's own domain: has them write this into their document, and resolves
   * when they say that they did.
   */
  askDocument?(wanted: PlcCredentials): Promise<void>
  /**
   * Where the mover is the new host itself: takes in what changed since the head that was copied.
   * Undefined when only a whole copy can help.
   */
  follow?(
    source: XrpcClient,
    copied: HostedHead,
    sourceKey: string | undefined,
  ): Promise<HostedHead | undefined>
  /** What lets the old host make the owner's writes here that come while it changes hands. */
  forward?(): Promise<Forward>
  /**
   * Where the mover is the new host itself: brings what was written at the old host after `copied`, as
   * writes made here. What changed here after `switched` stays.
   */
  sweep?(
    hosts: Hosts,
    since: { copied: HostedHead; switched: HostedHead; sourceKey: string | undefined },
  ): Promise<LateWrites>
  /** Looks for the account in the network: for a commit above this rev. */
  look?(rev: Tid): Promise<Sighting[]>
  /** Told of bytes as they pass, while repository and blobs are copied. */
  moved?(byteCount: number): void
  /** False in browsers: they send no streams. */
  streamUploads: boolean
}

/** Rounds of copying while the owner goes on writing, before writes are held back. */
const CATCH_UP_ROUNDS = 4
const FREEZE_SECONDS = 20
const GRANT_SECONDS = 60
/** An old host that is away when it should be left is waited for so long. */
const LEAVE_WITHIN_MS = 3_600_000

/** The state of a move that has not begun. Throws when the pre-flight found an obstacle. */
export function planMove(source: OwnerSession, found: Preflight, nowMs: number): MoveState {
  const { destinationDid, obstacles } = found
  if (obstacles.length > 0 || !destinationDid) {
    throw new ProtocolError('CannotMove', obstacles.join(', ') || 'destination-unreachable')
  }
  return {
    version: 1,
    step: 'account',
    did: found.did,
    handle: found.handle,
    source: source.state,
    destination: found.to,
    destinationDid,
    startedMs: nowMs,
  }
}

/**
 * Goes on from where the state stands to the end, telling progress. What it throws leaves the state
 * where it was: run it again to go on. Until `switch` has passed, nothing has changed for anybody.
 */
export async function* move(
  state: MoveState,
  deps: MoveDeps,
): AsyncGenerator<MoveProgress, MoveReceipt> {
  const run = new MoveRun(state, deps)
  while (state.step !== 'done') {
    yield { step: state.step }
    const work = run.step(state.step)
    if (Symbol.asyncIterator in work) yield* work
    else await work
    state.step = moveSteps[moveSteps.indexOf(state.step) + 1]!
    await deps.save(state)
  }
  yield { step: 'done' }
  return state.receipt!
}

type Steps = AsyncGenerator<MoveProgress, void>

/** The directory answered neither the submission nor the question about it. */
class UnknownOutcome extends Error {
  constructor(cause: unknown) {
    super('the directory does not answer: whether the identity changed is not known yet', { cause })
    this.name = 'UnknownOutcome'
  }
}

class MoveRun {
  readonly #state: MoveState
  readonly #deps: MoveDeps
  readonly #source: OwnerSession
  #arrived: OwnerSession | undefined

  constructor(state: MoveState, deps: MoveDeps) {
    this.#state = state
    this.#deps = deps
    this.#source = this.#resume('source', state.source)
    if (state.arrived) this.#arrived = this.#resume('arrived', state.arrived)
  }

  #resume(which: 'source' | 'arrived', kept: MoveState['source']): OwnerSession {
    return resumeSession(kept, {
      fetch: this.#deps.fetch,
      changed: (session) => {
        this.#state[which] = session
        void this.#deps.save(this.#state)
      },
    })
  }

  get #hosts(): Hosts {
    const { did } = this.#state
    const moved = (byteCount: number) => this.#deps.moved?.(byteCount)
    return { did, source: this.#source.client, destination: this.#destination, moved }
  }

  get #destination() {
    if (!this.#arrived) throw new ProtocolError('CannotMove', 'there is no account at the new host')
    return this.#arrived.client
  }

  step(step: Exclude<MoveStep, 'done'>): Steps | Promise<void> {
    const steps: Record<Exclude<MoveStep, 'done'>, () => Steps | Promise<void>> = {
      account: () => this.#account(),
      repo: () => this.#repo(),
      blobs: () => this.#blobs(),
      preferences: () => this.#preferences(),
      sign: () => this.#sign(),
      switch: () => this.#switch(),
      activate: () => this.#activate(),
      leave: () => this.#leave(),
      verify: () => this.#verify(),
    }
    return steps[step]()
  }

  /** A deactivated account at the new host; one left by an earlier try is taken up. */
  async #account(): Promise<void> {
    const { did, handle, destination, destinationDid } = this.#state
    const { password, email, inviteCode, fetch, now } = this.#deps
    const { token } = await this.#source.client.get(ComAtprotoServerGetServiceAuth.mainSchema, {
      aud: destinationDid as Did,
      lxm: 'com.atproto.server.createAccount',
      exp: Math.floor(now() / 1000) + GRANT_SECONDS,
    })
    const client = xrpcClient({ service: destination, fetch })
    const headers = { authorization: `Bearer ${token}` }
    try {
      const input = { did, handle, password, email, inviteCode }
      const made = await client.post(
        ComAtprotoServerCreateAccount.mainSchema,
        input,
        {},
        { headers },
      )
      const { accessJwt, refreshJwt } = made
      this.#arrive({ service: destination, did, handle, accessJwt, refreshJwt })
    } catch (error) {
      if (!(error instanceof XrpcError) || error.error !== 'AlreadyExists') throw error
      this.#arrive((await signIn({ service: destination, fetch }, did, password)).state)
    }
  }

  #arrive(session: MoveState['source']): void {
    this.#state.arrived = session
    this.#arrived = this.#resume('arrived', session)
  }

  async #repo(): Promise<void> {
    const { copied, did } = this.#state
    if (!copied) {
      // Once the document names the new host's key, nobody else knows what the old one signed with.
      const document = await this.#deps.document?.(did)
      const sourceKey = document && identityOf(document).signingKey
      if (sourceKey) this.#state.sourceKey = sourceKey
    }
    const { client } = this.#source
    const followed = copied && (await this.#deps.follow?.(client, copied, this.#state.sourceKey))
    this.#state.copied = followed ?? (await copyRepo(this.#hosts, this.#deps.streamUploads))
  }

  async *#blobs(): Steps {
    for await (const count of copyBlobs(this.#hosts)) yield { step: 'blobs', ...count }
  }

  async #preferences(): Promise<void> {
    this.#state.privateParts = await copyPrivateParts(this.#hosts)
  }

  /** The change of the identity, signed by the old host for the owner's code, and held. */
  async #sign(): Promise<void> {
    const { did } = this.#state
    if (!isPlcDid(did)) return // a domain's document is signed by nobody
    const last = await this.#deps.plc.last(did)
    if (!last) throw new ProtocolError('CannotMove', 'the directory does not know the identity')
    const schema = ComAtprotoIdentityGetRecommendedDidCredentials.mainSchema
    const [from, to] = await Promise.all([
      this.#source.client.get(schema, {}),
      this.#destination.get(schema, {}),
    ])
    const plan = planPlcMove(last, { from: from as PlcCredentials, to: to as PlcCredentials })
    const { rotationKeys, alsoKnownAs, verificationMethods, services } = plan
    const token = await this.#code()
    const signed = await this.#source.client.post(ComAtprotoIdentitySignPlcOperation.mainSchema, {
      token,
      rotationKeys,
      alsoKnownAs,
      verificationMethods,
      services,
    } as never)
    this.#state.operation = signed.operation as unknown as PlcOperation
  }

  /** By password where the host sends no mail, else by mail. */
  async #code(): Promise<string> {
    const { client } = this.#source
    if (this.#deps.code) return this.#deps.code(client)
    try {
      const input = { password: this.#deps.password, purpose: 'plc-operation' as const }
      return (await client.post(confirmPassword, input)).code
    } catch (error) {
      const byMail = error instanceof XrpcError && error.error === 'MailRequired'
      if (!byMail && !isUnknownMethod(error)) throw error
    }
    await client.post(ComAtprotoIdentityRequestPlcOperationSignature.mainSchema, undefined)
    return this.#deps.askCode()
  }

  /**
   * Catches up with what was written meanwhile, holds writes back where the old host can, checks
   * that both roots are one, and hands the operation in. An answer that does not come leaves the
   * question open: the directory is asked before anything else is done.
   */
  async *#switch(): Steps {
    if (!isPlcDid(this.#state.did)) return yield* this.#switchDocument()
    const last = await this.#deps.plc.last(this.#state.did)
    if (this.#isOurs(last)) return
    // The identity changed since it was signed: what is held would be refused.
    if (!last || this.#state.operation?.prev !== plcOperationCid(last)) await this.#sign()
    for (let round = 0; round < CATCH_UP_ROUNDS && (await this.#isBehind()); round++) {
      yield* this.#copyAgain()
    }
    const frozen = await this.#freeze(FREEZE_SECONDS)
    try {
      if (await this.#isBehind()) yield* this.#copyAgain()
      await this.#settle()
      await this.#submit()
    } catch (error) {
      // Handed in, and nobody knows what came of it: writes stay held back.
      if (frozen && !(error instanceof UnknownOutcome)) await this.#freeze(0)
      throw error
    }
  }

  /**
   * The switch of an identity that is a domain: its document is changed, by its owner or by the old
   * host that serves it, and what was written meanwhile is copied when it names the new host.
   */
  async *#switchDocument(): Steps {
    const schema = ComAtprotoIdentityGetRecommendedDidCredentials.mainSchema
    const wanted = (await this.#destination.get(schema, {})) as PlcCredentials
    for (let round = 0; round < CATCH_UP_ROUNDS && (await this.#isBehind()); round++) {
      yield* this.#copyAgain()
    }
    if (!(await this.#isNamed(wanted))) await this.#changeDocument(wanted)
    if (!(await this.#isNamed(wanted))) {
      throw new ProtocolError(
        'CannotMove',
        'the document does not name the new host and its key yet',
      )
    }
    const frozen = await this.#freeze(FREEZE_SECONDS)
    try {
      if (await this.#isBehind()) yield* this.#copyAgain()
      await this.#settle()
    } catch (error) {
      if (frozen) await this.#freeze(0)
      throw error
    }
  }

  /** Whether the document names the new host, and the key that signs there. */
  async #isNamed({ services, verificationMethods }: PlcCredentials): Promise<boolean> {
    const document = await this.#deps.document?.(this.#state.did)
    const identity = document && identityOf(document)
    const endpoint = services?.atproto_pds?.endpoint
    return (
      endpoint !== undefined &&
      identity?.pds === new URL(endpoint).origin &&
      identity.signingKey === verificationMethods?.atproto
    )
  }

  /** By the old host, where the identity is a name under it; else by its owner. */
  async #changeDocument(wanted: PlcCredentials): Promise<void> {
    const { client } = this.#source
    const { availableUserDomains } = await client.get(ComAtprotoServerDescribeServer.mainSchema, {})
    if (!availableUserDomains.some((domain) => this.#state.did.endsWith(domain))) {
      await this.#deps.askDocument?.(wanted)
      return
    }
    const { alsoKnownAs, verificationMethods, services } = wanted
    await client.post(changeDocument, {
      token: await this.#code(),
      ...(alsoKnownAs && { alsoKnownAs: [...alsoKnownAs] }),
      ...(verificationMethods && { verificationMethods }),
      ...(services && { services }),
    })
  }

  async *#copyAgain(): Steps {
    await this.#repo()
    yield* this.#blobs()
  }

  async #isBehind(): Promise<boolean> {
    const { did, copied } = this.#state
    return (await readHead(this.#source.client, did)).rev !== copied?.rev
  }

  /** Everything is there, or it throws; and it is kept what there was. */
  async #settle(): Promise<void> {
    await this.#requireSameRoot()
    await this.#preferences()
    await this.#deps.save(this.#state)
  }

  async #requireSameRoot(): Promise<void> {
    const { did, copied } = this.#state
    const there = await readHead(this.#destination, did)
    if (there.data !== copied?.data) {
      throw new ProtocolError('CannotMove', 'the new host does not hold the same records')
    }
    this.#state.switched = there
    this.#state.switchedMs = this.#deps.now()
  }

  /** Whether the old host held its writes back; others cannot. */
  async #freeze(seconds: number): Promise<boolean> {
    try {
      const forward = seconds > 0 ? await this.#deps.forward?.() : undefined
      await this.#source.client.post(freeze, { seconds, ...(forward && { forward }) })
      return true
    } catch (error) {
      if (isUnknownMethod(error)) return false
      throw error
    }
  }

  /** Whether the operation in force is the one held here. */
  #isOurs(last: AnyPlcOperation | undefined): boolean {
    const { operation } = this.#state
    if (!operation)
      throw new ProtocolError('CannotMove', 'the change of the identity is not signed')
    return last !== undefined && plcOperationCid(last) === plcOperationCid(operation)
  }

  async #submit(): Promise<void> {
    const operation = this.#state.operation as unknown as Record<string, unknown>
    try {
      const schema = ComAtprotoIdentitySubmitPlcOperation.mainSchema
      await this.#destination.post(schema, { operation })
    } catch (error) {
      const last = await this.#deps.plc.last(this.#state.did).catch((cause) => {
        throw new UnknownOutcome(cause)
      })
      if (!this.#isOurs(last)) throw error
    }
  }

  async #activate(): Promise<void> {
    await this.#destination.post(ComAtprotoServerActivateAccount.mainSchema, undefined)
  }

  /** Leaves the old host, and brings what was written there after the last copy. */
  async #leave(): Promise<void> {
    try {
      await this.#source.client.post(ComAtprotoServerDeactivateAccount.mainSchema, {})
      await this.#sweep()
      const { privateParts = [] } = this.#state
      this.#state.privateParts = await copyLateParts(this.#hosts, privateParts)
    } catch (error) {
      const warning = this.#whyNotLeft(error)
      if (!warning) throw error
      this.#warn(warning)
    }
  }

  /** The account is at its new host: an old one that is gone keeps nobody from arriving. */
  #whyNotLeft(error: unknown): MoveWarning | undefined {
    if (!(error instanceof XrpcError)) return undefined
    if (/^(ExpiredToken|InvalidToken|AuthenticationRequired)$/.test(error.error)) {
      return 'source-refused'
    }
    const waitedMs = this.#deps.now() - (this.#state.switchedMs ?? this.#state.startedMs)
    return error.status >= 500 && waitedMs > LEAVE_WITHIN_MS ? 'source-silent' : undefined
  }

  #warn(warning: MoveWarning): void {
    this.#state.warnings = [...new Set([...(this.#state.warnings ?? []), warning])]
  }

  async #sweep(): Promise<void> {
    const { did, copied, switched, sourceKey } = this.#state
    const head = await readHead(this.#source.client, did)
    if (!copied || head.rev === copied.rev) return
    const { sweep } = this.#deps
    if (sweep && switched) {
      this.#state.late = await sweep(this.#hosts, { copied, switched, sourceKey })
    } else this.#warn('late-writes-left')
  }

  async #verify(): Promise<void> {
    const { did, handle, copied, operation, startedMs, destination, source, switched } = this.#state
    const missing = await this.#lastBlobs()
    const sameBlobs = await this.#sameBlobs(missing)
    const sightings = (await this.#deps.look?.(switched?.rev ?? copied!.rev)) ?? []
    if (sightings.some(({ seen }) => !seen)) this.#warn('not-seen-yet')
    const status = await this.#destination.get(ComAtprotoServerCheckAccountStatus.mainSchema, {})
    const destinationHead = switched ?? (await readHead(this.#destination, did))
    const { privateParts = [], late, warnings = [] } = this.#state
    this.#state.receipt = {
      did,
      handle,
      from: source.service,
      to: destination,
      sourceHead: copied!,
      destinationHead,
      sameRoot: destinationHead.data === copied!.data,
      records: status.indexedRecords,
      blobs: status.expectedBlobs - missing.length,
      missingBlobs: missing,
      preferences: privateParts.find(({ part }) => part === 'preferences')?.count ?? 0,
      sameBlobs,
      ...(late && { late }),
      privateParts,
      sightings,
      warnings,
      operation: operation === undefined ? undefined : plcOperationCid(operation),
      startedMs,
      finishedMs: this.#deps.now(),
    }
  }

  get #isSourceGone(): boolean {
    return (this.#state.warnings ?? []).some((one) => one.startsWith('source-'))
  }

  /** Brings what is still missing; returns what stays so. */
  async #lastBlobs(): Promise<string[]> {
    if (this.#isSourceGone) return missingBlobs(this.#hosts)
    const blobs = copyBlobs(this.#hosts)
    for (;;) {
      const next = await blobs.next()
      if (next.done) return next.value
    }
  }

  async #sameBlobs(missing: readonly string[]): Promise<boolean> {
    if (this.#isSourceGone) return missing.length === 0
    const same = await hasAllBlobs(this.#hosts)
    if (same === undefined) this.#warn('blobs-not-compared')
    return missing.length === 0 && same !== false
  }
}
