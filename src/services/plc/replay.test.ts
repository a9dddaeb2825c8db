import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { PlcLogEntry } from '#protocol/identity'
import { vectorPath } from '../../../network/vectors.ts'
import { startPlc } from './plc.test-support.ts'

const logs = vectorPath('plc-audit-logs/audit_log')

/** Submitted at their own times, these logs have an operation that is history only: index and why. */
const historic: Record<string, [at: number, message: RegExp]> = {
  'log_legacy_dholms.json': [0, /legacy create/],
  'log_duplicate_rotation_keys.json': [0, /twice/],
  'log_empty_rotation_keys.json': [1, /must be a rotation key/],
  'log_nullification.json': [1, /must be a rotation key/],
}

function read(kind: string): [string, PlcLogEntry[]][] {
  if (logs === undefined) return []
  return readdirSync(join(logs, kind)).map((name) => [
    name,
    JSON.parse(readFileSync(join(logs, kind, name), 'utf8')),
  ])
}

/** Submits each operation at its own time; the first refusal, or undefined. */
async function replay(entries: readonly PlcLogEntry[]) {
  const plc = await startPlc({ startMs: 0 })
  for (const [at, entry] of entries.entries()) {
    plc.outside.setNow(Date.parse(entry.createdAt))
    const response = await plc.post(entry.did, entry.operation)
    if (response.status === 200) continue
    const { message } = (await response.json()) as { message: string }
    await plc.close()
    return { at, status: response.status, message }
  }
  const audit = await plc.audit(entries[0]!.did)
  await plc.close()
  assert.deepEqual(audit, entries)
  return undefined
}

describe('the shared audit logs, submitted anew', { skip: logs === undefined }, () => {
  for (const [name, entries] of read('valid')) {
    const exception = historic[name]
    if (exception === undefined)
      test(`${name} is accepted and gives the same audit log`, async () => {
        assert.equal(await replay(entries), undefined)
      })
    else
      test(`${name} is accepted up to what is only history`, async () => {
        const refused = await replay(entries)
        assert.equal(refused?.at, exception[0])
        assert.match(refused.message, exception[1])
      })
  }

  for (const [name, entries] of read('invalid'))
    test(`${name} is refused`, async () => {
      const refused = await replay(entries)
      assert.ok(refused && refused.status >= 400 && refused.status < 500)
    })
})
