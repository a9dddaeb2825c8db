import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Did } from '#protocol/syntax'
import { seeded } from './fake-web.test-support.ts'
import {
  parseWrappedRecoveryKey,
  type Subtle,
  unwrapRecoverySecret,
  wrapRecoverySecret,
} from './recovery-wrap.ts'

const subtle = webcrypto.subtle as Subtle
const did: Did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const random = seeded(5)
const [secret, salt, prf] = [random(16), random(32), random(32)]
const lock = (change: { did?: Did; prf?: Uint8Array; salt?: Uint8Array } = {}) =>
  wrapRecoverySecret(secret, { did, credentialId: 'cHJm', salt, prf, subtle, random, ...change })

test('what a passkey locked it opens, also after it was kept as JSON', async () => {
  const kept = parseWrappedRecoveryKey(JSON.parse(JSON.stringify(await lock())))
  assert.deepEqual(await unwrapRecoverySecret(kept, { did, prf, subtle }), secret)
  assert.notEqual(kept.sealed, (await lock()).sealed, 'no two are alike')
})

test('another passkey, account, salt or byte opens nothing', async () => {
  const wrapped = await lock()
  const wrong = { code: 'WrongPasskey' }
  const other = random(32)
  await assert.rejects(unwrapRecoverySecret(wrapped, { did, prf: other, subtle }), wrong)
  const bob: Did = 'did:plc:44ybard66vv44zksje25o7dz'
  await assert.rejects(unwrapRecoverySecret(wrapped, { did: bob, prf, subtle }), wrong)
  for (const field of ['salt', 'nonce', 'sealed'] as const) {
    const text = wrapped[field]
    const changed = { ...wrapped, [field]: (text[0] === 'A' ? 'B' : 'A') + text.slice(1) }
    await assert.rejects(unwrapRecoverySecret(changed, { did, prf, subtle }), wrong, field)
  }
})

test('a passkey that gives no secret locks nothing', async () => {
  await assert.rejects(lock({ prf: new Uint8Array(0) }), { code: 'InvalidWrappedKey' })
  await assert.rejects(lock({ salt: new Uint8Array(8) }), { code: 'InvalidWrappedKey' })
})

test('nothing else is taken for a locked key', async () => {
  const wrapped = await lock()
  const wrongs: object[] = [
    { version: 2 },
    { credentialId: '' },
    { credentialId: 'A'.repeat(2_000) },
    { salt: 'AAAA' },
    { nonce: '****' },
    { sealed: `${wrapped.sealed}AAAA` },
  ]
  for (const change of wrongs)
    assert.throws(() => parseWrappedRecoveryKey({ ...wrapped, ...change }), JSON.stringify(change))
  fc.assert(
    fc.property(fc.anything(), (value) => {
      assert.throws(() => parseWrappedRecoveryKey(value), { code: 'InvalidWrappedKey' })
    }),
  )
})
