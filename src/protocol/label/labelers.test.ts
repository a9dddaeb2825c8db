import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAcceptLabelers } from './index.ts'

const [a, b, c] = ['did:plc:a', 'did:plc:b', 'did:web:c.test'] as const

test('the labelers of a header are read in their order, each once', () => {
  const header = `${a};redact, ${b} ,${c};x=1; redact,${a}`
  assert.deepEqual(parseAcceptLabelers(header, 20), [
    { did: a, redact: true },
    { did: b, redact: false },
    { did: c, redact: true },
  ])
})

test('no header is not an empty one, and no more are read than are allowed', () => {
  assert.equal(parseAcceptLabelers(undefined, 20), undefined)
  assert.equal(parseAcceptLabelers('', 20), undefined)
  assert.equal(parseAcceptLabelers('nonsense, ;redact,,', 20), undefined)
  assert.deepEqual(parseAcceptLabelers(`nonsense,${a},${b}`, 1), [{ did: a, redact: false }])
})

test('any text is read', () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      assert.ok((parseAcceptLabelers(header, 3) ?? []).length <= 3)
    }),
  )
})
