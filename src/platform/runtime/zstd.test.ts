import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pack, unpack } from './zstd.ts'

test('what was packed comes out as it was, small or large, and is smaller where it repeats', async () => {
  for (const size of [0, 1, 5_000, 200_000]) {
    const bytes = new Uint8Array(size).map((_, at) => at % 7)
    const packed = await pack(bytes)
    assert.deepEqual(new Uint8Array(unpack(packed, size + 1)), bytes)
    if (size >= 5_000) assert.ok(packed.length < size / 10)
  }
})

test('more than was allowed never comes out, nor anything of what was not packed', async () => {
  const packed = await pack(new Uint8Array(1_000_000))
  assert.throws(() => unpack(packed, 10_000))
  assert.throws(() => unpack(new Uint8Array(100).fill(9), 10_000))
})
