import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { generateKey, type SigningKey } from '#protocol/crypto'
import { decodeCbor, encodeCbor } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import { isPlcDid } from './did-resolution.ts'
import { identityOf } from './document.ts'
import { seeded } from './fake-web.test-support.ts'
import { plcData, plcDocument, plcRotationKeys } from './plc-document.ts'
import {
  type PlcOperation,
  parsePlcOperation,
  plcDid,
  plcOperationCid,
  plcSignerIndex,
  signPlcOperation,
  type UnsignedPlcLegacyCreate,
  type UnsignedPlcOperation,
} from './plc-operation.ts'

const random = seeded(11)
const keys = {
  k256: generateKey('k256', random),
  p256: generateKey('p256', random),
  other: generateKey('k256', random),
}

function unsigned(fields: Partial<UnsignedPlcOperation> = {}): UnsignedPlcOperation {
  return {
    type: 'plc_operation',
    rotationKeys: [keys.k256.publicKey.didKey, keys.p256.publicKey.didKey],
    verificationMethods: { atproto: keys.other.publicKey.didKey },
    alsoKnownAs: ['at://alice.test'],
    services: {
      atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://pds.example' },
    },
    prev: null,
    ...fields,
  }
}

function signed(fields: Partial<UnsignedPlcOperation> = {}, key: SigningKey = keys.k256) {
  return signPlcOperation(unsigned(fields), key)
}

const legacy: UnsignedPlcLegacyCreate = {
  type: 'create',
  signingKey: keys.k256.publicKey.didKey,
  recoveryKey: keys.p256.publicKey.didKey,
  handle: 'alice.test',
  service: 'https://pds.example',
  prev: null,
}
const prev = plcOperationCid(signed())

describe('the form of an operation', () => {
  test('of each kind is taken as it is', () => {
    for (const operation of [
      signed(),
      signed({ prev }),
      signPlcOperation({ type: 'plc_tombstone', prev } as const, keys.k256),
      signPlcOperation(legacy, keys.k256),
    ])
      assert.equal(parsePlcOperation(operation), operation)
  })

  const good = signed()
  const tombstone = signPlcOperation({ type: 'plc_tombstone', prev } as const, keys.k256)
  const create = signPlcOperation(legacy, keys.k256)
  const without = (operation: object, field: string) =>
    Object.fromEntries(Object.entries(operation).filter(([name]) => name !== field))

  const wrong: [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['a list', [good]],
    ['text', JSON.stringify(good)],
    ['an empty object', {}],
    ['an unknown type', { ...good, type: 'plc_op' }],
    ['a type that is a property of all objects', { ...good, type: 'toString' }],
    ['a type that is no text', { ...good, type: 1 }],
    ['a field too much', { ...good, note: 'hi' }],
    ['a tombstone with keys', { ...tombstone, rotationKeys: [] }],
    ['a tombstone without prev', { ...tombstone, prev: null }],
    ['a create with prev', { ...create, prev }],
    ['a create whose handle is a number', { ...create, handle: 7 }],
    ['prev as a number', { ...good, prev: 0 }],
    ['a signature that is null', { ...good, sig: null }],
    ['rotationKeys as an object', { ...good, rotationKeys: {} }],
    ['a rotation key that is no text', { ...good, rotationKeys: [1] }],
    ['alsoKnownAs as text', { ...good, alsoKnownAs: 'at://alice.test' }],
    ['verificationMethods as a list', { ...good, verificationMethods: [] }],
    ['a verification method that is an object', { ...good, verificationMethods: { a: {} } }],
    ['services as null', { ...good, services: null }],
    ['a service as text', { ...good, services: { a: 'https://a.example' } }],
    ['a service without endpoint', { ...good, services: { a: { type: 'A' } } }],
    [
      'a service with a field too much',
      { ...good, services: { a: { type: 'A', endpoint: 'B', more: 1 } } },
    ],
    ['half a character', { ...good, alsoKnownAs: ['at://\ud800'] }],
    ['half a character in a name', { ...good, verificationMethods: { '\udc00': 'x' } }],
    [
      'a name that JavaScript keeps for itself',
      JSON.parse(JSON.stringify(good).replace('"atproto":', '"__proto__":')),
    ],
    ...Object.keys(good).map((field): [string, unknown] => [`no ${field}`, without(good, field)]),
    ...Object.keys(create).map((field): [string, unknown] => [
      `a create without ${field}`,
      without(create, field),
    ]),
  ]
  for (const [what, value] of wrong)
    test(`${what} is refused`, () => {
      assert.throws(() => parsePlcOperation(value), { code: 'InvalidOperation' })
    })

  test('any JSON is taken or refused with our error', () => {
    const fields = { type: fc.constantFrom('plc_operation', 'plc_tombstone', 'create') }
    const half = fc.jsonValue()
    const shaped = fc.record({
      ...fields,
      rotationKeys: fc.oneof(half, fc.array(fc.string())),
      verificationMethods: fc.oneof(half, fc.dictionary(fc.string(), fc.string())),
      alsoKnownAs: fc.oneof(half, fc.array(fc.string())),
      services: half,
      prev: fc.oneof(half, fc.string()),
      sig: fc.oneof(half, fc.string()),
    })
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), shaped), (value) => {
        try {
          const operation = parsePlcOperation(value)
          plcSignerIndex(operation, [...plcRotationKeys(operation), ...legacyKeys])
          assert.match(plcOperationCid(operation), /^bafyrei[a-z2-7]{52}$/)
        } catch (error) {
          assert.ok(error instanceof ProtocolError)
        }
      }),
    )
  })
  const legacyKeys = [legacy.signingKey, legacy.recoveryKey]

  test('an operation that is taken has one CID, however its JSON is written', () => {
    const text = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(fc.dictionary(text, text), fc.array(text), (map, names) => {
        const operation = { ...good, verificationMethods: map, alsoKnownAs: names }
        if (Object.hasOwn(map, '__proto__')) return
        parsePlcOperation(operation)
        const shuffled = Object.fromEntries(Object.entries(operation).reverse())
        const again = parsePlcOperation(JSON.parse(JSON.stringify(shuffled)))
        assert.equal(plcOperationCid(again), plcOperationCid(operation))
        assert.deepEqual(decodeCbor(encodeCbor(again)), again)
      }),
    )
  })
})

describe('signing', () => {
  for (const curve of ['k256', 'p256'] as const)
    test(`with ${curve} is found again among the keys`, () => {
      const operation = signed({}, keys[curve])
      const list = [keys.other, keys.p256, keys.k256].map((key) => key.publicKey.didKey)
      assert.equal(plcSignerIndex(operation, list), curve === 'p256' ? 1 : 2)
      assert.equal(plcSignerIndex(operation, list.slice(0, 1)), -1)
      assert.equal(plcSignerIndex(operation, []), -1)
    })

  test('replaces a signature and changes nothing else', () => {
    const again = signPlcOperation(signed({}, keys.p256), keys.k256)
    const { sig: _, ...content } = again
    assert.deepEqual(content, unsigned())
    assert.equal(plcSignerIndex(again, plcRotationKeys(again)), 0)
  })

  test('is void when anything is changed', () => {
    const operation = signed()
    const list = operation.rotationKeys
    for (const change of [
      { prev },
      { alsoKnownAs: [] },
      { services: {} },
      { rotationKeys: list.toReversed() },
    ])
      assert.equal(plcSignerIndex({ ...operation, ...change }, list), -1)
  })

  test('counts in one encoding only', () => {
    const operation = signed()
    const { sig } = operation
    const list = operation.rotationKeys
    const lastBits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const stray = lastBits[lastBits.indexOf(sig.at(-1)!) + 1]
    for (const other of [
      `${sig}==`,
      `${sig}\n`,
      ` ${sig}`,
      `${sig}A`,
      sig.slice(0, -1),
      sig.slice(0, -1) + stray,
      sig.replaceAll('-', '+').replaceAll('_', '/').replace(/^./, '+'),
      '',
    ])
      assert.equal(plcSignerIndex({ ...operation, sig: other }, list), -1, JSON.stringify(other))
  })

  test('by keys that cannot be read counts as by nobody, and the others still count', () => {
    const operation = signed()
    const list = ['', 'did:key:z', 'did:web:example.com', keys.k256.publicKey.didKey]
    assert.equal(plcSignerIndex(operation, list), 3)
  })
})

describe('names', () => {
  test('a DID is 24 characters of the signed genesis’ hash', () => {
    const did = plcDid(signed())
    assert.ok(isPlcDid(did))
    assert.notEqual(plcDid(signed({}, keys.p256)), did, 'the signature counts')
    assert.notEqual(plcDid(signed({ alsoKnownAs: [] })), did)
  })

  const logs = vectorPath('plc-audit-logs/audit_log/valid')
  test('are those of real operations, new and legacy', { skip: logs === undefined }, () => {
    for (const name of ['log_bskyapp.json', 'log_legacy_dholms.json']) {
      const log = JSON.parse(readFileSync(`${logs}/${name}`, 'utf8'))
      assert.equal(plcDid(log[0].operation), log[0].did)
      for (const entry of log) assert.equal(plcOperationCid(entry.operation), entry.cid)
    }
  })
})

describe('the document of an operation', () => {
  const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'

  test('shows keys as Multikeys, with the contexts of their curves', () => {
    const p256 = keys.p256.publicKey
    const operation = signed({ verificationMethods: { atproto: p256.didKey } })
    assert.deepEqual(plcDocument(plcData(did, operation)!), {
      '@context': [
        'https://www.w3.org/ns/did/v1',
        'https://w3id.org/security/multikey/v1',
        'https://w3id.org/security/suites/ecdsa-2019/v1',
      ],
      id: did,
      alsoKnownAs: ['at://alice.test'],
      verificationMethod: [
        {
          id: `${did}#atproto`,
          type: 'Multikey',
          controller: did,
          publicKeyMultibase: p256.multikey,
        },
      ],
      service: [
        {
          id: '#atproto_pds',
          type: 'AtprotoPersonalDataServer',
          serviceEndpoint: 'https://pds.example',
        },
      ],
    })
  })

  test('shows keys of unknown kinds too, without a context', () => {
    const ed25519 = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'
    const operation = signed({ verificationMethods: { atproto: ed25519 } })
    const document = plcDocument(plcData(did, operation)!)
    assert.equal(document.verificationMethod[0]?.publicKeyMultibase, ed25519.slice(8))
    assert.equal((document['@context'] as string[]).length, 2)
    assert.equal(identityOf(document).signingKey, undefined)
  })

  test('is what identityOf reads back', () => {
    const identity = identityOf(plcDocument(plcData(did, signed())!))
    assert.equal(identity.handle, 'alice.test')
    assert.equal(identity.pds, 'https://pds.example')
    assert.equal(identity.signingKey, keys.other.publicKey.didKey)
  })

  test('of a legacy create is that of the operation it stands for', () => {
    const data = plcData(did, signPlcOperation(legacy, keys.k256))
    assert.deepEqual(data, {
      did,
      verificationMethods: { atproto: legacy.signingKey },
      rotationKeys: [legacy.recoveryKey, legacy.signingKey],
      alsoKnownAs: ['at://alice.test'],
      services: {
        atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://pds.example' },
      },
    })
    const bare = signPlcOperation({ ...legacy, service: 'pds.example' }, keys.k256)
    assert.equal(plcData(did, bare)?.services.atproto_pds?.endpoint, 'https://pds.example')
  })

  test('of a tombstone is none, and no key may follow it', () => {
    const tombstone = signPlcOperation({ type: 'plc_tombstone', prev } as const, keys.k256)
    assert.equal(plcData(did, tombstone), undefined)
    assert.deepEqual(plcRotationKeys(tombstone), [])
  })
})

test('operations of the type PlcOperation are what parse gives', () => {
  const operation: PlcOperation = signed()
  assert.equal(parsePlcOperation(JSON.parse(JSON.stringify(operation))).type, 'plc_operation')
})
