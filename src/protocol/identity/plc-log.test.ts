import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { generateKey } from '#protocol/crypto'
import { type Did, ProtocolError } from '#protocol/syntax'
import { vectorPath } from '../../../network/vectors.ts'
import { applyPlcOperation, PLC_RECOVERY_MS, type PlcLogEntry, verifyPlcLog } from './plc-log.ts'
import {
  type AnyPlcOperation,
  type PlcOperation,
  plcDid,
  plcOperationCid,
  signPlcOperation,
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
