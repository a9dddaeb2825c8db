import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { generateKey, type SigningKey } from '#protocol/crypto'
import { seeded } from './fake-web.test-support.ts'
import { plcData } from './plc-document.ts'
import { applyPlcOperation, PLC_RECOVERY_MS, type PlcLogEntry, verifyPlcLog } from './plc-log.ts'
import {
  type PlcOperation,
  plcDid,
  plcOperationCid,
  signPlcOperation,
  type UnsignedPlcOperation,
} from './plc-operation.ts'
import { planPlcTakeover, planRecoveryKey, planWithoutKey, plcReach } from './plc-recovery.ts'
import { PLC_LIMITS, validatePlcOperation } from './plc-rules.ts'

const random = seeded(77)
const [owner, host, thief, newHost, organisation, signing, newSigning] = Array.from(
  { length: 7 },
  () => generateKey('k256', random),
) as [SigningKey, SigningKey, SigningKey, SigningKey, SigningKey, SigningKey, SigningKey]
const idOf = (key: SigningKey) => key.publicKey.didKey

const START_MS = Date.UTC(2026, 0, 1)
const HOUR_MS = 3_600_000
const pds = (endpoint: string) => ({ atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint } })

/** A log as a directory keeps it; each further operation follows the one in force. */
class Log {
  entries: PlcLogEntry[] = []
  readonly did

  constructor(rotationKeys: SigningKey[]) {
    const genesis: UnsignedPlcOperation = {
      type: 'plc_operation',
      rotationKeys: rotationKeys.map(idOf),
      verificationMethods: { atproto: idOf(signing), atproto_label: idOf(newHost) },
      alsoKnownAs: ['at://alice.example', 'https://alice.example'],
      services: {
        ...pds('https://old.example'),
        atproto_labeler: { type: 'L', endpoint: 'https://l' },
      },
      prev: null,
    }
    const signed = signPlcOperation(genesis, host)
    this.did = plcDid(signed)
    this.accept(signed, 0)
  }

  get last(): PlcOperation {
    return this.entries.at(-1)!.operation as PlcOperation
  }

  accept(operation: PlcOperation, hours: number): void {
    const nowMs = START_MS + hours * HOUR_MS
    const { cid, nullified } = applyPlcOperation(this.did, this.entries, operation, nowMs)
    const createdAt = new Date(nowMs).toISOString()
    if (nullified.length > 0) this.entries = this.entries.slice(0, -nullified.length)
    this.entries.push({ did: this.did, operation, cid, nullified: false, createdAt })
  }

  change(change: Partial<UnsignedPlcOperation>, signer: SigningKey, hours: number): void {
    const { sig: _, ...last } = this.last
    const next = { ...last, ...change, prev: plcOperationCid(this.last) }
    this.accept(signPlcOperation(next, signer), hours)
  }

  takeover(options: Partial<Parameters<typeof planPlcTakeover>[1]>, hours: number) {
    const nowMs = START_MS + hours * HOUR_MS
    return planPlcTakeover(this.entries, { didKey: idOf(owner), to, nowMs, ...options })
  }
}

const to = {
  rotationKeys: [idOf(newHost)],
  alsoKnownAs: ['at://alice.new.example'],
  verificationMethods: { atproto: idOf(newSigning) },
  services: pds('https://new.example'),
}

describe('a key is put first', () => {
  test('above the host’s, and everything else stays', () => {
    const { last } = new Log([host])
    const { sig: _, ...before } = last
    assert.deepEqual(planRecoveryKey(last, idOf(owner)), {
      ...before,
      rotationKeys: [idOf(owner), idOf(host)],
      prev: plcOperationCid(last),
    })
  })

  test('rises when it is there already; where it is first nothing is to be done', () => {
    const log = new Log([host, owner])
    assert.deepEqual(planRecoveryKey(log.last, idOf(owner))?.rotationKeys, [owner, host].map(idOf))
    assert.equal(planRecoveryKey(new Log([owner, host]).last, idOf(owner)), undefined)
  })

  test('only where there is room, and not on an identity that has ended', () => {
    const log = new Log([host, thief, newHost, organisation, signing])
    assert.throws(() => planRecoveryKey(log.last, idOf(owner)), { code: 'InvalidKeyChange' })
    const ended = { type: 'plc_tombstone' as const, prev: 'x', sig: '' }
    assert.throws(() => planRecoveryKey(ended, idOf(owner)), { code: 'InvalidKeyChange' })
  })

  test('whatever keys there are, they keep their order, and the directory takes it', () => {
    const all = [host, thief, newHost, organisation]
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 1 }), (others) => {
        if (!others.includes(host)) return
        const log = new Log(others)
        const planned = planRecoveryKey(log.last, idOf(owner))!
        assert.deepEqual(planned.rotationKeys.slice(1), others.map(idOf))
        log.accept(validatePlcOperation(signPlcOperation(planned, host)) as PlcOperation, 1)
      }),
      { numRuns: 20 },
    )
  })
})

test('a key is taken out and nothing else; not the last one', () => {
  const { last } = new Log([owner, host])
  assert.deepEqual(planWithoutKey(last, idOf(owner))?.rotationKeys, [idOf(host)])
  assert.equal(planWithoutKey(last, idOf(thief)), undefined)
  assert.throws(() => planWithoutKey(new Log([host]).last, idOf(host)), {
    code: 'InvalidKeyChange',
  })
})

describe('an owner’s key takes the account', () => {
  test('to a new host: the old one’s key goes, what is nobody’s business stays', () => {
    const log = new Log([owner, host])
    const { operation, dropped, undone } = log.takeover({}, 1)
    assert.deepEqual(dropped, [idOf(host)])
    assert.deepEqual(undone, [])
    log.accept(validatePlcOperation(signPlcOperation(operation, owner)) as PlcOperation, 1)
    assert.deepEqual(plcData(log.did, log.last), {
      did: log.did,
      rotationKeys: [idOf(owner), idOf(newHost)],
      verificationMethods: { atproto: idOf(newSigning), atproto_label: idOf(newHost) },
      alsoKnownAs: ['at://alice.new.example', 'https://alice.example'],
      services: { ...to.services, atproto_labeler: { type: 'L', endpoint: 'https://l' } },
    })
    assert.throws(() => log.change({ alsoKnownAs: [] }, host, 2), { code: 'InvalidSignature' })
  })

  test('keeps the keys that are named and those that rank above, and puts the new host’s last', () => {
    const log = new Log([organisation, owner, thief, host])
    const { operation, dropped, above } = log.takeover({ keep: [idOf(thief)] }, 1)
    assert.deepEqual(operation.rotationKeys, [organisation, owner, thief, newHost].map(idOf))
    assert.deepEqual(dropped, [idOf(host)])
    assert.deepEqual(above, [idOf(organisation)])
  })

  test('in two steps, the first of which names a key of its own and no host', () => {
    const log = new Log([owner, host])
    const first = log.takeover({ to: { verificationMethods: { atproto: idOf(thief) } } }, 1)
    assert.deepEqual(first.operation.rotationKeys, [idOf(owner)])
    assert.deepEqual(first.operation.services.atproto_pds, pds('https://old.example').atproto_pds)
    assert.deepEqual(first.operation.alsoKnownAs, ['at://alice.example', 'https://alice.example'])
    log.accept(signPlcOperation(first.operation, owner), 1)
    const second = log.takeover({}, 2)
    assert.deepEqual(second.operation.rotationKeys, [idOf(owner), idOf(newHost)])
    log.accept(signPlcOperation(second.operation, owner), 2)
    assert.equal(log.last.verificationMethods.atproto, idOf(newSigning))
  })

  test('back from a host that threw it out, for 72 hours, by taking its operations back', () => {
    const log = new Log([owner, host])
    log.change({ rotationKeys: [idOf(host)], services: pds('https://thief.example') }, host, 10)
    log.change({ alsoKnownAs: ['at://stolen.example'] }, host, 11)
    const { operation, undone, untilMs } = log.takeover({}, 12)
    assert.equal(undone.length, 2)
    assert.equal(untilMs, START_MS + 10 * HOUR_MS + PLC_RECOVERY_MS)
    assert.ok(operation.alsoKnownAs.includes('https://alice.example'), 'what was there before them')
    log.accept(signPlcOperation(operation, owner), 12)
    assert.equal(log.entries.length, 2)
    assert.throws(() => log.change({}, host, 13), { code: 'InvalidSignature' })
  })

  test('to the last millisecond of the 72 hours, as the directory counts them', () => {
    const log = new Log([owner, host])
    log.change({ rotationKeys: [idOf(host)] }, host, 1)
    const { operation } = log.takeover({}, 73)
    log.accept(signPlcOperation(operation, owner), 73)
    const late = new Log([owner, host])
    late.change({ rotationKeys: [idOf(host)] }, host, 1)
    assert.throws(() => late.takeover({}, 73.001), {
      code: 'LateRecovery',
      message: /until 2026-01-04T01:00:00.000Z/,
    })
  })

  test('back from a tombstone', () => {
    const log = new Log([owner, host])
    const prev = plcOperationCid(log.last)
    const ended = signPlcOperation({ type: 'plc_tombstone' as const, prev }, host)
    log.accept(ended as never, 1)
    const { operation } = log.takeover({}, 2)
    log.accept(signPlcOperation(operation, owner), 2)
    assert.deepEqual(
      verifyPlcLog(log.did, log.entries).data?.services.atproto_pds,
      to.services.atproto_pds,
    )
  })

  test('not where it never was, nor where a key above it took it out', () => {
    const log = new Log([organisation, owner, host])
    assert.throws(() => log.takeover({ didKey: idOf(thief) }, 1), { code: 'UnknownKey' })
    log.change({ rotationKeys: [organisation, host].map(idOf) }, organisation, 1)
    assert.throws(() => log.takeover({}, 2), { code: 'StalePrev' })
  })

  test('with as many keys as a directory takes, and no more', () => {
    const full = new Log([owner, thief, organisation, signing, host])
    const keep = [thief, organisation, signing].map(idOf)
    assert.equal(full.takeover({ keep }, 1).operation.rotationKeys.length, PLC_LIMITS.rotationKeys)
    assert.throws(() => full.takeover({ keep: [...keep, idOf(host)] }, 1), { code: 'InvalidMove' })
  })
})

test('what the reach says is what a directory does, whoever signed what', () => {
  const people = [owner, host, thief]
  const step = fc.record({
    signer: fc.constantFrom(...people),
    keys: fc.shuffledSubarray(people, { minLength: 1 }),
    hours: fc.integer({ min: 1, max: 60 }),
  })
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 4 }),
      fc.integer({ min: 1, max: 90 }),
      (steps, wait) => {
        const log = new Log([owner, host, thief])
        let hours = 0
        for (const { signer, keys, hours: later } of steps) {
          hours += later
          if (!log.last.rotationKeys.includes(idOf(signer))) continue
          log.change({ rotationKeys: keys.map(idOf) }, signer, hours)
        }
        hours += wait
        const nowMs = START_MS + hours * HOUR_MS
        for (const key of people) {
          let reach: ReturnType<typeof plcReach> | undefined
          try {
            reach = plcReach(log.entries, idOf(key), nowMs)
          } catch {
            reach = undefined
          }
          // The directory is asked at every place of the log, newest first.
          const taken = log.entries.toReversed().find(({ operation }) => {
            const { sig: _, ...unsigned } = operation as PlcOperation
            const next = signPlcOperation({ ...unsigned, prev: plcOperationCid(operation) }, key)
            try {
              applyPlcOperation(log.did, log.entries, next, nowMs)
              return true
            } catch {
              return false
            }
          })
          assert.equal(reach?.prev, taken?.operation)
        }
      },
    ),
    { numRuns: 60 },
  )
})
