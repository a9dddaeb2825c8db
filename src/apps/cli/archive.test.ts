import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { ConfigError } from '#platform/runtime'
import { openAccountArchive } from './archive.ts'

const folder = mkdtempSync(join(tmpdir(), 'falaj-archive-'))
after(() => rmSync(folder, { recursive: true }))

const files: Record<string, Uint8Array> = {
  'account.json': Buffer.from('{}'),
  'repo.car': Buffer.alloc(200_000, 'a repository'),
  'preferences.json': Buffer.from('[{"$type":"app.bsky.actor.defs#adultContentPref"}]'),
  'blobs/bafkreione': Buffer.from('one'),
  'blobs/bafkreinothing': new Uint8Array(),
}

/** An archive as other programs write it: 32-bit lengths, packed or not, with a comment. */
function shortZip(method: 0 | 8): Buffer {
  const bodies: Buffer[] = []
  const list: Buffer[] = []
  let offset = 0
  for (const [name, bytes] of Object.entries(files)) {
    const data = method === 8 ? deflateRawSync(bytes) : Buffer.from(bytes)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(method, 4)
    fields.writeUInt32LE(crc32(bytes), 10)
    fields.writeUInt32LE(data.length, 14)
    fields.writeUInt32LE(bytes.length, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    const body = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), data])
    list.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), fields, place, Buffer.from(name)]))
    bodies.push(body)
    offset += body.length
  }
  const listed = Buffer.concat(list)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt32LE(listed.length, 12)
  end.writeUInt32LE(offset, 16)
  end.writeUInt16LE(9, 20)
  return Buffer.concat([...bodies, listed, end, Buffer.from('a comment')])
}

/** The short archive with its list and its end in the 64-bit form. */
function longZip(): Buffer {
  const short = shortZip(0)
  const end = short.lastIndexOf('PK\x05\x06')
  const listAt = short.readUInt32LE(end + 16)
  const rows: Buffer[] = []
  for (let at = listAt; at < end; ) {
    const nameEnd = at + 46 + short.readUInt16LE(at + 28)
    const row = Buffer.from(short.subarray(at, nameEnd))
    const extra = Buffer.alloc(28)
    extra.writeUInt16LE(1, 0)
    extra.writeUInt16LE(24, 2)
    for (const [place, field] of [24, 20, 42].entries()) {
      extra.writeBigUInt64LE(BigInt(row.readUInt32LE(field)), 4 + place * 8)
      row.writeUInt32LE(0xff_ff_ff_ff, field)
    }
    row.writeUInt16LE(extra.length, 30)
    rows.push(row, extra)
    at = nameEnd
  }
  const list = Buffer.concat(rows)
  const longEnd = Buffer.alloc(56)
  longEnd.write('PK\x06\x06', 'latin1')
  longEnd.writeBigUInt64LE(BigInt(list.length), 40)
  longEnd.writeBigUInt64LE(BigInt(listAt), 48)
  const locator = Buffer.alloc(20)
  locator.write('PK\x06\x07', 'latin1')
  locator.writeBigUInt64LE(BigInt(listAt + list.length), 8)
  const shortEnd = Buffer.alloc(22)
  shortEnd.write('PK\x05\x06', 'latin1')
  shortEnd.fill(0xff, 12, 20)
  return Buffer.concat([short.subarray(0, listAt), list, longEnd, locator, shortEnd])
}

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

async function assertRead(path: string): Promise<void> {
  const archive = await openAccountArchive(path)
  const chunks: Uint8Array[] = []
  for await (const chunk of archive.repo()) chunks.push(chunk)
  assert.deepEqual(Buffer.concat(chunks), files['repo.car'])
  assert.equal(Buffer.from((await archive.blob('bafkreione'))!).toString(), 'one')
  assert.equal((await archive.blob('bafkreinothing'))!.length, 0)
  assert.equal(await archive.blob('bafkreiother'), undefined)
  assert.equal((await archive.preferences())!.length, 1)
  await archive.close()
}

test('an archive of another program is read, packed or not, and so is the folder it was unpacked to', async () => {
  await assertRead(file('stored.zip', shortZip(0)))
  await assertRead(file('packed.zip', shortZip(8)))
  const unpacked = join(folder, 'unpacked')
  mkdirSync(join(unpacked, 'blobs'), { recursive: true })
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(unpacked, name), bytes)
  await assertRead(unpacked)
})

test('lengths and places of 64 bits are read, as hosts of ours write them', async () => {
  await assertRead(file('long.zip', longZip()))
})

test('what is none, or was cut off, is said before anything is done', async () => {
  const whole = shortZip(8)
  const wrong: [string, RegExp][] = [
    [file('empty.zip', new Uint8Array()), /no ZIP archive, or ends too early/],
    [file('cut.zip', whole.subarray(0, -60)), /no ZIP archive, or ends too early/],
    [file('head-cut.zip', whole.subarray(5_000)), /no ZIP archive, or ends too early/],
    [file('car.zip', Buffer.from('no archive at all')), /no ZIP archive/],
    [join(folder, 'nowhere'), /no such file/],
    [folder, /no repo.car in it/],
  ]
  for (const [path, expected] of wrong) {
    const misuse = await openAccountArchive(path).catch((error) => error)
    assert.ok(misuse instanceof ConfigError, path)
    assert.match(misuse.problems.join(), expected, path)
  }
})
