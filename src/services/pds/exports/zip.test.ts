/** Archives: what is in them comes out again, by their listing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { type ZipEntry, zip } from '#platform/runtime'
import { readZip } from './read-zip.test-support.ts'

async function whole(entries: readonly ZipEntry[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of zip(entries, Date.UTC(2026, 10, 29, 1, 2, 4))) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('whatever goes into an archive comes out, in pieces or whole, under its own name', async () => {
  const entry = fc.record({
    name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    body: fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 5 }), async (entries) => {
      const found = readZip(await whole(entries))
      assert.deepEqual(
        found.map(({ name, bytes }) => [name, Buffer.from(bytes).toString('hex')]),
        entries.map(({ name, body }) => [name, Buffer.concat(body).toString('hex')]),
      )
      for (const { bytes, crc } of found) assert.equal(crc, crc32(bytes))
    }),
    { numRuns: 50 },
  )
})
