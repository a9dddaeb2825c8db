import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { generateKey } from '#protocol/crypto'
import { encodeCbor } from '#protocol/data'
import { type Did, ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import {
  type JudgedPlcOperation,
  PLC_VERDICTS,
  PlcJudge,
  type PlcLogInForce,
  parseSequencedPlcEntry,
  plcOperationForms,
  type SequencedPlcEntry,
} from './plc-following.ts'
import { applyPlcOperation, type PlcLogEntry } from './plc-log.ts'
import {
  type AnyPlcOperation,
  type PlcOperation,
  plcDid,
  plcOperationCid,
  signPlcOperation,
} from './plc-operation.ts'

const keys = Array.from({ length: 3 }, (_, i) => generateKey(i === 1 ? 'p256' : 'k256'))
const stranger = generateKey('k256')

function operation(prev: string | null, signer = keys[0]!, name = 'alice'): PlcOperation {
  return signPlcOperation(
    {
      type: 'plc_operation',
      rotationKeys: keys.map((key) => key.publicKey.didKey),
      verificationMethods: { atproto: keys[0]!.publicKey.didKey },
      alsoKnownAs: [`at://${name}.test`],
      services: {
        atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'https://a.example' },
      },
      prev,
    } as const,
    signer,
  )
}

const genesis = operation(null)
const did = plcDid(genesis)

/** What is in force, kept in a list. */
function inForce(log: readonly PlcLogEntry[]): PlcLogInForce | undefined {
  const last = log.at(-1)
  return last && { last, from: async (cid) => log.slice(log.findIndex((one) => one.cid === cid)) }
}

function entry(operation: AnyPlcOperation, second: number, of: Did = did): SequencedPlcEntry {
  const createdAt = new Date(second * 1000).toISOString()
  const cid = plcOperationCid(operation)
  return { seq: second + 1, did: of as Did<'plc'>, cid, createdAt, operation }
}

/** The verdict of the plain rules, for the same. */
function plainly(one: SequencedPlcEntry, log: readonly PlcLogEntry[]): string {
  try {
    const at = Date.parse(one.createdAt)
    return applyPlcOperation(one.did, log, one.operation as AnyPlcOperation, at).nullified.join()
  } catch (error) {
    return (error as ProtocolError).code
  }
}

async function judged(judge: PlcJudge, one: SequencedPlcEntry, log: readonly PlcLogEntry[]) {
  try {
    return (await judge.judge(one, inForce(log))).nullified.join()
  } catch (error) {
    return (error as ProtocolError).code
  }
}

test('one encoding gives the bytes that are signed and the bytes that are named', () => {
  const tombstone = signPlcOperation(
    { type: 'plc_tombstone', prev: plcOperationCid(genesis) } as const,
    keys[0]!,
  )
  const create = {
    type: 'create',
    signingKey: 'a',
    recoveryKey: 'b',
    handle: 'c',
    service: 'd',
    prev: null,
    sig: 'x'.repeat(300),
  } as const
  for (const one of [genesis, tombstone, create, { ...genesis, sig: '' }]) {
    const { sig: _, ...rest } = one
    assert.deepEqual(plcOperationForms(one), { content: encodeCbor(rest), whole: encodeCbor(one) })
  }
})

test('whatever comes in whatever order, the judge says what the plain rules say', async () => {
  // Operations that name each other as prev, by any key, at any time, some of them forged.
  const step = fc.record({
    prev: fc.integer({ min: -1, max: 5 }),
    signer: fc.integer({ min: 0, max: 3 }),
    hours: fc.integer({ min: 0, max: 50 }),
    ends: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      const judge = new PlcJudge()
      const made: AnyPlcOperation[] = [genesis]
      let log: PlcLogEntry[] = []
      let second = 0
      for (const [i, { prev, signer, hours, ends }] of [
        { prev: -1, signer: 0, hours: 0, ends: false },
        ...steps,
      ].entries()) {
        const before = i === 0 || prev < 0 ? null : plcOperationCid(made[prev % made.length]!)
        const key = keys[signer] ?? stranger
        const next =
          i === 0
            ? genesis
            : ends && before !== null
              ? signPlcOperation({ type: 'plc_tombstone', prev: before } as const, key)
              : operation(before, key, `n${i}`)
        made.push(next)
        second += hours * 3600
        const one = entry(next, second)
        const expected = plainly(one, log)
        assert.equal(await judged(judge, one, log), expected)
        if (PLC_VERDICTS.includes(expected as never)) continue
        const gone = expected === '' ? 0 : expected.split(',').length
        log = [...log.slice(0, log.length - gone), { ...one, operation: next, nullified: false }]
      }
    }),
    { numRuns: 60 },
  )
})

test('a key that signed often does not outrank the keys before it', async () => {
  const judge = new PlcJudge()
  const low = keys[2]!
  let log: PlcLogEntry[] = [{ ...entry(genesis, 0), operation: genesis, nullified: false }]
  for (let i = 1; i < 6; i++) {
    const next = operation(log.at(-1)!.cid, low, `n${i}`)
    await judge.judge(entry(next, i), inForce(log))
    log = [...log, { ...entry(next, i), operation: next, nullified: false }]
  }
  const back = operation(log[0]!.cid, keys[1]!, 'back')
  const result: JudgedPlcOperation = await judge.judge(entry(back, 9), inForce(log))
  assert.deepEqual(
    result.nullified,
    log.slice(1).map(({ cid }) => cid),
  )
  await assert.rejects(judge.judge(entry(operation(log[0]!.cid, low, 'x'), 9), inForce(log)), {
    code: 'StalePrev',
  })
})

test('another hash than the operation has is refused before anything is verified', async () => {
  const one = { ...entry(genesis, 0), cid: plcOperationCid(operation(null, keys[0], 'other')) }
  await assert.rejects(new PlcJudge().judge(one, undefined), { code: 'CidMismatch' })
})

describe('lines of an export', () => {
  const whole = { ...entry(genesis, 1), type: 'sequenced_op' }

  test('are read with what they say, their operation as it came', () => {
    const { type: _, ...expected } = whole
    assert.deepEqual(parseSequencedPlcEntry(JSON.stringify(whole)), expected)
  })

  test('without a place, a DID, a hash or a time are refused', () => {
    for (const change of [
      { seq: 0 },
      { seq: 1.5 },
      { seq: '1' },
      { did: 'did:web:a.example' },
      { cid: 1 },
      { createdAt: 'now' },
    ])
      assert.throws(() => parseSequencedPlcEntry(JSON.stringify({ ...whole, ...change })), {
        code: 'InvalidExport',
      })
    for (const text of ['', 'null', '[]', '{', '"x"'])
      assert.throws(() => parseSequencedPlcEntry(text), { code: 'InvalidExport' })
  })

  test('of any text never do anything but be refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.throws(() => parseSequencedPlcEntry(text), ProtocolError)
      }),
    )
  })
})

describe('the shared audit logs', () => {
  const logs = vectorPath('plc-audit-logs/audit_log')
  for (const kind of logs === undefined ? [] : ['valid', 'invalid'])
    for (const name of readdirSync(join(logs!, kind)))
      test(`${name} is ${kind} to the judge`, async () => {
        const entries = JSON.parse(readFileSync(join(logs!, kind, name), 'utf8')) as PlcLogEntry[]
        const judge = new PlcJudge()
        let log: PlcLogEntry[] = []
        const refused: string[] = []
        for (const [i, one] of entries.entries()) {
          const line = { ...one, did: one.did as Did<'plc'>, seq: i + 1 }
          try {
            const { nullified } = await judge.judge(line, inForce(log))
            log = [...log.slice(0, log.length - nullified.length), one]
          } catch (error) {
            refused.push((error as ProtocolError).code)
          }
        }
        assert.equal(refused.length > 0, kind === 'invalid', refused.join())
        assert.ok(refused.every((code) => PLC_VERDICTS.includes(code as never)))
        if (kind === 'valid')
          assert.deepEqual(
            log,
            entries.filter(({ nullified }) => !nullified),
          )
      })
})
