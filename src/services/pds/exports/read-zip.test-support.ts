/** Reads an archive of ours by its listing, for tests. */
export interface Unzipped {
  name: string
  bytes: Uint8Array
  crc: number
}

export function readZip(archive: Uint8Array): Unzipped[] {
  const view = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength)
  const long = (at: number) => Number(view.readBigUInt64LE(at))
  const end64 = long(view.length - 22 - 20 + 8)
  if (view.readUInt32LE(end64) !== 0x06064b50) throw new Error('no end of the archive')
  let at = long(end64 + 48)
  return Array.from({ length: long(end64 + 32) }, () => {
    if (view.readUInt32LE(at) !== 0x02014b50) throw new Error('no entry where one is listed')
    const nameBytes = view.readUInt16LE(at + 28)
    const extra = at + 46 + nameBytes
    const [size, offset] = [long(extra + 4), long(extra + 20)]
    const name = view.toString('utf8', at + 46, extra)
    const crc = view.readUInt32LE(at + 16)
    if (view.readUInt32LE(offset) !== 0x04034b50) throw new Error(`nothing at ${offset}`)
    const from = offset + 30 + view.readUInt16LE(offset + 26) + view.readUInt16LE(offset + 28)
    at = extra + view.readUInt16LE(at + 30)
    return { name, crc, bytes: view.subarray(from, from + size) }
  })
}
