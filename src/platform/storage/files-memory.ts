import { basename, dirname, resolve } from 'node:path'
import { StorageError } from './contracts.ts'
import type { Files, OpenFile } from './files.ts'

/** What a disk may lose or keep on its own: a sector at a time. */
const sectorBytes = 512

type Node = Inode | 'directory'
type Names = Map<string, Node>

/** A disk in memory that forgets like a disk: the power-cut form of the Files seam, for tests. */
export function memoryFiles(options: { freeBytes?: number } = {}): MemoryFiles {
  return new MemoryFiles(options.freeBytes ?? 1e12)
}

/** See memoryFiles. */
export class MemoryFiles implements Files {
  /** Bytes still free; may be set. A write that needs more is cut short, one without any room fails with ENOSPC. */
  freeSpace: number
  /** Counts the deaths: files opened in an earlier life are dead. */
  life = 0
  #names: Names = new Map()
  /** The names that a power cut leaves. */
  #durable: Names = new Map()
  /** Changes of names, by directory, that no syncDirectory has made durable yet. */
  #changes = new Map<string, ((names: Names) => void)[]>()
  readonly #locks = new Set<string>()

  constructor(freeSpace: number) {
    this.freeSpace = freeSpace
  }

  get paths(): string[] {
    return [...this.#names.keys()].sort()
  }

  /**
   * Everything that was not synced is gone, as after pulling the plug; open files are dead, locks are free. With
   * `chance` (numbers from 0 to 1) the disk kept some of it: each written sector and each change of a name survives
   * when it says a half or more; and so does what was cut off.
   */
  powerCut(chance: () => number = () => 0): void {
    this.life++
    this.#locks.clear()
    for (const pending of this.#changes.values()) {
      for (const apply of pending) if (chance() >= 0.5) apply(this.#durable)
    }
    this.#changes.clear()
    this.#names = new Map(this.#durable)
    for (const node of new Set(this.#names.values())) {
      if (node !== 'directory') node.forget(chance)
    }
  }

  /** The process dies, the machine lives: open files are dead, locks are free, unsynced bytes are still there. */
  kill(): void {
    this.life++
    this.#locks.clear()
  }

  /** Changes a file as bad hardware would: durably, behind everybody's back. */
  damage(path: string, edit: (bytes: Buffer) => Buffer): void {
    const inode = this.#find(path)
    inode.become(Buffer.from(edit(Buffer.from(inode.content))))
  }

  async open(given: string, flags: 'r' | 'r+' | 'w+'): Promise<OpenFile> {
    await this.turn()
    const path = clean(given)
    if (flags === 'w+') {
      this.#assertDirectory(dirname(path))
      const inode = this.#names.get(path) ?? new Inode(this)
      if (!this.#names.has(path)) this.#change(path, (names) => names.set(path, inode))
      this.#find(path).resize(0)
    }
    return new MemoryFile(this, this.#find(path))
  }

  async makeDirectory(given: string): Promise<void> {
    await this.turn()
    for (let path = clean(given); !this.#durable.has(path); path = dirname(path)) {
      this.#names.set(path, 'directory')
      this.#durable.set(path, 'directory')
    }
  }

  async list(given: string): Promise<string[]> {
    await this.turn()
    const folder = clean(given)
    return [...this.#names]
      .filter(([path]) => path !== folder && dirname(path) === folder)
      .map(([path, node]) => basename(path) + (node === 'directory' ? '/' : ''))
      .sort()
  }

  async rename(givenFrom: string, givenTo: string): Promise<void> {
    await this.turn()
    const [from, to] = [clean(givenFrom), clean(givenTo)]
    const inode = this.#find(from)
    this.#assertDirectory(dirname(to))
    if (dirname(from) === dirname(to)) {
      this.#change(to, (names) => {
        names.set(to, inode)
        names.delete(from)
      })
      return
    }
    // Across directories the halves become durable one by one, as on a disk that promises nothing.
    this.#change(to, (names) => names.set(to, inode))
    this.#change(from, (names) => names.delete(from))
  }

  async remove(given: string): Promise<void> {
    await this.turn()
    const path = clean(given)
    this.freeSpace += this.#find(path).content.length
    this.#change(path, (names) => names.delete(path))
  }

  async fileSize(path: string): Promise<number | undefined> {
    await this.turn()
    const node = this.#names.get(clean(path))
    return node instanceof Inode ? node.content.length : undefined
  }

  async syncDirectory(given: string): Promise<void> {
    const path = clean(given)
    const pending = this.#changes.get(path) ?? []
    await this.turn()
    const left = (this.#changes.get(path) ?? []).slice(pending.length)
    this.#changes.set(path, left)
    for (const apply of pending) apply(this.#durable)
  }

  async freeBytes(): Promise<number> {
    await this.turn()
    return this.freeSpace
  }

  async lock(path: string): Promise<() => void> {
    if (this.#locks.has(path)) throw new StorageError('Locked', `${path} is held`)
    this.#locks.add(path)
    const { life } = this
    return () => {
      if (life === this.life) this.#locks.delete(path)
    }
  }

  /** Every call takes a turn of the loop, as it does on the thread pool; a death meanwhile kills it. */
  async turn(): Promise<void> {
    const { life } = this
    await new Promise((resolve) => setImmediate(resolve))
    if (life !== this.life) throw failure('EIO', 'the process is dead')
  }

  #change(path: string, apply: (names: Names) => void): void {
    apply(this.#names)
    const directory = dirname(path)
    this.#changes.set(directory, [...(this.#changes.get(directory) ?? []), apply])
  }

  #find(given: string): Inode {
    const node = this.#names.get(clean(given))
    if (!node) throw failure('ENOENT', given)
    if (node === 'directory') throw failure('EISDIR', given)
    return node
  }

  #assertDirectory(path: string): void {
    if (this.#names.get(path) !== 'directory') throw failure('ENOENT', path)
  }
}

/** One file's bytes, whatever names lead to it. */
class Inode {
  readonly #disk: MemoryFiles
  #bytes: Buffer = Buffer.alloc(0)
  #size = 0
  #synced: Buffer = Buffer.alloc(0)
  /** Sectors written since they were last synced, with the number of the write. */
  readonly #dirty = new Map<number, number>()
  #writes = 0
  /** What was there before it was cut off, while no sync says that it is gone. */
  #uncut: Buffer | undefined

  constructor(disk: MemoryFiles) {
    this.#disk = disk
  }

  get content(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  become(bytes: Buffer): void {
    this.#bytes = bytes
    this.#size = bytes.length
    this.#synced = Buffer.from(bytes)
    this.#dirty.clear()
    this.#uncut = undefined
  }

  truncate(size: number): void {
    this.#uncut ??= Buffer.from(this.content)
    this.resize(size)
  }

  resize(size: number): void {
    this.#disk.freeSpace -= size - this.#size
    if (size > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(size, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#size)
      this.#bytes = grown
    }
    if (size < this.#size) this.#bytes.fill(0, size, this.#size)
    this.#size = size
  }

  /** How many bytes there was room for. */
  write(bytes: Uint8Array, position: number): number {
    const grows = Math.max(0, position + bytes.length - this.#size)
    const missing = Math.max(0, grows - Math.max(0, this.#disk.freeSpace))
    const count = Math.max(0, bytes.length - missing)
    if (count === 0) return 0
    this.resize(Math.max(this.#size, position + count))
    this.#bytes.set(bytes.subarray(0, count), position)
    this.#writes++
    const last = Math.floor((position + count - 1) / sectorBytes)
    for (let sector = Math.floor(position / sectorBytes); sector <= last; sector++) {
      this.#dirty.set(sector, this.#writes)
    }
    return count
  }

  /** Begins a sync; what is returned ends it. What is written in between stays unsynced. */
  sync(): () => void {
    const synced = Buffer.from(this.content)
    const writes = this.#writes
    const uncut = this.#uncut
    return () => {
      this.#synced = synced
      if (this.#uncut === uncut) this.#uncut = undefined
      for (const [sector, write] of this.#dirty) if (write <= writes) this.#dirty.delete(sector)
    }
  }

  /** Back to what was synced, with those later sectors that chance kept. */
  forget(chance: () => number): void {
    if (this.#uncut && chance() >= 0.5) {
      this.become(this.#uncut)
      return
    }
    const size = chance() >= 0.5 ? this.#size : this.#synced.length
    const bytes = Buffer.alloc(size)
    this.#synced.copy(bytes)
    for (const sector of this.#dirty.keys()) {
      const start = sector * sectorBytes
      const end = Math.min(start + sectorBytes, size, this.#size)
      if (chance() >= 0.5 && start < end) this.#bytes.copy(bytes, start, start, end)
    }
    this.become(bytes)
  }
}

class MemoryFile implements OpenFile {
  readonly #disk: MemoryFiles
  readonly #inode: Inode
  readonly #life: number
  #open = true

  constructor(disk: MemoryFiles, inode: Inode) {
    this.#disk = disk
    this.#inode = inode
    this.#life = disk.life
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#assertOpen()
    await this.#disk.turn()
    const bytes = this.#inode.content.subarray(position, position + into.length)
    into.set(bytes)
    return bytes.length
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    this.#assertOpen()
    const count = this.#inode.write(bytes, position)
    await this.#disk.turn()
    if (count === 0 && bytes.length > 0) throw failure('ENOSPC', 'the disk is full')
    return count
  }

  writeAll(pieces: readonly Uint8Array[], position: number): Promise<number> {
    return this.write(Buffer.concat(pieces), position)
  }

  async datasync(): Promise<void> {
    this.#assertOpen()
    const finish = this.#inode.sync()
    await this.#disk.turn()
    finish()
  }

  async truncate(length: number): Promise<void> {
    this.#assertOpen()
    this.#inode.truncate(length)
    await this.#disk.turn()
  }

  async size(): Promise<number> {
    this.#assertOpen()
    await this.#disk.turn()
    return this.#inode.content.length
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #assertOpen(): void {
    if (!this.#open || this.#life !== this.#disk.life) throw failure('EBADF', 'a closed file')
  }
}

/** One spelling per path. */
function clean(path: string): string {
  return resolve('/', path)
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}
