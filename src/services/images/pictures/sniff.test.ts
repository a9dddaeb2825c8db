import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PictureMemory } from './memory.ts'
import { imageType } from './sniff.ts'

test('pictures are told apart by their first bytes', () => {
  const bytes = (text: string) => Uint8Array.from([...text].map((c) => c.charCodeAt(0)))
  const rows: [string, string | undefined][] = [
    ['\xff\xd8\xff\xe0', 'image/jpeg'],
    ['GIF89a', 'image/gif'],
    ['RIFF0000WEBPVP8 ', 'image/webp'],
    ['XXXX0000WEBPVP8 ', undefined],
    ['\0\0\0 ftypavif', 'image/avif'],
    ['\0\0\0 ftypmp42', undefined],
    ['<svg', undefined],
    ['<html', undefined],
    ['', undefined],
  ]
  for (const [text, type] of rows) assert.equal(imageType(bytes(text)), type)
})

test('memory lets go of what is unused for longest, and keeps within its bytes', () => {
  const memory = new PictureMemory(25)
  const picture = (size: number) => ({
    type: 'image/png',
    bytes: new Uint8Array(size),
    checkedMs: 0,
  })
  memory.set('a', picture(10))
  memory.set('b', picture(10))
  memory.get('a')
  memory.set('c', picture(10))
  assert.deepEqual([!!memory.get('a'), !!memory.get('b'), !!memory.get('c')], [true, false, true])
  memory.set('a', picture(12))
  memory.set('large', picture(26))
  assert.equal(memory.get('large'), undefined)
  assert.equal(memory.bytes, 22)
})
