import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isMediaType, mediaTypeOf, SNIFF_BYTES } from './media-type.ts'

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0))
const UNKNOWN = 'application/octet-stream'

/** How files begin, and what they are. */
const beginnings: [string, string][] = [
  ['\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'image/png'],
  ['\xff\xd8\xff\xe0\0\x10JFIF', 'image/jpeg'],
  ['GIF89a\x01\0\x01\0', 'image/gif'],
  ['RIFF\x24\0\0\0WEBPVP8 ', 'image/webp'],
  ['RIFF\x24\0\0\0WAVEfmt ', 'audio/wav'],
  ['\0\0\0\x1cftypavif\0\0\0\0', 'image/avif'],
  ['\0\0\0\x18ftypheic\0\0\0\0', 'image/heic'],
  ['\0\0\0\x20ftypisom\0\0\x02\0', 'video/mp4'],
  ['\0\0\0\x14ftypqt  \0\0\x02\0', 'video/quicktime'],
  ['\0\0\0\x20ftypM4A \0\0\x02\0', 'audio/mp4'],
  ['\0\0\0\x20ftyp3gp4\0\0\x02\0', 'video/3gpp'],
  ['\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm', 'video/webm'],
  ['\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska', 'video/matroska'],
  ['OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead', 'audio/ogg'],
  [`OggS${'\0'.repeat(24)}\x80theora`, 'video/ogg'],
  ['ID3\x04\0\0', 'audio/mpeg'],
  ['\xff\xfb\x90\x64', 'audio/mpeg'],
  ['fLaC\0\0\0\x22', 'audio/flac'],
  ['%PDF-1.7', 'application/pdf'],
  ['PK\x03\x04\x14\0', 'application/zip'],
  ['\x1f\x8b\x08\0', 'application/gzip'],
  ['<?xml version="1.0"?><svg/>', 'application/xml'],
]

test('the first bytes of a file say what it is, whatever was declared', () => {
  for (const [start, type] of beginnings) {
    assert.equal(mediaTypeOf(UNKNOWN, bytes(start)), type, type)
    assert.equal(mediaTypeOf('text/html', bytes(start)), type, type)
    assert.equal(mediaTypeOf(type, bytes(start)), type)
  }
})

test('a declared type that says the same more exactly is kept', () => {
  const start = new Map(beginnings.map(([start, type]) => [type, bytes(start)]))
  for (const [found, declared] of [
    ['application/xml', 'image/svg+xml'],
    ['application/zip', 'application/epub+zip'],
    ['application/zip', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['video/mp4', 'audio/mp4'],
    ['video/webm', 'audio/webm'],
    ['audio/ogg', 'video/ogg'],
    ['image/png', 'image/apng'],
  ] as const) {
    assert.equal(mediaTypeOf(declared, start.get(found)!), declared)
  }
  assert.equal(mediaTypeOf('application/json', start.get('application/zip')!), 'application/zip')
  assert.equal(mediaTypeOf('image/jpeg', start.get('image/png')!), 'image/png')
})

test('where the bytes say nothing the declared type stands', () => {
  for (const start of [
    '',
    'a text',
    '\xff\xfeh\0i\0',
    '<html>',
    'BM is a text',
    'RIFF',
    '\xff\xff\xff',
  ])
    assert.equal(mediaTypeOf('text/plain', bytes(start)), 'text/plain', start)
})

test('arbitrary bytes give a media type, and never an error', () => {
  const starts = fc.constantFrom(...beginnings.map(([start]) => start))
  const head = fc
    .tuple(fc.option(starts, { nil: '' }), fc.uint8Array({ maxLength: SNIFF_BYTES }))
    .map(([start, rest]) => Uint8Array.of(...bytes(start), ...rest))
  const property = fc.property(head, fc.nat(40), (start, length) => {
    assert.ok(isMediaType(mediaTypeOf(UNKNOWN, start)))
    assert.ok(isMediaType(mediaTypeOf(UNKNOWN, start.subarray(0, length))))
  })
  fc.assert(property, { numRuns: 500 })
})

test('only what can stand in a header is a media type', () => {
  for (const text of ['image/png', 'application/vnd.ms-excel', 'image/svg+xml', 'x/y'])
    assert.ok(isMediaType(text), text)
  const long = `image/${'x'.repeat(200)}`
  for (const text of [
    '',
    'image',
    'image/',
    '/png',
    '*/*',
    'image/*',
    'a/b/c',
    'a b/c',
    'image/p\r\nx: y',
    'Image/PNG',
    long,
  ])
    assert.ok(!isMediaType(text), text)
})
