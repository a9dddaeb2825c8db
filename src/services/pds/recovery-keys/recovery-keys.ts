import type { Sql } from '#platform/storage'
import type { KeyHealth, RotationKeyView } from '#protocol/account'
import { parseDidKey } from '#protocol/crypto'
import {
  type AnyPlcOperation,
  isPlcDid,
  type KeyProof,
  PLC_LIMITS,
  parseWrappedRecoveryKey,
  planRecoveryKey,
  planWithoutKey,
  plcOperationCid,
  plcState,
  type UnsignedPlcOperation,
  verifyKeyProof,
  type WrappedRecoveryKey,
} from '#protocol/identity'
import { type Did, datetimeMs, ProtocolError } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { PlcAgent } from '../plc/index.ts'

/** Keys an owner may have registered; an identity has room for five of everybody's. */
const KEYS_MAX = 10
/** How far a proof's time may be from ours. */
const PROOF_AGE_MS = 5 * 60_000

interface Row {
  did_key: string
  label: string
  created_ms: number
  checked_ms: number | null
  wrapped: string | null
}

/**
 * The owners' own rotation keys. What is kept here are public keys and what their owners say of them;
 * which are in force and how they rank, the directory of identities says each time.
 */
export class RecoveryKeys {
  readonly #sql: Sql
  readonly #plc: PlcAgent
  readonly #organisation: string | undefined
  readonly #now: () => number

  constructor(options: {
    sql: Sql
    plc: PlcAgent
    /** did:key that the operator holds for accounts here, apart from the host. */
    organisation: string | undefined
    now: () => number
  }) {
    this.#sql = options.sql
    this.#plc = options.plc
    this.#organisation = options.organisation
    this.#now = options.now
  }

  /** Throws UpstreamError when the directory cannot be asked. */
  async health(did: Did): Promise<KeyHealth> {
    const organisation = this.#organisation
    if (!isPlcDid(did)) return { state: 'unsupported', keys: [], lost: [], organisation }
    const last = await this.#plc.last(did)
    const named = (last && plcState(last)?.rotationKeys) ?? []
    const rows = new Map((await this.#rows(did)).map((row) => [row.did_key, row]))
    const keys = named.map((key) => this.#view(key, rows.get(key)))
    const lost = [...rows.values()]
      .filter((row) => !named.includes(row.did_key))
      .map((row) => this.#view(row.did_key, row))
    return { state: stateOf(keys, lost), keys, lost, organisation }
  }

  #view(key: string, row: Row | undefined): RotationKeyView {
    if (row === undefined) {
      if (key === this.#plc.hostKey) return { key, holder: 'host' }
      return { key, holder: key === this.#organisation ? 'organisation' : 'unknown' }
    }
    const { label, created_ms, checked_ms, wrapped } = row
    return {
      key,
      holder: 'owner',
      label,
      createdAt: new Date(created_ms).toISOString(),
      checkedAt: checked_ms === null ? undefined : new Date(checked_ms).toISOString(),
      wrapped: wrapped === null ? undefined : parseWrappedRecoveryKey(JSON.parse(wrapped)),
    }
  }

  /**
   * Puts an owner's key first, or the organisation's above the host's. It is noted before the directory
   * is asked: when that says no, the note is taken back; when nobody knows, `health` tells later.
   * Throws InvalidRequest, InvalidKey, TooManyKeys, PlcRefused; UpstreamError.
   */
  async register(
    did: Did,
    key: string,
    { label = '', wrapped }: { label?: string; wrapped?: WrappedRecoveryKey } = {},
  ): Promise<void> {
    this.requireUsable(did, key)
    if (key === this.#organisation) {
      await this.addOrganisation(did)
      return
    }
    const isNew = await this.note(did, key, { label, wrapped })
    try {
      await this.#plc.follow(did, (last) => roomFor(() => planRecoveryKey(last, key)))
    } catch (error) {
      const isRefused = error instanceof ProtocolError || error instanceof XrpcError
      if (isNew && isRefused) await this.#forget(did, key)
      throw error
    }
  }

  /**
   * Puts the organisation's key above the host's; whether it was not there before. Throws
   * NoOrganisationKey, InvalidRequest, TooManyKeys, PlcRefused; UpstreamError.
   */
  async addOrganisation(did: Did): Promise<boolean> {
    const key = this.#organisation
    if (key === undefined) throw invalid('NoOrganisationKey', 'The host was given no such key')
    requirePlc(did)
    let planned: UnsignedPlcOperation | undefined
    await this.#plc.follow(did, (last) => {
      planned = aboveHost(last, key, this.#plc.hostKey)
      return planned
    })
    return planned !== undefined
  }

  /** Whether a key could be registered at all. Throws InvalidRequest, InvalidKey. */
  requireUsable(did: Did, key: string): void {
    requirePlc(did)
    if (parseDidKey(key).didKey !== key) throw invalid('InvalidKey', 'Not the usual form of a key')
    if (key === this.#plc.hostKey) throw invalid('InvalidKey', 'This is the key of the host')
  }

  /** Registers a key that the identity names already, or will; whether it is new. Throws TooManyKeys. */
  async note(
    did: Did,
    key: string,
    { label = '', wrapped }: { label?: string; wrapped?: WrappedRecoveryKey | undefined } = {},
  ): Promise<boolean> {
    if (key === this.#organisation) return false
    const rows = await this.#rows(did)
    const isNew = !rows.some((row) => row.did_key === key)
    if (isNew && rows.length >= KEYS_MAX) {
      throw invalid('TooManyKeys', `At most ${KEYS_MAX} keys can be registered: remove one first`)
    }
    const json = wrapped ? JSON.stringify(parseWrappedRecoveryKey(wrapped)) : null
    await this.#sql.run(
      `INSERT INTO recovery_keys (did, did_key, label, created_ms, wrapped) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (did, did_key) DO UPDATE SET label = excluded.label,
         wrapped = coalesce(excluded.wrapped, wrapped)`,
      [did, key, label, this.#now(), json],
    )
    return isNew
  }

  /** Takes a key out of the identity, and forgets it. Throws KeyNotFound, PlcRefused; UpstreamError. */
  async remove(did: Did, key: string): Promise<void> {
    requirePlc(did)
    const isOwn = (await this.#rows(did)).some((row) => row.did_key === key)
    if (!isOwn && key !== this.#organisation) throw keyNotFound()
    await this.#plc.follow(did, (last) => planWithoutKey(last, key))
    await this.#forget(did, key)
  }

  /** Notes that the owner holds a key. Throws KeyNotFound, InvalidSignature. */
  async check(did: Did, proof: KeyProof): Promise<void> {
    const nowMs = this.#now()
    const { key, at } = proof
    if (!(Math.abs(datetimeMs(at) - nowMs) <= PROOF_AGE_MS)) {
      throw invalid('InvalidSignature', 'The proof is not of now: is this clock right?')
    }
    if (!verifyKeyProof(proof, did)) {
      throw invalid('InvalidSignature', 'The proof is not by this key')
    }
    await this.#change(did, key, 'checked_ms = ?', nowMs)
  }

  /** Keeps the key as its owner locked it, or forgets that. Throws KeyNotFound, InvalidWrappedKey. */
  async keepWrapped(did: Did, key: string, wrapped: WrappedRecoveryKey | undefined): Promise<void> {
    const json = wrapped ? JSON.stringify(parseWrappedRecoveryKey(wrapped)) : null
    await this.#change(did, key, 'wrapped = ?', json)
  }

  async #change(did: Did, key: string, set: string, value: string | number | null): Promise<void> {
    const { changes } = await this.#sql.run(
      `UPDATE recovery_keys SET ${set} WHERE did = ? AND did_key = ?`,
      [value, did, key],
    )
    if (changes === 0) throw keyNotFound()
  }

  #rows(did: Did): Promise<Row[]> {
    return this.#sql.all<Row>(
      `SELECT did_key, label, created_ms, checked_ms, wrapped FROM recovery_keys
       WHERE did = ? ORDER BY created_ms, did_key LIMIT ?`,
      [did, KEYS_MAX],
    )
  }

  async #forget(did: Did, key: string): Promise<void> {
    await this.#sql.run('DELETE FROM recovery_keys WHERE did = ? AND did_key = ?', [did, key])
  }
}

function stateOf(
  keys: readonly RotationKeyView[],
  lost: readonly RotationKeyView[],
): KeyHealth['state'] {
  const own = keys.findIndex(({ holder }) => holder === 'owner')
  if (own < 0) return lost.length > 0 ? 'lost' : 'none'
  if (own > 0) return 'outranked'
  return keys[0]!.checkedAt === undefined ? 'unchecked' : 'good'
}

/** The organisation's key above the host's, below what the owner has above that. */
function aboveHost(
  last: AnyPlcOperation,
  key: string,
  hostKey: string,
): UnsignedPlcOperation | undefined {
  const state = plcState(last)
  if (!state) throw invalid('InvalidRequest', 'The identity has ended')
  const { rotationKeys } = state
  if (rotationKeys.includes(key)) return undefined
  const at = rotationKeys.indexOf(hostKey)
  const added = rotationKeys.toSpliced(at < 0 ? rotationKeys.length : at, 0, key)
  if (added.length > PLC_LIMITS.rotationKeys) throw tooMany()
  return {
    type: 'plc_operation',
    ...state,
    rotationKeys: added,
    prev: plcOperationCid(last),
  }
}

function roomFor<T>(plan: () => T): T {
  try {
    return plan()
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'InvalidKeyChange') throw tooMany()
    throw error
  }
}

function requirePlc(did: Did): void {
  if (isPlcDid(did)) return
  throw invalid('InvalidRequest', 'Identities of a domain are changed at the domain')
}

const invalid = (name: string, message: string) => new XrpcError(400, name, message)
const keyNotFound = () => invalid('KeyNotFound', 'No such key was registered')
const tooMany = () =>
  invalid(
    'TooManyKeys',
    `The identity has ${PLC_LIMITS.rotationKeys} keys already: remove one first`,
  )
