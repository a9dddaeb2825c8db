import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { base58btc, generateKey } from '#protocol/crypto'
import { ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import { type DidDocument, identityOf, parseDidDocument } from './document.ts'
import { seeded } from './fake-web.test-support.ts'

const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const key = 'zQ3shXjHeiBuRCKmM36cuYnm7YEMzhGnCmCyW92sRJ9pribSF'

function documentWith(fields: Partial<DidDocument>): DidDocument {
  return parseDidDocument({ id: did, ...fields })
}

function identityWith(fields: Partial<DidDocument>) {
  return identityOf(documentWith(fields))
}

const vectors = vectorPath('indigo/identity')

describe('real DID documents', { skip: vectors === undefined }, () => {
  const read = (name: string) =>
    parseDidDocument(JSON.parse(readFileSync(`${vectors}/${name}`, 'utf8')))

  test('a document with a Multikey says handle, key and PDS', () => {
    const identity = identityOf(read('did_plc_doc.json'))
    assert.equal(identity.did, did)
    assert.equal(identity.handle, 'atproto.com')
    assert.equal(identity.signingKey, `did:key:${key}`)
    assert.equal(identity.pds, 'https://bsky.social')
    assert.equal(identity.labelerKey, undefined)
  })

  test('a document of the old style says the same with a bare uncompressed key', () => {
    const identity = identityOf(read('did_plc_doc_legacy.json'))
    assert.equal(identity.handle, 'atproto.com')
    assert.equal(identity.signingKey, `did:key:${key}`)
    assert.equal(identity.pds, 'https://bsky.social')
  })

  test('a service document has a service and neither handle, key nor PDS', () => {
    const document = read('did_web_doc.json')
    const identity = identityOf(document)
    assert.equal(identity.did, 'did:web:discover.bsky.social')
    assert.equal(identity.handle, undefined)
    assert.equal(identity.signingKey, undefined)
    assert.equal(identity.pds, undefined)
    assert.equal(identity.service('bsky_fg'), 'https://discover.bsky.social')
    assert.equal(identity.service('#bsky_fg', 'BskyFeedGenerator'), 'https://discover.bsky.social')
    assert.equal(identity.service('bsky_fg', 'BskyAppView'), undefined)
    assert.equal(document.authentication, null, 'fields we do not know stay')
  })
})

describe('parsing a document', () => {
  test('lists that are absent or null are empty', () => {
    const document = parseDidDocument({ id: did, alsoKnownAs: null })
    assert.deepEqual(document.alsoKnownAs, [])
    assert.deepEqual(document.verificationMethod, [])
    assert.deepEqual(document.service, [])
  })

  test('entries that lack what they need are left out and the others stay', () => {
    const document = parseDidDocument({
      id: did,
      alsoKnownAs: ['at://alice.test', 7, null],
      verificationMethod: [
        null,
        'did:key:z1',
        { id: '#a' },
        { id: '#a', type: 'Multikey', publicKeyMultibase: 5 },
        { id: '#b', type: 'JsonWebKey2020', publicKeyJwk: {} },
      ],
      service: [
        { id: '#x', type: 'X', serviceEndpoint: { uri: 'https://x.example' } },
        { id: '#y', type: 'Y', serviceEndpoint: 'https://y.example' },
      ],
    })
    assert.deepEqual(document.alsoKnownAs, ['at://alice.test'])
    assert.deepEqual(
      document.verificationMethod.map((method) => method.id),
      ['#b'],
    )
    assert.deepEqual(
      document.service.map((service) => service.id),
      ['#y'],
    )
  })

  const refused: [string, unknown][] = [
    ['null', null],
    ['a list', []],
    ['text', 'did:plc:x'],
    ['an object without id', {}],
    ['an id that is no DID', { id: 'https://example.com' }],
    ['alsoKnownAs as text', { id: did, alsoKnownAs: 'at://alice.test' }],
    ['verificationMethod as an object', { id: did, verificationMethod: {} }],
    ['service as a number', { id: did, service: 1 }],
  ]
  for (const [what, json] of refused)
    test(`${what} is refused`, () => {
      assert.throws(() => parseDidDocument(json), { code: 'InvalidDidDocument' })
    })

  test('any JSON is parsed or refused with our error, and reading it never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (a, b, c) => {
        for (const json of [a, { id: did, alsoKnownAs: a, verificationMethod: b, service: c }])
          try {
            identityOf(parseDidDocument(json))
          } catch (error) {
            assert.ok(error instanceof ProtocolError)
          }
      }),
    )
  })
})

describe('the claimed handle', () => {
  const cases: [names: string[], handle: string | undefined][] = [
    [[], undefined],
    [['https://alice.example'], undefined],
    [['at://alice.test'], 'alice.test'],
    [['https://a.example', 'at://alice.test', 'at://other.test'], 'alice.test'],
    [['at://Alice.Test'], 'alice.test'],
    [['at://not a handle', 'at://alice.test'], undefined],
    [['at://did:plc:abc'], undefined],
    [['at://'], undefined],
  ]
  for (const [alsoKnownAs, handle] of cases)
    test(`of ${JSON.stringify(alsoKnownAs)} is ${handle}`, () => {
      assert.equal(identityWith({ alsoKnownAs }).handle, handle)
    })
})

describe('keys', () => {
  const method = (fields: object) => [
    { id: '#atproto', type: 'Multikey', controller: did, publicKeyMultibase: key, ...fields },
  ]

  test('are found by relative and by absolute id, but not by another DID’s', () => {
    for (const [id, expected] of [
      ['#atproto', `did:key:${key}`],
      [`${did}#atproto`, `did:key:${key}`],
      ['did:plc:other#atproto', undefined],
      ['atproto', undefined],
      ['#atproto2', undefined],
    ] as const)
      assert.equal(identityWith({ verificationMethod: method({ id }) }).signingKey, expected, id)
  })

  test('the first of two with the same id counts', () => {
    const other = generateKey('p256', seeded(3)).publicKey
    const verificationMethod = [...method({}), ...method({ publicKeyMultibase: other.multikey })]
    assert.equal(identityWith({ verificationMethod }).signingKey, `did:key:${key}`)
  })

  test('the labeler has a key of its own', () => {
    const identity = identityWith({ verificationMethod: method({ id: '#atproto_label' }) })
    assert.equal(identity.labelerKey, `did:key:${key}`)
    assert.equal(identity.signingKey, undefined)
  })

  for (const curve of ['k256', 'p256'] as const)
    test(`of ${curve} are read in the old style, compressed`, () => {
      const { bytes, didKey } = generateKey(curve, seeded(7)).publicKey
      const type = `EcdsaSecp256${curve === 'k256' ? 'k' : 'r'}1VerificationKey2019`
      const publicKeyMultibase = `z${base58btc(bytes)}`
      const identity = identityWith({ verificationMethod: method({ type, publicKeyMultibase }) })
      assert.equal(identity.signingKey, didKey)
    })

  const unreadable: [string, object][] = [
    ['without a key', { publicKeyMultibase: undefined }],
    ['of an unknown type', { type: 'Ed25519VerificationKey2020' }],
    ['of a type named like a property of all objects', { type: 'constructor' }],
    ['in another base', { publicKeyMultibase: `u${key.slice(1)}` }],
    ['cut short', { publicKeyMultibase: key.slice(0, -3) }],
    ['with a character base 58 lacks', { publicKeyMultibase: `${key.slice(0, -1)}0` }],
    ['that is endless', { publicKeyMultibase: `z${'1'.repeat(100_000)}` }],
    [
      'of the old style and endless',
      {
        type: 'EcdsaSecp256k1VerificationKey2019',
        publicKeyMultibase: `z${'1'.repeat(100_000)}`,
      },
    ],
    [
      'of the old style that is no point',
      {
        type: 'EcdsaSecp256k1VerificationKey2019',
        publicKeyMultibase: `z${base58btc(new Uint8Array(65).fill(4))}`,
      },
    ],
  ]
  for (const [what, fields] of unreadable)
    test(`a key ${what} is no key, and the rest of the document still counts`, () => {
      const identity = identityWith({
        verificationMethod: method(fields),
        alsoKnownAs: ['at://alice.test'],
      })
      assert.equal(identity.signingKey, undefined)
      assert.equal(identity.handle, 'alice.test')
    })
})

describe('services', () => {
  const endpoints: [endpoint: string, pds: string | undefined][] = [
    ['https://pds.example', 'https://pds.example'],
    ['https://pds.example/', 'https://pds.example'],
    ['https://PDS.example:443/', 'https://pds.example'],
    ['http://localhost:2583', 'http://localhost:2583'],
    ['https://pds.example/some/path', 'https://pds.example'],
    ['ftp://pds.example', undefined],
    ['javascript:alert(1)', undefined],
    ['pds.example', undefined],
    ['https://user:secret@pds.example', undefined],
    ['https://pds.example?x=1', undefined],
    ['https://pds.example#x', undefined],
    ['', undefined],
  ]
  for (const [serviceEndpoint, pds] of endpoints)
    test(`a PDS at ${JSON.stringify(serviceEndpoint)} is at ${pds}`, () => {
      const type = 'AtprotoPersonalDataServer'
      const service = [{ id: '#atproto_pds', type, serviceEndpoint }]
      assert.equal(identityWith({ service }).pds, pds)
    })

  test('a PDS of another type is none', () => {
    const service = [{ id: '#atproto_pds', type: 'X', serviceEndpoint: 'https://pds.example' }]
    assert.equal(identityWith({ service }).pds, undefined)
  })

  test('a service keeps the path of its endpoint, without the last slash', () => {
    const service = [{ id: `${did}#a`, type: 'A', serviceEndpoint: 'https://a.example/base/path/' }]
    assert.equal(identityWith({ service }).service('a'), 'https://a.example/base/path')
    assert.equal(identityWith({ service }).service('b'), undefined)
  })

  test('reading a document twice gives the same object', () => {
    const document = documentWith({})
    assert.equal(identityOf(document), identityOf(document))
  })
})
