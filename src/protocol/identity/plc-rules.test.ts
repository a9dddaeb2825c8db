import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { base58btc, generateKey } from '#protocol/crypto'
import { ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import { seeded } from './fake-web.test-support.ts'
import {
  type PlcOperation,
  plcOperationBytes,
  plcOperationCid,
  signPlcOperation,
} from './plc-operation.ts'
import { PLC_LIMITS, validatePlcOperation } from './plc-rules.ts'

const random = seeded(5)
const keys = Array.from({ length: 12 }, () => generateKey('k256', random))
const didKeys = keys.map((key) => key.publicKey.didKey)

function operation(fields: Partial<PlcOperation> = {}): PlcOperation {
  return signPlcOperation(
    {
      type: 'plc_operation',
      rotationKeys: didKeys.slice(0, 2),
      verificationMethods: { atproto: didKeys[2]! },
      alsoKnownAs: ['at://alice.test'],
      services: {
        atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://pds.example' },
      },
      prev: null,
      ...fields,
    },
    keys[0]!,
  )
}

function many<T>(count: number, make: (index: number) => T): Record<string, T> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`id${i}`, make(i)]))
}

const service = { type: 'T', endpoint: 'https://a.example' }
const cid = plcOperationCid(operation())
const ed25519 = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'

/** An x coordinate beyond the field: no point has it. */
const offCurve = `did:key:z${base58btc(Uint8Array.of(0xe7, 0x01, 2, ...new Uint8Array(32).fill(0xff)))}`

const accepted: [string, Partial<PlcOperation>][] = [
  ['an ordinary operation', {}],
  ['an update', { prev: cid }],
  ['one rotation key', { rotationKeys: didKeys.slice(0, 1) }],
  ['five rotation keys', { rotationKeys: didKeys.slice(0, 5) }],
  ['a rotation key of p256', { rotationKeys: [generateKey('p256', random).publicKey.didKey] }],
  ['no verification methods', { verificationMethods: {} }],
  ['ten verification methods', { verificationMethods: many(10, (i) => didKeys[i]!) }],
  ['a verification method of another kind', { verificationMethods: { key: ed25519 } }],
  ['one key for two verification methods', { verificationMethods: many(2, () => didKeys[0]!) }],
  ['no names', { alsoKnownAs: [] }],
  ['ten names', { alsoKnownAs: Array.from({ length: 10 }, (_, i) => `at://n${i}.test`) }],
  ['a name of 258 characters', { alsoKnownAs: [`at://${'a'.repeat(253)}`] }],
  ['no services', { services: {} }],
  ['ten services', { services: many(10, () => service) }],
  ['an id of 32 characters', { services: { ['a'.repeat(32)]: service } }],
  ['an endpoint of 512 characters', { services: { a: { type: 'T', endpoint: 'a'.repeat(512) } } }],
]
for (const [what, fields] of accepted)
  test(`${what} is accepted`, () => {
    const value = operation(fields)
    assert.equal(validatePlcOperation(value), value)
  })

const refused: [string, Partial<PlcOperation>][] = [
  ['no rotation keys', { rotationKeys: [] }],
  ['six rotation keys', { rotationKeys: didKeys.slice(0, 6) }],
  ['a rotation key twice', { rotationKeys: [didKeys[0]!, didKeys[1]!, didKeys[0]!] }],
  ['a rotation key of another kind', { rotationKeys: [ed25519] }],
  ['a rotation key that is no did:key', { rotationKeys: ['did:web:example.com'] }],
  ['a rotation key off its curve', { rotationKeys: [offCurve] }],
  ['an empty rotation key', { rotationKeys: [''] }],
  ['eleven verification methods', { verificationMethods: many(11, (i) => didKeys[i]!) }],
  ['a bare multikey', { verificationMethods: { atproto: didKeys[0]!.slice(8) } }],
  ['a did:key in another base', { verificationMethods: { atproto: 'did:key:uAAAA' } }],
  ['a did:key that is not base 58', { verificationMethods: { atproto: 'did:key:z0OIl' } }],
  ['an empty did:key', { verificationMethods: { atproto: 'did:key:z' } }],
  ['an overlong did:key', { verificationMethods: { a: `did:key:z${'2'.repeat(250)}` } }],
  ['an id of 33 characters', { verificationMethods: { ['a'.repeat(33)]: didKeys[0]! } }],
  ['an empty id', { verificationMethods: { '': didKeys[0]! } }],
  ['an empty service id', { services: { '': service } }],
  ['eleven names', { alsoKnownAs: Array.from({ length: 11 }, (_, i) => `at://n${i}.test`) }],
  ['a name twice', { alsoKnownAs: ['at://a.test', 'at://a.test'] }],
  ['a name of 259 characters', { alsoKnownAs: [`at://${'a'.repeat(254)}`] }],
  ['eleven services', { services: many(11, () => service) }],
  ['a service id of 33 characters', { services: { ['a'.repeat(33)]: service } }],
  ['a type of 257 characters', { services: { a: { type: 'T'.repeat(257), endpoint: 'x' } } }],
  ['an endpoint of 513 characters', { services: { a: { type: 'T', endpoint: 'a'.repeat(513) } } }],
  [
    'more than 4,000 bytes though every part is short enough',
    {
      services: many(8, () => ({ type: 'T', endpoint: 'é'.repeat(250) })),
      alsoKnownAs: ['at://a.test'],
    },
  ],
  ['a prev that is no CID', { prev: 'abc' }],
  ['a prev that is a raw CID', { prev: cid.replace('bafyrei', 'bafkrei') }],
  ['a prev in upper case', { prev: cid.toUpperCase() }],
]
for (const [what, fields] of refused)
  test(`${what} is refused`, () => {
    assert.throws(() => validatePlcOperation(operation(fields)), { code: 'InvalidOperation' })
  })

test('4,000 bytes are accepted and 4,001 refused', () => {
  const sized = (extra: number) =>
    operation({
      services: {
        ...many(7, () => ({ type: 'T', endpoint: 'x'.repeat(450) })),
        last: { type: 'T', endpoint: 'x'.repeat(extra) },
      },
    })
  // One byte of the room goes to the longer length of the longer text.
  const room = PLC_LIMITS.operationBytes - plcOperationBytes(sized(100)).length
  assert.ok(room > 0 && room + 101 < PLC_LIMITS.serviceEndpointLength)
  assert.equal(plcOperationBytes(sized(100 + room - 1)).length, PLC_LIMITS.operationBytes)
  validatePlcOperation(sized(100 + room - 1))
  assert.throws(() => validatePlcOperation(sized(100 + room)), /4001 bytes/)
})

test('a tombstone is accepted', () => {
  const tombstone = signPlcOperation({ type: 'plc_tombstone', prev: cid } as const, keys[0]!)
  assert.equal(validatePlcOperation(tombstone), tombstone)
  assert.throws(() => validatePlcOperation({ ...tombstone, prev: 'x' }), ProtocolError)
})

const logs = vectorPath('plc-audit-logs/audit_log/valid')
describe('history against today’s rules', { skip: logs === undefined }, () => {
  const old: Record<string, number> = {
    'log_legacy_dholms.json': 1, // the create
    'log_empty_rotation_keys.json': 1,
    'log_duplicate_rotation_keys.json': 1,
    'log_nullification.json': 1, // no rotation keys
  }
  for (const name of logs === undefined ? [] : readdirSync(logs))
    test(`${name} has ${old[name] ?? 0} operations that would not be accepted now`, () => {
      const log: { operation: unknown }[] = JSON.parse(readFileSync(`${logs}/${name}`, 'utf8'))
      const refusedNow = log.filter(({ operation }) => {
        try {
          validatePlcOperation(operation)
          return false
        } catch (error) {
          assert.ok(error instanceof ProtocolError)
          return true
        }
      })
      assert.equal(refusedNow.length, old[name] ?? 0)
    })
})

test('any JSON is accepted or refused with our error', () => {
  const texts = fc.array(fc.oneof(fc.string(), fc.constantFrom(...didKeys)), { maxLength: 7 })
  const maps = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.constantFrom(...didKeys)))
  const shaped = fc.record({
    type: fc.constant('plc_operation'),
    rotationKeys: texts,
    verificationMethods: maps,
    alsoKnownAs: texts,
    services: fc.dictionary(fc.string(), fc.record({ type: fc.string(), endpoint: fc.string() })),
    prev: fc.option(fc.oneof(fc.string(), fc.constant(cid))),
    sig: fc.string(),
  })
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), shaped), (value) => {
      try {
        const taken = validatePlcOperation(value)
        assert.ok(plcOperationBytes(taken).length <= PLC_LIMITS.operationBytes)
      } catch (error) {
        assert.ok(error instanceof ProtocolError)
      }
    }),
  )
})
