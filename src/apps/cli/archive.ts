/**
 * A copy of an account, as a host's page "take everything" gives it: a ZIP archive, or the folder it was
 * unpacked to. Read from where it lies, an entry at a time. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInflateRaw } from 'node:zlib'
import { ConfigError } from '#platform/runtime'
import { PRIVATE_STATE_FILE, type PrivateState } from '#protocol/account'

/** What is in one. */
export interface AccountArchive {
  repo(): AsyncIterable<Uint8Array>
  /** By its CID; undefined when it is not there. */
  blob(cid: string): Promise<Uint8Array | undefined>
  /** What app.bsky.actor.putPreferences takes; undefined when there are none. */
  preferences(): Promise<unknown[] | undefined>
  /** What only the owner could read of the account; undefined when it was not taken. */
  privateState(): Promise<PrivateState | undefined>
  /** Any other small file, by its name; undefined when it is not there. */
  file(name: string): Promise<Uint8Array | undefined>
  close(): Promise<void>
}

/** A million entries of the longest names we write. */
const LISTING_BYTES_MAX = 256 * 1024 * 1024
/** The end of an archive, with the longest comment one can have. */
const END_BYTES = 22 + 65_535
const BLOB_BYTES_MAX = 512 * 1024 * 1024
const PREFERENCES_BYTES_MAX = 16 * 1024 * 1024
const FILE_BYTES_MAX = 256 * 1024 * 1024
const REPO = 'repo.car'
const PREFERENCES = 'preferences.json'

/** Opens one, and looks whether a repository is in it. Throws ConfigError when it is none. */
export async function openAccountArchive(path: string): Promise<AccountArchive> {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) throw none(path, 'there is no such file')
  const copy = found.isDirectory() ? unpacked(path) : await packed(path, found.size)
  if (copy !== undefined) return copy
  throw none(path, `there is no ${REPO} in it`)
}

const none = (path: string, why: string) =>
  new ConfigError([`--archive: ${path} is no archive of an account: ${why}`])

function unpacked(folder: string): AccountArchive | undefined {
  const file = (...names: string[]) => {
    const path = join(folder, ...names)
    return existsSync(path) ? path : undefined
  }
  const repo = file(REPO)
  if (repo === undefined) return undefined
  return {
    repo: () => createReadStream(repo),
    async blob(cid) {
      const path = file('blobs', cid)
      return path === undefined ? undefined : new Uint8Array(await readFile(path))
    },
    async preferences() {
      const path = file(PREFERENCES)
      return path === undefined ? undefined : listIn(await readFile(path))
    },
    async privateState() {
      const path = file(PRIVATE_STATE_FILE)
      return path === undefined ? undefined : stateIn(await readFile(path))
    },
    async file(name) {
      const path = file(...name.split('/'))
      return path === undefined ? undefined : new Uint8Array(await readFile(path))
    },
    close: async () => {},
  }
}

interface Entry {
  /** 0: as it is; 8: deflated. */
  method: number
  packedBytes: number
  bytes: number
  offset: number
}

async function packed(path: string, size: number): Promise<AccountArchive | undefined> {
  const file = await open(path)
  try {
    const entries = await listing(file, size)
    const repo = entries?.get(REPO)
    if (entries === undefined) throw none(path, 'it is no ZIP archive, or ends too early')
    if (repo === undefined) {
      await file.close()
      return undefined
    }
    const whole = async (entry: Entry | undefined, most: number) =>
      entry && (await gathered(content(file, entry), Math.min(entry.bytes, most)))
    return {
      repo: () => content(file, repo),
      blob: (cid) => whole(entries.get(`blobs/${cid}`), BLOB_BYTES_MAX),
      async preferences() {
        const bytes = await whole(entries.get(PREFERENCES), PREFERENCES_BYTES_MAX)
        return bytes && listIn(bytes)
      },
      async privateState() {
        const bytes = await whole(entries.get(PRIVATE_STATE_FILE), FILE_BYTES_MAX)
        return bytes && stateIn(bytes)
      },
      file: (name) => whole(entries.get(name), FILE_BYTES_MAX),
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Every entry by its name; undefined when the file is no archive. */
async function listing(file: FileHandle, size: number): Promise<Map<string, Entry> | undefined> {
  const tailAt = Math.max(0, size - END_BYTES)
  const tail = await bytesAt(file, tailAt, size - tailAt)
  const end = tail.lastIndexOf(Buffer.of(0x50, 0x4b, 5, 6))
  if (end < 0 || end + 22 > tail.length) return undefined
  let [bytes, at] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)]
  // The 64-bit end stands elsewhere; 20 bytes before this one say where.
  if (end >= 20 && tail.readUInt32LE(end - 20) === 0x07064b50) {
    const long = await bytesAt(file, Number(tail.readBigUInt64LE(end - 12)), 56)
    if (long.length < 56 || long.readUInt32LE(0) !== 0x06064b50) return undefined
    bytes = Number(long.readBigUInt64LE(40))
    at = Number(long.readBigUInt64LE(48))
  }
  if (bytes > LISTING_BYTES_MAX || at + bytes > size) return undefined
  return entriesIn(await bytesAt(file, at, bytes))
}

function entriesIn(list: Buffer): Map<string, Entry> | undefined {
  const entries = new Map<string, Entry>()
  let at = 0
  while (at < list.length) {
    if (at + 46 > list.length || list.readUInt32LE(at) !== 0x02014b50) return undefined
    const extraAt = at + 46 + list.readUInt16LE(at + 28)
    const end = extraAt + list.readUInt16LE(at + 30)
    if (end > list.length) return undefined
    const extra = longFields(list.subarray(extraAt, end))
    const field = (place: number) => {
      const short = list.readUInt32LE(at + place)
      return short === 0xff_ff_ff_ff ? Number(extra.shift() ?? short) : short
    }
    // In the order in which the 64-bit forms follow each other.
    const [bytes, packedBytes, offset] = [field(24), field(20), field(42)]
    const name = list.toString('utf8', at + 46, extraAt)
    entries.set(name, { method: list.readUInt16LE(at + 10), bytes, packedBytes, offset })
    at = end + list.readUInt16LE(at + 32)
  }
  return entries
}

/** The 64-bit numbers of an entry, where it has any. */
function longFields(extra: Buffer): bigint[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue
    const count = Math.min(extra.readUInt16LE(at + 2), extra.length - at - 4) >> 3
    return Array.from({ length: count }, (_, i) => extra.readBigUInt64LE(at + 4 + i * 8))
  }
  return []
}

async function* content(file: FileHandle, entry: Entry): AsyncGenerator<Uint8Array> {
  const head = await bytesAt(file, entry.offset, 30)
  if (head.length < 30 || head.readUInt32LE(0) !== 0x04034b50) throw damaged()
  const start = entry.offset + 30 + head.readUInt16LE(26) + head.readUInt16LE(28)
  const end = start + entry.packedBytes - 1
  if (entry.packedBytes === 0) return
  const raw = file.createReadStream({ start, end, autoClose: false })
  if (entry.method === 0) yield* raw
  else if (entry.method === 8) yield* raw.pipe(createInflateRaw())
  else throw new Error(`the archive is packed in a way (${entry.method}) that is not known here`)
}

async function gathered(from: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes)
  let at = 0
  for await (const chunk of from) {
    if (at + chunk.length > bytes) throw damaged()
    whole.set(chunk, at)
    at += chunk.length
  }
  if (at < bytes) throw damaged()
  return whole
}

const damaged = () => new Error('the archive is damaged: an entry is not as it is listed')

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, position)
  return buffer.subarray(0, bytesRead)
}

function stateIn(text: Uint8Array): PrivateState {
  const value = JSON.parse(new TextDecoder().decode(text)) as Partial<PrivateState> | null
  const { did, host, takenAt, appview } = value ?? {}
  const isWhole = [did, host, takenAt].every((one) => typeof one === 'string')
  if (isWhole && (appview === undefined || Array.isArray(appview.items))) {
    return value as PrivateState
  }
  throw new Error(`${PRIVATE_STATE_FILE} of the archive is not what it should be`)
}

function listIn(text: Uint8Array): unknown[] {
  const value: unknown = JSON.parse(new TextDecoder().decode(text))
  const list = Array.isArray(value) ? value : (value as { preferences?: unknown }).preferences
  if (Array.isArray(list)) return list
  throw new Error(`${PREFERENCES} of the archive is no list`)
}
