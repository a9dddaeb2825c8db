import assert from 'node:assert/strict'
import { argon2Sync, scryptSync } from 'node:crypto'
import { test } from 'node:test'
import {
  hashPassword,
  isForeignHash,
  PasswordError,
  verifyNothing,
  verifyPassword,
} from './passwords.ts'

test('a password is known by its hash, and no other is', async () => {
  const hash = await hashPassword('مفتاح and key')
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  assert.equal(await verifyPassword('مفتاح and key', hash), true)
  assert.equal(await verifyPassword('مفتاح and keY', hash), false)
  assert.equal(await verifyPassword('', hash), false)
})

test('the same password has another hash each time', async () => {
  assert.notEqual(await hashPassword('a'), await hashPassword('a'))
})

test("another program's argon2id hash of other cost is read", async () => {
  // Reference vector of the argon2 program: password, somesalt, 2 passes, 64 MiB, 1 lane.
  const hash =
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  assert.equal(await verifyPassword('password', hash), true)
  assert.equal(await verifyPassword('passwore', hash), false)
})

test('the compiled derivation and node’s own give the same, so that either reads all hashes', async () => {
  const { hashRaw } = await import('@node-rs/argon2')
  const nonce = Buffer.from('a salt of sixteen')
  for (const [memory, passes, parallelism, tagLength] of [
    [19_456, 2, 1, 32],
    [1_024, 3, 4, 16],
    [64, 1, 1, 64],
  ] as const) {
    const message = Buffer.from('مفتاح and key')
    const own = argon2Sync('argon2id', { message, nonce, parallelism, tagLength, memory, passes })
    const compiled = await hashRaw(message, {
      algorithm: 2,
      salt: nonce,
      parallelism,
      outputLen: tagLength,
      memoryCost: memory,
      timeCost: passes,
    })
    assert.deepEqual(Buffer.from(compiled), own)
  }
})

test('a hash of another host is read, and known to be one', async () => {
  const salt = '00112233445566778899aabbccddeeff'
  const hash = `${salt}:${scryptSync('مفتاح and key', salt, 64).toString('hex')}`
  assert.equal(isForeignHash(hash), true)
  assert.equal(isForeignHash(await hashPassword('a')), false)
  assert.equal(await verifyPassword('مفتاح and key', hash), true)
  assert.equal(await verifyPassword('مفتاح and keY', hash), false)
  assert.equal(await verifyPassword('x'.repeat(513), hash), false)
})

test('what is no hash matches nothing', async () => {
  for (const text of ['', 'x', '$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA', '$2b$10$abc'])
    assert.equal(await verifyPassword('password', text), false)
})

test('an absent account costs the same and never matches', async () => {
  assert.equal(await verifyNothing('anything'), false)
})

test('passwords over 512 bytes are refused before they cost anything', async () => {
  await assert.rejects(hashPassword('x'.repeat(513)), PasswordError)
  assert.equal(await verifyPassword('x'.repeat(513), await hashPassword('x'.repeat(512))), false)
})
