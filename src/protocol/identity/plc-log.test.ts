import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { generateKey, type SigningKey } from '#protocol/crypto'
import { type Did, ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import { seeded } from './fake-web.test-support.ts'
import { applyPlcOperation, PLC_RECOVERY_MS, type PlcLogEntry, verifyPlcLog } from './plc-log.ts'
import {
  type AnyPlcOperation,
  plcDid,
  plcOperationCid,
  signPlcOperation,
  type UnsignedPlcOperation,
} from './plc-operation.ts'

const logs = vectorPath('plc-audit-logs/audit_log')

function vectorLogs(kind: 'valid' | 'invalid'): [name: string, entries: PlcLogEntry[]][] {
  if (logs === undefined) return []
  return readdirSync(join(logs, kind)).map((name) => [
    name,
    JSON.parse(readFileSync(join(logs, kind, name), 'utf8')),
  ])
}

describe('the shared audit logs', { skip: logs === undefined }, () => {
  for (const [name, entries] of vectorLogs('valid'))
    test(`${name} verifies and ends where its last valid entry says`, () => {
      const state = verifyPlcLog(entries[0]!.did, entries)
      const valid = entries.filter((entry) => !entry.nullified)
      assert.equal(state.cid, valid.at(-1)!.cid)
      assert.deepEqual(state.valid, valid)
      assert.equal(state.data === undefined, valid.at(-1)!.operation.type === 'plc_tombstone')
    })

  for (const [name, entries] of vectorLogs('invalid'))
    test(`${name} is refused`, () => {
      assert.throws(() => verifyPlcLog(entries[0]!.did, entries), ProtocolError)
    })

  const codes: Record<string, string> = {
    'log_invalid_nullification_reused_key.json': 'StalePrev',
    'log_invalid_nullification_too_slow.json': 'LateRecovery',
    'log_invalid_sig_der.json': 'InvalidSignature',
    'log_invalid_sig_k256_high_s.json': 'InvalidSignature',
    'log_invalid_sig_p256_high_s.json': 'InvalidSignature',
    'log_invalid_sig_b64_padding_bits.json': 'InvalidSignature',
    'log_invalid_update_nullified.json': 'MisorderedOperation',
    'log_invalid_update_tombstoned.json': 'MisorderedOperation',
  }
  for (const [name, entries] of vectorLogs('invalid').filter(([name]) => name in codes))
    test(`${name} is refused for its own reason, ${codes[name]}`, () => {
      assert.throws(() => verifyPlcLog(entries[0]!.did, entries), { code: codes[name] })
    })

  for (const [name, entries] of vectorLogs('valid'))
    test(`${name} is refused when any single claim of it is changed`, () => {
      const did = entries[0]!.did
      entries.forEach((entry, at) => {
        const changes: Partial<PlcLogEntry>[] = [
          { nullified: !entry.nullified },
          { cid: `${entry.cid.slice(0, -4)}aaaa` },
          { did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' },
          { operation: { ...entry.operation, sig: 'A'.repeat(86) } },
          { operation: { ...entry.operation, extra: 1 } as unknown as AnyPlcOperation },
          { createdAt: 'yesterday' },
        ]
        for (const change of changes)
          assert.throws(
            () => verifyPlcLog(did, entries.with(at, { ...entry, ...change })),
            ProtocolError,
            `${at} ${JSON.stringify(change)}`,
          )
      })
    })
})

/** A directory in memory, as plain as can be: the log it keeps is what verifyPlcLog must believe. */
class SmallDirectory {
  readonly did: Did
  entries: PlcLogEntry[] = []

  constructor(did: Did) {
    this.did = did
  }

  submit(operation: AnyPlcOperation, nowMs: number): string {
    const log = this.entries.filter((entry) => !entry.nullified)
    const { cid, nullified } = applyPlcOperation(this.did, log, operation, nowMs)
    this.entries = this.entries.map((entry) =>
      nullified.includes(entry.cid) ? { ...entry, nullified: true } : entry,
    )
    const createdAt = new Date(nowMs).toISOString()
    this.entries.push({ did: this.did, operation, cid, nullified: false, createdAt })
    return cid
  }
}

const random = seeded(21)
/** Most powerful first, and one that never belongs. */
const keys = Array.from({ length: 3 }, () => generateKey('k256', random))
const stranger = generateKey('p256', random)
const HOUR = 3_600_000

function update(prev: string | null, signer: SigningKey, name = 'alice', ranked = keys) {
  const unsigned: UnsignedPlcOperation = {
    type: 'plc_operation',
    rotationKeys: ranked.map((key) => key.publicKey.didKey),
    verificationMethods: {},
    alsoKnownAs: [`at://${name}.test`],
    services: {},
    prev,
  }
  return signPlcOperation(unsigned, signer)
}

function started(): { directory: SmallDirectory; genesis: string } {
  const operation = update(null, keys[1]!)
  const directory = new SmallDirectory(plcDid(operation))
  return { directory, genesis: directory.submit(operation, 0) }
}

function entombed(prev: string, signer: SigningKey) {
  return signPlcOperation({ type: 'plc_tombstone', prev } as const, signer)
}

describe('the first operation', () => {
  test('makes the DID it names, signed by one of its own keys', () => {
    const operation = update(null, keys[2]!)
    const applied = applyPlcOperation(plcDid(operation), [], operation, 0)
    assert.deepEqual(applied, {
      cid: plcOperationCid(operation),
      nullified: [],
      signer: keys[2]!.publicKey.didKey,
    })
  })

  const genesis = update(null, keys[0]!)
  const did = plcDid(genesis)
  const refusals: [string, AnyPlcOperation, Did, string][] = [
    ['of another DID', genesis, 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', 'GenesisMismatch'],
    ['signed by a stranger', update(null, stranger), did, 'InvalidSignature'],
    [
      'that follows something',
      update(plcOperationCid(genesis), keys[0]!),
      did,
      'MisorderedOperation',
    ],
    [
      'that is a tombstone',
      entombed(plcOperationCid(genesis), keys[0]!),
      did,
      'MisorderedOperation',
    ],
  ]
  for (const [what, operation, name, code] of refusals)
    test(`${what} is refused with ${code}`, () => {
      assert.throws(() => applyPlcOperation(name, [], operation, 0), { code })
    })

  test('does not come twice', () => {
    const { directory } = started()
    assert.throws(() => directory.submit(update(null, keys[1]!), 1), {
      code: 'MisorderedOperation',
    })
  })
})

describe('a further operation', () => {
  test('may be signed by any key of the one before, and takes effect', () => {
    for (const signer of keys) {
      const { directory, genesis } = started()
      directory.submit(update(genesis, signer, 'bob'), 1)
      assert.deepEqual(verifyPlcLog(directory.did, directory.entries).data?.alsoKnownAs, [
        'at://bob.test',
      ])
    }
  })

  test('is refused when its key was taken out by the one before', () => {
    const { directory, genesis } = started()
    const next = directory.submit(update(genesis, keys[0]!, 'alice', keys.slice(0, 1)), 1)
    assert.throws(() => directory.submit(update(next, keys[1]!), 2), { code: 'InvalidSignature' })
    assert.throws(() => directory.submit(update(next, stranger), 2), { code: 'InvalidSignature' })
  })

  test('is refused when it follows nothing that is there', () => {
    const { directory } = started()
    const nowhere = plcOperationCid(update(null, stranger))
    assert.throws(() => directory.submit(update(nowhere, keys[0]!), 1), {
      code: 'MisorderedOperation',
    })
  })

  test('is refused when time does not go on', () => {
    const { directory, genesis } = started()
    for (const nowMs of [0, -1])
      assert.throws(() => directory.submit(update(genesis, keys[0]!), nowMs), {
        code: 'MisorderedOperation',
      })
  })

  test('may end the DID, and then nothing follows', () => {
    const { directory, genesis } = started()
    const end = directory.submit(entombed(genesis, keys[2]!), 1)
    assert.equal(verifyPlcLog(directory.did, directory.entries).data, undefined)
    assert.throws(() => directory.submit(update(end, keys[0]!), 2), {
      code: 'MisorderedOperation',
    })
  })
})

describe('taking back', () => {
  test('is for keys that rank above the signer of what is taken back', () => {
    for (const [signer, rescuer, works] of [
      [2, 1, true],
      [2, 0, true],
      [1, 0, true],
      [0, 0, false],
      [1, 1, false],
      [1, 2, false],
      [0, 1, false],
    ] as const) {
      const { directory, genesis } = started()
      const taken = directory.submit(update(genesis, keys[signer]!, 'mallory'), HOUR)
      const rescue = () => directory.submit(update(genesis, keys[rescuer]!, 'back'), 2 * HOUR)
      if (!works) assert.throws(rescue, { code: 'StalePrev' })
      else {
        rescue()
        const state = verifyPlcLog(directory.did, directory.entries)
        assert.deepEqual(state.data?.alsoKnownAs, ['at://back.test'])
        assert.equal(directory.entries.find((entry) => entry.cid === taken)?.nullified, true)
      }
    }
  })

  test('takes everything that followed, whoever signed it, tombstones too', () => {
    const { directory, genesis } = started()
    const one = directory.submit(update(genesis, keys[2]!, 'm1', [stranger]), 1)
    const two = directory.submit(update(one, stranger, 'm2', [stranger]), 2)
    directory.submit(entombed(two, stranger), 3)
    directory.submit(update(genesis, keys[1]!, 'back'), 4)
    assert.deepEqual(
      directory.entries.map((entry) => entry.nullified),
      [false, true, true, true, false],
    )
    assert.equal(verifyPlcLog(directory.did, directory.entries).valid.length, 2)
  })

  test('is possible for 72 hours to the millisecond, counted from what is taken back first', () => {
    for (const [lateMs, works] of [
      [0, true],
      [1, false],
    ] as const) {
      const { directory, genesis } = started()
      const first = directory.submit(update(genesis, keys[2]!, 'm1'), HOUR)
      directory.submit(update(first, keys[2]!, 'm2'), HOUR + 1)
      const nowMs = HOUR + PLC_RECOVERY_MS + lateMs
      const rescue = () => directory.submit(update(genesis, keys[0]!), nowMs)
      if (works) assert.doesNotThrow(rescue)
      else assert.throws(rescue, { code: 'LateRecovery' })
    }
  })

  test('needs only the log from prev on', () => {
    const { directory, genesis } = started()
    const one = directory.submit(update(genesis, keys[0]!, 'a'), 1)
    const two = directory.submit(update(one, keys[2]!, 'b'), 2)
    const rescue = update(one, keys[1]!, 'c')
    const whole = applyPlcOperation(directory.did, directory.entries, rescue, 3)
    const part = applyPlcOperation(directory.did, directory.entries.slice(1), rescue, 3)
    assert.deepEqual(part, whole)
    assert.deepEqual(part.nullified, [two])
  })
})

test('whatever is submitted, the log that results is true and is ruled by rank', () => {
  const attempt = fc.record({
    signer: fc.nat(3),
    /** How many operations back, of all that were accepted. */
    back: fc.nat(3),
    waitMs: fc.constantFrom(0, 1, HOUR, 30 * HOUR, 72 * HOUR),
    tombstone: fc.constantFrom(false, false, false, true),
    ranked: fc.shuffledSubarray([0, 1, 2], { minLength: 1 }),
  })
  const signers = [...keys, stranger]
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 12 }), (attempts) => {
      const { directory } = started()
      let nowMs = 0
      for (const { signer, back, waitMs, tombstone, ranked } of attempts) {
        nowMs += waitMs
        const { entries } = directory
        const prev = entries[Math.max(0, entries.length - 1 - back)]!.cid
        const list = ranked.map((index) => keys[index]!)
        const operation = tombstone
          ? entombed(prev, signers[signer]!)
          : update(prev, signers[signer]!, `n${entries.length}`, list)
        const before = structuredClone(entries)
        try {
          directory.submit(operation, nowMs)
        } catch (error) {
          assert.ok(error instanceof ProtocolError)
          assert.deepEqual(directory.entries, before)
        }
      }
      const { entries } = directory
      const state = verifyPlcLog(directory.did, entries)
      state.valid.forEach((entry, at) => {
        assert.equal(entry.operation.prev, at === 0 ? null : state.valid[at - 1]!.cid)
        assert.notEqual(at > 0 && state.valid[at - 1]!.operation.type, 'plc_tombstone')
      })
      for (const entry of entries)
        assert.equal(entry.nullified, !state.valid.some((one) => one.cid === entry.cid))
    }),
    { numRuns: 150 },
  )
})

test('a log of nothing, or of things that are no entries, is refused with our error', () => {
  const did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
  assert.throws(() => verifyPlcLog(did, []), { code: 'InvalidLog' })
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), (entries) => {
      assert.throws(() => verifyPlcLog(did, entries), ProtocolError)
    }),
  )
})
