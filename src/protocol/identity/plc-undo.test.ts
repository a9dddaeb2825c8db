import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generateKey } from '#protocol/crypto'
import { PLC_RECOVERY_MS, type PlcLogEntry, verifyPlcLog } from './plc-log.ts'
import {
  type PlcOperation,
  plcDid,
  plcOperationCid,
  signPlcOperation,
  type UnsignedPlcOperation,
} from './plc-operation.ts'
import { planPlcUndo, plcChanges } from './plc-undo.ts'

const [high, host, low] = [generateKey('k256'), generateKey('p256'), generateKey('k256')]
const keys = [high, host, low].map((key) => key.publicKey.didKey)
const state: Omit<UnsignedPlcOperation, 'prev'> = {
  type: 'plc_operation',
  rotationKeys: keys,
  verificationMethods: { atproto: keys[0]! },
  alsoKnownAs: ['at://alice.example'],
  services: { atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://a.example' } },
}
const genesis = signPlcOperation({ ...state, prev: null }, host)
const did = plcDid(genesis)
const startMs = Date.UTC(2026, 0, 1)

function log(...operations: PlcLogEntry['operation'][]): PlcLogEntry[] {
  return [genesis, ...operations].map((operation, i) => ({
    did,
    operation,
    cid: plcOperationCid(operation),
    nullified: false,
    createdAt: new Date(startMs + i * 1000).toISOString(),
  }))
}
const next = (prev: PlcOperation, change: object, key = low) =>
  signPlcOperation({ ...state, ...change, prev: plcOperationCid(prev) }, key)
const moved = next(genesis, { services: {} })
const again = next(moved, { services: {}, rotationKeys: [keys[2]!] })

describe('undoing an operation', () => {
  test('says the state before it anew, in its place, and takes back all behind it', () => {
    const entries = log(moved, again)
    const plan = planPlcUndo(entries, plcOperationCid(moved))
    assert.deepEqual(plan.operation, { ...state, prev: plcOperationCid(genesis) })
    assert.deepEqual(plan.undone, entries.slice(1))
    assert.deepEqual([plan.signer, plan.above], [keys[2], keys.slice(0, 2)])
    assert.equal(plan.untilMs, startMs + 1000 + PLC_RECOVERY_MS)
    for (const key of [high, host]) {
      const operation = signPlcOperation(plan.operation, key)
      const [first, ...rest] = entries
      const whole = [first, ...rest.map((entry) => ({ ...entry, nullified: true }))]
      const back = { did, operation, cid: plcOperationCid(operation), nullified: false }
      verifyPlcLog(did, [...whole, { ...back, createdAt: new Date(startMs + 9000).toISOString() }])
    }
  })

  test('only of the later ones leaves the earlier ones', () => {
    const plan = planPlcUndo(log(moved, again), plcOperationCid(again))
    assert.deepEqual(plan.operation, { ...state, services: {}, prev: plcOperationCid(moved) })
  })

  test('gives the old state behind the newest operation as well, for keys that still count', () => {
    const plan = planPlcUndo(log(moved, again), plcOperationCid(moved))
    assert.deepEqual(plan.restored, { ...state, prev: plcOperationCid(again) })
    assert.deepEqual(plan.byNow, [keys[2]])
  })

  test('that ended the identity gives no other way than to take it back', () => {
    const end = signPlcOperation(
      { type: 'plc_tombstone', prev: plcOperationCid(genesis) } as const,
      low,
    )
    const plan = planPlcUndo(log(end), plcOperationCid(end))
    assert.equal(plan.restored, undefined)
    assert.deepEqual(plan.operation, { ...state, prev: plcOperationCid(genesis) })
  })

  test('needs one that is in force and has something before it', () => {
    assert.throws(() => planPlcUndo(log(moved), plcOperationCid(again)), {
      code: 'UnknownOperation',
    })
    assert.throws(() => planPlcUndo(log(moved), plcOperationCid(genesis)), { code: 'InvalidUndo' })
  })
})

test('what an operation changed is named, whatever order maps have', () => {
  const changes = (change: object) => {
    const [before, after] = log(next(genesis, change))
    return plcChanges(before!, after!)
  }
  const { type, endpoint } = state.services.atproto_pds!
  assert.deepEqual(changes({ services: { atproto_pds: { endpoint, type } } }), [])
  assert.deepEqual(changes({ alsoKnownAs: [] }), ['handle'])
  assert.deepEqual(changes({ services: {} }), ['host'])
  assert.deepEqual(changes({ verificationMethods: { atproto: keys[1]! } }), ['signingKey'])
  assert.deepEqual(changes({ rotationKeys: keys.toReversed() }), ['rotationKeys'])
  const more = { services: { ...state.services, x: { type: 'X', endpoint: 'https://x.example' } } }
  assert.deepEqual(
    changes({ ...more, verificationMethods: { ...state.verificationMethods, y: keys[1]! } }),
    ['other'],
  )
  const end = signPlcOperation(
    { type: 'plc_tombstone', prev: plcOperationCid(genesis) } as const,
    low,
  )
  const [before, after] = log(end)
  assert.deepEqual(plcChanges(before!, after!), ['ended'])
})
