import type { IdentityAlarm, IdentityUndone } from '#protocol/account'
import {
  type CachedDirectory,
  type PlcClient,
  type PlcLogState,
  type PlcOperation,
  type PlcUndo,
  planPlcUndo,
  plcChanges,
  plcSignerIndex,
  UpstreamError,
} from '#protocol/identity'
import { type Did, ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { PlcAgent } from '../plc/index.ts'
import type { RecoveryKeys } from '../recovery-keys/index.ts'
import type { Standing } from '../standing/index.ts'
import type { IdentityAlarms, StoredAlarm } from './identity-alarms.ts'

const RECOVERY_MS = 72 * 3_600_000

type Holder = NonNullable<IdentityAlarm['holder']>

interface UndoingDeps {
  alarms: IdentityAlarms
  client: PlcClient
  plc: PlcAgent
  recoveryKeys: Pick<RecoveryKeys, 'health'>
  standing: Pick<Standing, 'announceIdentity'>
  directory: Pick<CachedDirectory, 'forget'>
  now: () => number
}

/** What owners see of their alarms, and the way back. */
export class Undoing {
  readonly #deps: UndoingDeps

  constructor(deps: UndoingDeps) {
    this.#deps = deps
  }

  /** The account's alarms, newest first, with who can undo each; without that when nobody can say. */
  async list({ did }: Pick<Account, 'did'>): Promise<IdentityAlarm[]> {
    const alarms = await this.#deps.alarms.list(did)
    if (alarms.length === 0) return []
    const [log, holders] = await this.#known(did)
    return alarms.map((alarm) => this.#view(alarm, log, holders))
  }

  /** The log, and whose keys are whose; nothing while the directory does not answer. */
  async #known(did: Did): Promise<[PlcLogState | undefined, Map<string, Holder>]> {
    const holders = new Map<string, Holder>()
    try {
      const log = await this.#deps.client.log(did)
      const { keys, lost } = await this.#deps.recoveryKeys.health(did)
      for (const { key, holder } of [...keys, ...lost]) holders.set(key, holder)
      return [log, holders.set(this.#deps.plc.hostKey, 'host')]
    } catch (error) {
      if (error instanceof UpstreamError) return [undefined, holders]
      throw error
    }
  }

  #view(
    alarm: StoredAlarm,
    log: PlcLogState | undefined,
    holders: ReadonlyMap<string, Holder>,
  ): IdentityAlarm {
    const { cid, createdMs, seenMs, state } = alarm
    const bare: IdentityAlarm = {
      cid,
      createdAt: new Date(createdMs).toISOString(),
      seenAt: new Date(seenMs).toISOString(),
      undoUntil: new Date(createdMs + RECOVERY_MS).toISOString(),
      state,
      undo: 'unknown',
      changes: [],
    }
    if (log === undefined) return bare
    const at = log.valid.findIndex((entry) => entry.cid === cid)
    // Taken back by somebody, in whatever way.
    if (at < 0) return { ...bare, state: state === 'open' ? 'undone' : state, undo: 'none' }
    const changes = at === 0 ? [] : plcChanges(log.valid[at - 1]!, log.valid[at]!)
    if (at === 0) return { ...bare, undo: 'none' }
    const undo = planPlcUndo(log.valid, cid)
    const { signer } = undo
    const holder = holders.get(signer) ?? 'unknown'
    return { ...bare, changes, signer, holder, undo: this.#way(undo) }
  }

  #way({ above, untilMs, restored, byNow }: PlcUndo): IdentityAlarm['undo'] {
    const { plc, now } = this.#deps
    const inTime = now() <= untilMs
    if (inTime && above.includes(plc.hostKey)) return 'host'
    if (restored && byNow.includes(plc.hostKey)) return 'host'
    if (inTime && above.length > 0) return 'ownKey'
    return 'none'
  }

  /** It was the owner, or is no matter. Throws AlarmNotFound. */
  async acknowledge({ did }: Pick<Account, 'did'>, cid: string): Promise<void> {
    await this.#deps.alarms.require(did, cid)
    await this.#deps.alarms.settle(did, [cid], 'acknowledged')
  }

  /**
   * Takes an operation back, and all behind it: by the host's key where that can, else says what a
   * key of the owner's has to sign, and submits it when `sig` is that signature. Throws AlarmNotFound,
   * NothingToUndo, CannotUndo, InvalidSignature; PlcRefused, UpstreamError.
   */
  async undo(account: Account, cid: string, sig?: string): Promise<IdentityUndone> {
    const { did } = account
    const { alarms, client, plc, now } = this.#deps
    await alarms.require(did, cid)
    const log = await client.log(did)
    const plan = planned(log, cid)
    const { operation, restored, above, untilMs } = plan
    const way = this.#way(plan)
    const until = new Date(untilMs).toISOString()
    if (way === 'ownKey' && sig !== undefined)
      return this.#submit(account, plan, signedByOwner(plan, sig))
    if (way === 'ownKey')
      return { state: 'needsOwnKey', operation: { ...operation }, keys: above, until }
    if (way !== 'host') {
      const why =
        above.length === 0
          ? 'no key ranks above the one that signed it'
          : `72 hours were over at ${until}`
      throw new XrpcError(400, 'CannotUndo', `It cannot be undone: ${why}`)
    }
    const isFork = now() <= untilMs && above.includes(plc.hostKey)
    return this.#submit(account, plan, await plc.sign(isFork ? operation : restored!))
  }

  async #submit(
    { did, handle }: Account,
    { undone }: PlcUndo,
    signed: PlcOperation,
  ): Promise<IdentityUndone> {
    const { alarms, plc, directory, standing } = this.#deps
    await plc.submit(did, signed)
    directory.forget(did)
    await alarms.settle(
      did,
      undone.map((entry) => entry.cid),
      'undone',
    )
    await standing.announceIdentity(did, handle)
    return { state: 'undone', operation: { ...signed } }
  }
}

/**
 * The operation is made here again: an owner's key signs what stood before, as the log has it now, and
 * nothing that came from elsewhere.
 */
function signedByOwner({ operation, above }: PlcUndo, sig: string): PlcOperation {
  const signed = { ...operation, sig }
  if (plcSignerIndex(signed, above) >= 0) return signed
  throw new XrpcError(
    400,
    'InvalidSignature',
    'Not signed by a key that ranks above, or the identity has changed since: ask again what to sign',
  )
}

function planned(log: PlcLogState | undefined, cid: string): PlcUndo {
  const nothing = (message: string) => new XrpcError(400, 'NothingToUndo', message)
  if (log === undefined) throw nothing('The directory does not know this identity')
  try {
    return planPlcUndo(log.valid, cid)
  } catch (error) {
    if (error instanceof ProtocolError) throw nothing(error.message)
    throw error
  }
}
