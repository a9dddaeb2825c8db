/**
 * An account comes back from its owner's own key, whatever has become of its host: the identity is
 * taken, an account made at another host, filled from a copy, and the identity turned to it. Works at
 * any host; nothing is kept: begun again with the same words, it goes on where it was.
 */
import {
  ComAtprotoIdentityGetRecommendedDidCredentials,
  ComAtprotoRepoImportRepo,
  ComAtprotoRepoListMissingBlobs,
  ComAtprotoRepoUploadBlob,
  ComAtprotoServerActivateAccount,
  ComAtprotoServerCheckAccountStatus,
  ComAtprotoServerCreateAccount,
  ComAtprotoServerDescribeServer,
} from '@atcute/atproto'
import * as AppBskyActorPutPreferences from '@atcute/bluesky/types/app/actor/putPreferences'
import { signServiceAuth } from '#protocol/auth'
import { cidForRaw, type SigningKey } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import {
  type AnyPlcOperation,
  applyPlcOperation,
  handoverKey,
  type PlcClient,
  type PlcCredentials,
  type PlcLogState,
  type PlcTakeover,
  planPlcTakeover,
  plcOperationCid,
  plcState,
  recoveryKey,
  signPlcOperation,
} from '#protocol/identity'
import { type Did, datetimeMs, type Handle, ProtocolError } from '#protocol/syntax'
import { type Fetch, type XrpcClient, XrpcError, xrpcClient } from '#protocol/xrpc'
import type { PrivatePartCopied } from './move-state.ts'
import { givePrivateState, type PrivateState } from './private-copy.ts'
import { askReceipt, type RescueCopy, type SignedRescue } from './rescue-receipt.ts'
import { type OwnerSession, resumeSession, signIn } from './session.ts'

export interface Recovery {
  did: Did
  /** What the words of the sheet say, 16 bytes. It stays here: only signatures leave. */
  secret: Uint8Array
  /** Origin of the new host. */
  destination: string
  /** The name there: one of the new host's, or of a domain that points to the DID. */
  handle: Handle
  /** Of the account at the new host. */
  password: string
  email?: string | undefined
  inviteCode?: string | undefined
  /** did:keys below the owner's that shall keep their power, such as an organisation's. */
  keep?: readonly string[] | undefined
  /** The last export of the repository, as a CAR; without it the account comes back empty. */
  repo?: (() => AsyncIterable<Uint8Array> | Uint8Array) | undefined
  /** A blob of the export, by its CID; undefined when it has none. */
  blob?: ((cid: string) => Promise<Uint8Array | undefined>) | undefined
  /** What the account chose in apps, as the export has it. */
  preferences?: (() => Promise<unknown[] | undefined>) | undefined
  /** Where the copy comes from and how far it goes, for the receipt. */
  copy?: RescueCopy | undefined
  /** What was kept beside the repository, preferences among it. */
  privateState?: (() => Promise<PrivateState | undefined>) | undefined
}

export interface RecoveryDeps {
  fetch: Fetch
  plc: PlcClient
  now(): number
  /** Unguessable bytes for one token. */
  random(byteCount: number): Uint8Array
}

/** What a recovery would do, found out without doing it. */
export interface RecoveryPlan {
  did: Did
  /** did:key of the sheet. */
  key: string
  handle: string | undefined
  from: string | undefined
  /** Rotation keys that lose their power. */
  dropped: string[]
  /** Keys that rank above the sheet's: for 72 hours they can undo what it does. */
  above: string[]
  /** Operations that are taken back, oldest first, and until when that can be. */
  undone: { cid: string; createdAt: string }[]
  untilMs?: number
}

export type RecoveryStep =
  | 'look'
  | 'take'
  | 'account'
  | 'repo'
  | 'blobs'
  | 'turn'
  | 'activate'
  | 'private'

export interface RecoveryProgress {
  step: RecoveryStep
  done?: number
  total?: number
}

export interface RecoveryReceipt {
  did: Did
  handle: string
  to: string
  records: number
  blobs: number
  /** CIDs of blobs that the copy does not have. */
  missingBlobs: string[]
  /** What became of what is not in the repository; empty where the copy had none of it. */
  privateParts: PrivatePartCopied[]
  rotationKeys: string[]
  /** CID of the operation in force. */
  operation: string
  /** The new host's own, signed; undefined where it does not know of this. */
  signed?: SignedRescue | undefined
}

/** Reads the directory's log and says what the key can do. Throws as `planPlcTakeover`. */
export async function planRecovery(
  { did, secret, keep }: Pick<Recovery, 'did' | 'secret' | 'keep'>,
  { plc, now }: Pick<RecoveryDeps, 'plc' | 'now'>,
): Promise<RecoveryPlan> {
  const log = await requireLog(plc, did)
  const { didKey } = recoveryKey(secret).publicKey
  const { prev, undone, dropped, above, untilMs } = takeover(log, { didKey, to: {}, keep }, now())
  const state = plcState(prev)
  return {
    did,
    key: didKey,
    handle: state?.alsoKnownAs.find((name) => name.startsWith('at://'))?.slice('at://'.length),
    from: state?.services.atproto_pds?.endpoint,
    dropped,
    above,
    undone: undone.map(({ cid, createdAt }) => ({ cid, createdAt })),
    ...(untilMs !== undefined && { untilMs }),
  }
}

async function requireLog(plc: PlcClient, did: Did): Promise<PlcLogState> {
  const log = await plc.log(did)
  if (log) return log
  throw new ProtocolError('CannotRecover', `the directory does not know ${did}`)
}

type Takeover = { didKey: string; to: PlcCredentials; keep?: readonly string[] | undefined }

function takeover(
  log: PlcLogState,
  { didKey, to, keep = [] }: Takeover,
  nowMs: number,
): PlcTakeover {
  return planPlcTakeover(log.valid, { didKey, to, keep, nowMs })
}

/**
 * Does it, telling progress. What it throws leaves everything where it was: the same call goes on from
 * there. Throws as `planPlcTakeover`; PlcRefused, UpstreamError; what the new host answers.
 */
export async function* recover(
  recovery: Recovery,
  deps: RecoveryDeps,
): AsyncGenerator<RecoveryProgress, RecoveryReceipt> {
  const run = new RecoveryRun(recovery, deps)
  yield { step: 'look' }
  await run.look()
  if (!(await run.isThere())) {
    yield { step: 'take' }
    await run.take()
    yield { step: 'account' }
    await run.makeAccount()
  }
  const missingBlobs: string[] = []
  const isNew = !(await run.isActive())
  if (isNew) {
    yield { step: 'repo' }
    await run.fill()
    missingBlobs.push(...(yield* run.blobs()))
    yield { step: 'turn' }
    await run.turn()
    yield { step: 'activate' }
    await run.activate()
  }
  yield { step: 'private' }
  return run.receipt(missingBlobs, await run.givePrivate(isNew))
}

const BLOB_PAGE = 500

class RecoveryRun {
  readonly #recovery: Recovery
  readonly #deps: RecoveryDeps
  readonly #key: SigningKey
  /** Signs for the account while it has no host. */
  readonly #between: SigningKey
  #session: OwnerSession | undefined
  /** How many preferences an export brought. */
  #chosen: number | undefined

  constructor(recovery: Recovery, deps: RecoveryDeps) {
    this.#recovery = recovery
    this.#deps = deps
    this.#key = recoveryKey(recovery.secret)
    this.#between = handoverKey(recovery.secret)
  }

  get #client(): XrpcClient {
    if (!this.#session) throw new ProtocolError('CannotRecover', 'there is no account yet')
    return this.#session.client
  }

  /** Nothing is touched unless all of it can be done. */
  async look(): Promise<void> {
    await planRecovery(this.#recovery, this.#deps)
  }

  /** Whether an earlier try made the account: then it is signed in to. */
  async isThere(): Promise<boolean> {
    const { destination, did, password } = this.#recovery
    const { fetch } = this.#deps
    try {
      this.#session = await signIn({ service: destination, fetch }, did, password)
      return true
    } catch (error) {
      if (error instanceof XrpcError && error.status >= 400 && error.status < 500) return false
      throw error
    }
  }

  /** The account's key is one that nobody else has, and the old host's power ends. */
  async take(): Promise<void> {
    await this.#change({ verificationMethods: { atproto: this.#between.publicKey.didKey } })
  }

  /** Signs and submits what turns the identity to `to`, unless it says so already. */
  async #change(to: PlcCredentials): Promise<void> {
    const { did, keep } = this.#recovery
    const { plc, now } = this.#deps
    const log = await requireLog(plc, did)
    const { didKey } = this.#key.publicKey
    // The directory's clock may be ahead of this one.
    const nowMs = Math.max(now(), datetimeMs(log.createdAt) + 1)
    const { operation } = takeover(log, { didKey, to, keep }, nowMs)
    if (saysAlready(log.operation, operation)) return
    const signed = signPlcOperation(operation, this.#key)
    applyPlcOperation(did, log.valid, signed, nowMs)
    try {
      await plc.submit(did, signed)
    } catch (error) {
      // No answer is no refusal: the directory knows.
      const last = await plc.last(did)
      if (!last || plcOperationCid(last) !== plcOperationCid(signed)) throw error
    }
  }

  /** A deactivated account at the new host, for a token by the key that the identity names now. */
  async makeAccount(): Promise<void> {
    const { did, handle, password, email, inviteCode, destination: service } = this.#recovery
    const { fetch, now, random } = this.#deps
    const client = xrpcClient({ service, fetch })
    const host = await client.get(ComAtprotoServerDescribeServer.mainSchema, {})
    const token = signServiceAuth({
      iss: did,
      aud: host.did,
      lxm: 'com.atproto.server.createAccount',
      jti: cidText(cidForRaw(random(16))),
      nowMs: now(),
      key: this.#between,
    })
    const headers = { authorization: `Bearer ${token}` }
    const input = { did, handle, password, email, inviteCode }
    const schema = ComAtprotoServerCreateAccount.mainSchema
    const { accessJwt, refreshJwt } = await client.post(schema, input, {}, { headers })
    this.#session = resumeSession({ service, did, handle, accessJwt, refreshJwt }, { fetch })
  }

  async isActive(): Promise<boolean> {
    return (await this.#status()).activated
  }

  #status() {
    return this.#client.get(ComAtprotoServerCheckAccountStatus.mainSchema, {})
  }

  /** The copy is verified there against the keys the identity ever had. */
  async fill(): Promise<void> {
    const { repo, preferences } = this.#recovery
    if (repo) {
      const encoding = 'application/vnd.ipld.car'
      const input = { encoding, body: repo() }
      await this.#client.post(ComAtprotoRepoImportRepo.mainSchema, input as never)
    }
    const chosen = await preferences?.()
    if (chosen === undefined) return
    this.#chosen = chosen.length
    const input = { preferences: chosen }
    await this.#client.post(AppBskyActorPutPreferences.mainSchema, input as never)
  }

  /** Brings what the copy has of the files that records mention. Returns what it does not have. */
  async *blobs(): AsyncGenerator<RecoveryProgress, string[]> {
    const lost: string[] = []
    const { expectedBlobs: total, importedBlobs } = await this.#status()
    let done = importedBlobs
    let cursor: string | undefined
    do {
      yield { step: 'blobs', done, total }
      const schema = ComAtprotoRepoListMissingBlobs.mainSchema
      const page = await this.#client.get(schema, { limit: BLOB_PAGE, cursor })
      for (const { cid } of page.blobs) {
        if (await this.#bring(cid)) done++
        else lost.push(cid)
      }
      cursor = page.blobs.length < BLOB_PAGE ? undefined : page.cursor
    } while (cursor !== undefined)
    yield { step: 'blobs', done, total }
    return lost
  }

  async #bring(cid: string): Promise<boolean> {
    const body = await this.#recovery.blob?.(cid)
    if (body === undefined || cidText(cidForRaw(body)) !== cid) return false
    const encoding = 'application/octet-stream'
    await this.#client.post(ComAtprotoRepoUploadBlob.mainSchema, { encoding, body } as never)
    return true
  }

  /** The identity names the new host, its key and the new name; the owner's own key stays first. */
  async turn(): Promise<void> {
    const schema = ComAtprotoIdentityGetRecommendedDidCredentials.mainSchema
    await this.#change((await this.#client.get(schema, {})) as PlcCredentials)
  }

  async activate(): Promise<void> {
    await this.#client.post(ComAtprotoServerActivateAccount.mainSchema, undefined)
  }

  /**
   * The new host's app view is asked in the account's name, which is at home now. What is there stays, so
   * it may be repeated; preferences are not, when the account was awake already: somebody may use it.
   */
  async givePrivate(isNew: boolean): Promise<PrivatePartCopied[]> {
    const state = await this.#recovery.privateState?.()
    if (state === undefined) {
      const count = this.#chosen
      return count === undefined ? [] : [{ part: 'preferences', outcome: 'carried', count }]
    }
    if (isNew) return givePrivateState(this.#client, state)
    const { preferences = [], ...rest } = state
    const parts = await givePrivateState(this.#client, rest)
    const kept = { part: 'preferences', outcome: 'kept', count: preferences.length } as const
    return parts.map((one) => (one.part === 'preferences' ? kept : one))
  }

  async receipt(
    missingBlobs: string[],
    privateParts: PrivatePartCopied[],
  ): Promise<RecoveryReceipt> {
    const { did, destination } = this.#recovery
    const { operation, data } = await requireLog(this.#deps.plc, did)
    const signed = await askReceipt(this.#client, this.#recovery.copy, privateParts)
    const { indexedRecords, importedBlobs } = await this.#status()
    return {
      did,
      handle: this.#session!.state.handle,
      to: destination,
      records: indexedRecords,
      blobs: importedBlobs,
      missingBlobs,
      privateParts,
      rotationKeys: data?.rotationKeys ?? [],
      operation: plcOperationCid(operation),
      signed,
    }
  }
}

/** Whether the operation in force leaves the identity as the planned one would. */
function saysAlready(last: AnyPlcOperation, planned: object): boolean {
  const state = plcState(last)
  if (!state) return false
  const { rotationKeys, verificationMethods, alsoKnownAs, services } = planned as typeof state
  const sorted = (map: object) => Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const said = (one: typeof state) =>
    JSON.stringify([
      one.rotationKeys,
      one.alsoKnownAs,
      sorted(one.verificationMethods),
      sorted(one.services),
    ])
  return said(state) === said({ rotationKeys, verificationMethods, alsoKnownAs, services })
}
