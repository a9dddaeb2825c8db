import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { generateKey } from '#protocol/crypto'
import { ProtocolError } from '#protocol/syntax'
import { seeded } from './fake-web.test-support.ts'
import { type PlcCredentials, planPlcMove } from './plc-move.ts'
import {
  type PlcOperation,
  plcOperationCid,
  signPlcOperation,
  type UnsignedPlcOperation,
} from './plc-operation.ts'
import { PLC_LIMITS, validatePlcOperation } from './plc-rules.ts'

const random = seeded(31)
const signer = generateKey('k256', random)
const [owner, oldHost, newHost, oldSigning, newSigning, labeling, spare, backup, fifth] =
  Array.from({ length: 9 }, () => generateKey('k256', random).publicKey.didKey) as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]

function pds(endpoint: string) {
  return { type: 'AtprotoPersonalDataServer', endpoint }
}

function last(fields: Partial<UnsignedPlcOperation> = {}): PlcOperation {
  const unsigned: UnsignedPlcOperation = {
    type: 'plc_operation',
    rotationKeys: [oldHost],
    verificationMethods: { atproto: oldSigning },
    alsoKnownAs: ['at://alice.test'],
    services: { atproto_pds: pds('https://old.example') },
    prev: null,
    ...fields,
  }
  return signPlcOperation(unsigned, signer)
}

const from: PlcCredentials = {
  rotationKeys: [oldHost],
  alsoKnownAs: ['at://alice.test'],
  verificationMethods: { atproto: oldSigning },
  services: { atproto_pds: pds('https://old.example') },
}
const to: PlcCredentials = {
  rotationKeys: [newHost],
  alsoKnownAs: ['at://alice.test'],
  verificationMethods: { atproto: newSigning },
  services: { atproto_pds: pds('https://new.example') },
}

test('an ordinary account has its host’s keys and endpoint replaced, and nothing else', () => {
  const before = last()
  assert.deepEqual(planPlcMove(before, { from, to }), {
    type: 'plc_operation',
    rotationKeys: [newHost],
    verificationMethods: { atproto: newSigning },
    alsoKnownAs: ['at://alice.test'],
    services: { atproto_pds: pds('https://new.example') },
    prev: plcOperationCid(before),
  })
})

describe('rotation keys', () => {
  const cases: [string, before: string[], gone: string[], put: string[], after: string[]][] = [
    [
      'the owner’s stays above the host’s',
      [owner, oldHost],
      [oldHost],
      [newHost],
      [owner, newHost],
    ],
    [
      'the owner’s stays below the host’s',
      [oldHost, owner],
      [oldHost],
      [newHost],
      [newHost, owner],
    ],
    [
      'the new host’s stand where the old one’s stood',
      [owner, oldHost, backup],
      [oldHost],
      [newHost, spare],
      [owner, newHost, spare, backup],
    ],
    [
      'all of the old host’s go, from wherever they stand',
      [spare, owner, oldHost],
      [oldHost, spare],
      [newHost],
      [newHost, owner],
    ],
    [
      'an unknown old host leaves the new one last',
      [owner, backup],
      [oldHost],
      [newHost],
      [owner, backup, newHost],
    ],
    [
      'a source that cannot be asked takes nothing',
      [owner, oldHost],
      [],
      [newHost],
      [owner, oldHost, newHost],
    ],
    ['a key both hosts name stays', [owner, oldHost], [oldHost], [oldHost], [owner, oldHost]],
    [
      'a key of the destination that is there keeps its rank',
      [newHost, oldHost],
      [oldHost],
      [newHost],
      [newHost],
    ],
    [
      'a key that stood twice in an old log stands once',
      [owner, owner, oldHost],
      [oldHost],
      [newHost],
      [owner, newHost],
    ],
    ['a destination without keys leaves the owner’s', [owner, oldHost], [oldHost], [], [owner]],
    [
      'five are allowed',
      [owner, backup, spare, fifth, oldHost],
      [oldHost],
      [newHost],
      [owner, backup, spare, fifth, newHost],
    ],
  ]
  for (const [what, rotationKeys, gone, put, after] of cases)
    test(what, () => {
      const plan = planPlcMove(last({ rotationKeys }), {
        from: { ...from, rotationKeys: gone },
        to: { ...to, rotationKeys: put },
      })
      assert.deepEqual(plan.rotationKeys, after)
    })

  test('six are refused, and the message says what to do', () => {
    const rotationKeys = [owner, backup, spare, fifth, oldHost]
    assert.throws(
      () =>
        planPlcMove(last({ rotationKeys }), {
          from,
          to: { ...to, rotationKeys: [newHost, labeling] },
        }),
      { code: 'InvalidMove', message: /6 rotation keys.*at most 5.*remove one/ },
    )
  })

  test('none at all is refused', () => {
    assert.throws(() => planPlcMove(last(), { from, to: { ...to, rotationKeys: [] } }), {
      code: 'InvalidMove',
    })
  })
})

describe('what the hosts did not set', () => {
  test('stays: labeler and feed services, their keys, other names', () => {
    const before = last({
      verificationMethods: { atproto_label: labeling, atproto: oldSigning },
      alsoKnownAs: ['at://alice.test', 'https://alice.example', 'at://second.test'],
      services: {
        atproto_labeler: { type: 'AtprotoLabeler', endpoint: 'https://labels.example' },
        atproto_pds: pds('https://old.example'),
        bsky_fg: { type: 'BskyFeedGenerator', endpoint: 'https://feeds.example' },
      },
    })
    const plan = planPlcMove(before, { from, to })
    assert.deepEqual(plan.verificationMethods, { atproto_label: labeling, atproto: newSigning })
    assert.deepEqual(plan.alsoKnownAs, before.alsoKnownAs)
    assert.deepEqual(plan.services, {
      ...before.services,
      atproto_pds: pds('https://new.example'),
    })
  })

  test('stays even when the old host names another value for it', () => {
    const before = last({ verificationMethods: { atproto: oldSigning, extra: labeling } })
    const claims = { ...from, verificationMethods: { atproto: oldSigning, extra: spare } }
    const plan = planPlcMove(before, { from: claims, to })
    assert.equal(plan.verificationMethods.extra, labeling)
  })

  test('goes when the old host set it and the new one does not', () => {
    const before = last({ verificationMethods: { atproto: oldSigning, extra: labeling } })
    const claims = { ...from, verificationMethods: { atproto: oldSigning, extra: labeling } }
    const plan = planPlcMove(before, { from: claims, to })
    assert.deepEqual(plan.verificationMethods, { atproto: newSigning })
  })
})

describe('key and endpoint of the account', () => {
  test('are the destination’s also where the source names others, or none', () => {
    for (const source of [
      {},
      {
        verificationMethods: { atproto: spare },
        services: { atproto_pds: pds('https://x.example') },
      },
    ]) {
      const plan = planPlcMove(last({ rotationKeys: [owner] }), { from: source, to })
      assert.deepEqual(plan.verificationMethods, { atproto: newSigning })
      assert.deepEqual(plan.services, { atproto_pds: pds('https://new.example') })
    }
  })

  test('an endpoint is the same with and without a last slash', () => {
    const before = last({ services: { old: pds('https://old.example/') } })
    const claims = { ...from, services: { old: pds('https://old.example') } }
    assert.deepEqual(planPlcMove(before, { from: claims, to }).services, to.services)
  })
})

describe('names', () => {
  const cases: [string, before: string[], gone: string[], put: string[], after: string[]][] = [
    ['a handle that is kept', ['at://a.test'], ['at://a.test'], ['at://a.test'], ['at://a.test']],
    ['a handle that changes', ['at://a.test'], ['at://a.test'], ['at://b.test'], ['at://b.test']],
    [
      'a handle that changes among others',
      ['https://x.example', 'at://a.test', 'at://c.test'],
      ['at://a.test'],
      ['at://b.test'],
      ['https://x.example', 'at://b.test', 'at://c.test'],
    ],
    ['a destination without a word', ['at://a.test'], ['at://a.test'], [], ['at://a.test']],
    [
      'a source that cannot be asked',
      ['https://x.example', 'at://a.test'],
      [],
      ['at://b.test'],
      ['https://x.example', 'at://b.test'],
    ],
    [
      'a source that cannot be asked, the handle kept',
      ['at://a.test', 'at://c.test'],
      [],
      ['at://a.test'],
      ['at://a.test', 'at://c.test'],
    ],
    ['no handle before', [], [], ['at://b.test'], ['at://b.test']],
    ['a name that stood twice', ['at://a.test', 'at://a.test'], [], [], ['at://a.test']],
  ]
  for (const [what, alsoKnownAs, gone, put, after] of cases)
    test(what, () => {
      const plan = planPlcMove(last({ alsoKnownAs }), {
        from: { ...from, alsoKnownAs: gone },
        to: { ...to, alsoKnownAs: put },
      })
      assert.deepEqual(plan.alsoKnownAs, after)
    })
})

test('a legacy create moves as the operation it stands for', () => {
  const create = signPlcOperation(
    {
      type: 'create',
      signingKey: oldSigning,
      recoveryKey: owner,
      handle: 'alice.test',
      service: 'https://old.example',
      prev: null,
    } as const,
    signer,
  )
  const plan = planPlcMove(create, { from: { ...from, rotationKeys: [oldSigning] }, to })
  assert.deepEqual(plan.rotationKeys, [owner, newHost])
  assert.deepEqual(plan.services, to.services)
  assert.equal(plan.prev, plcOperationCid(create))
})

test('a tombstoned account does not move', () => {
  const prev = plcOperationCid(last())
  const tombstone = signPlcOperation({ type: 'plc_tombstone', prev } as const, signer)
  assert.throws(() => planPlcMove(tombstone, { from, to }), { code: 'InvalidMove' })
})

test('any move keeps what neither host names, in order, and a move back restores it', () => {
  const pool = [owner, backup, spare, fifth]
  fc.assert(
    fc.property(
      fc.shuffledSubarray(pool, { minLength: 0, maxLength: 3 }),
      fc.nat(3),
      (own, place) => {
        const rotationKeys = own.toSpliced(Math.min(place, own.length), 0, oldHost)
        const before = last({ rotationKeys })
        const plan = planPlcMove(before, { from, to })
        assert.deepEqual(
          plan.rotationKeys.filter((key) => key !== newHost),
          own,
        )
        assert.equal(plan.rotationKeys.indexOf(newHost), rotationKeys.indexOf(oldHost))
        const moved = signPlcOperation(plan, signer)
        validatePlcOperation(moved)
        const { prev: _, ...back } = planPlcMove(moved, { from: to, to: from })
        const { prev: __, sig: ___, ...original } = before
        assert.deepEqual(back, original)
      },
    ),
  )
})

test('a plan always passes today’s rules on keys, or is refused with our error', () => {
  const some = fc.subarray([owner, oldHost, newHost, spare, backup, fifth, labeling])
  fc.assert(
    fc.property(some, some, some, (before, gone, put) => {
      try {
        const plan = planPlcMove(last({ rotationKeys: before }), {
          from: { ...from, rotationKeys: gone },
          to: { ...to, rotationKeys: put },
        })
        assert.ok(plan.rotationKeys.length <= PLC_LIMITS.rotationKeys)
        validatePlcOperation(signPlcOperation(plan, signer))
        for (const key of put) assert.ok(plan.rotationKeys.includes(key))
        for (const key of gone) assert.equal(plan.rotationKeys.includes(key), put.includes(key))
      } catch (error) {
        assert.ok(error instanceof ProtocolError)
        assert.equal(error.code, 'InvalidMove')
      }
    }),
  )
})
