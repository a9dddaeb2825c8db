import { SealError, type Sealer } from '#platform/runtime'
import { type Blobs, type Sql, StorageError } from '#platform/storage'
import { hex } from '#protocol/crypto'
import { bytesKey, type CarBlock, type CidBytes, concatBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import type { KeptAccount } from './accounts.ts'
import { openPack, PACK_BYTES, sealPack } from './pack.ts'

type Owner = Pick<KeptAccount, 'aid' | 'did'>

/** Something that was kept is not what was put there, or is gone. */
export class Damaged extends Error {
  override readonly name = 'Damaged'
  readonly aid: number
  /** The pack; undefined for a blob. */
  readonly pid: number | undefined
  constructor(what: string, { aid, pid }: { aid: number; pid?: number | undefined }) {
    super(what)
    this.aid = aid
    this.pid = pid
  }
}

/** What one reading holds of unpacked blocks. */
const READING_BYTES_MAX = 96 * 1024 * 1024

export interface PacksParts {
  sql: Sql
  store: Blobs
  random(byteCount: number): Uint8Array
}

/** Blocks, each once an account, in sealed packs: small ones in the database, large ones in the store. */
export class Packs {
  readonly #parts: PacksParts

  constructor(parts: PacksParts) {
    this.#parts = parts
  }

  /** Which of the blocks an account has not. */
  async unknown(sql: Sql, aid: number, blocks: readonly CarBlock[]): Promise<CarBlock[]> {
    const found: CarBlock[] = []
    const seen = new Set<string>()
    for (const block of blocks) {
      const key = bytesKey(block.cid)
      if (seen.has(key)) continue
      seen.add(key)
      const row = await sql.get('select 1 from block where aid = ? and cid = ?', [aid, block.cid])
      if (row === undefined) found.push(block)
    }
    return found
  }

  /** Puts blocks that an account has not yet into the database, as a part of the caller's transaction; their bytes. */
  async addInline(sql: Sql, { aid }: Owner, sealer: Sealer, blocks: CarBlock[]): Promise<number> {
    const fresh = await this.unknown(sql, aid, blocks)
    if (fresh.length === 0) return 0
    const { bytes, size } = await sealPack(sealer, aid, fresh)
    const row = await sql.get<{ pid: number }>(
      'insert into pack (aid, bytes, size, blocks) values (?, ?, ?, ?) returning pid',
      [aid, bytes, size, fresh.length],
    )
    await sql.runMany(
      'insert into block (aid, cid, pid) values (?, ?, ?) on conflict do nothing',
      fresh.map(({ cid }) => [aid, cid, row!.pid]),
    )
    return size
  }

  /**
   * Puts one pack into the store, then says in one transaction, with what else the caller does in it,
   * that it is there.
   */
  async addStored(
    { aid }: Owner,
    sealer: Sealer,
    blocks: readonly CarBlock[],
    also: (sql: Sql, pid: number) => Promise<void>,
  ): Promise<void> {
    const { sql, store, random } = this.#parts
    const { bytes, size } = await sealPack(sealer, aid, blocks)
    const file = `${aid}/packs/${hex(random(16))}`
    await sql.run('insert into doomed (key) values (?)', [file])
    const staged = await store.stage(bytes)
    await staged.commit(file)
    await store.sync([file])
    await sql.transaction(async (sql) => {
      const row = await sql.get<{ pid: number }>(
        'insert into pack (aid, file, size, blocks) values (?, ?, ?, ?) returning pid',
        [aid, file, size, blocks.length],
      )
      await also(sql, row!.pid)
      await sql.run('delete from doomed where key = ?', [file])
    })
  }

  writer(owner: Owner, sealer: Sealer): PackWriter {
    return new PackWriter(this, this.#parts.sql, owner, sealer)
  }

  reader(owner: Owner, sealer: Sealer): BlockReader {
    return new BlockReader(this, this.#parts.sql, owner, sealer)
  }

  /** The blocks of a pack. Undefined: it is not there any more, what it held lies elsewhere. Throws Damaged. */
  async open({ aid }: Owner, sealer: Sealer, pid: number): Promise<CarBlock[] | undefined> {
    const { sql, store } = this.#parts
    const select = 'select bytes, file from pack where pid = ?'
    const row = await sql.get<{ bytes: Uint8Array | null; file: string | null }>(select, [pid])
    if (!row) return undefined
    try {
      return openPack(sealer, aid, row.bytes ?? (await readAll(store, row.file!)))
    } catch (error) {
      // It may have been put elsewhere while it was being read.
      if ((await sql.get('select 1 from pack where pid = ?', [pid])) === undefined) return undefined
      if (!isDamage(error)) throw error
      throw new Damaged(`pack ${pid}: ${(error as Error).message}`, { aid, pid })
    }
  }
}

function isDamage(error: unknown): boolean {
  if (error instanceof StorageError) return error.code === 'NotFound' || error.code === 'Corrupt'
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return error instanceof SealError || error instanceof ProtocolError || /ZSTD|BUFFER/.test(code)
}

async function readAll(store: Blobs, key: string): Promise<Uint8Array> {
  const found = await store.get(key)
  if (!found) throw new StorageError('NotFound', `${key} is not in the store`)
  const chunks: Uint8Array[] = []
  for await (const chunk of found.body) chunks.push(chunk)
  return concatBytes(chunks)
}

/** Gathers blocks that come in great number and puts them into the store, pack by pack. */
export class PackWriter {
  readonly #packs: Packs
  readonly #sql: Sql
  readonly #owner: Owner
  readonly #sealer: Sealer
  #blocks: CarBlock[] = []
  #bytes = 0
  /** Nothing was here before: no block needs to be looked for. */
  #isFirst: boolean | undefined

  constructor(packs: Packs, sql: Sql, owner: Owner, sealer: Sealer) {
    this.#packs = packs
    this.#sql = sql
    this.#owner = owner
    this.#sealer = sealer
  }

  /** Takes a block; the bytes are copied. */
  add(cid: CidBytes, bytes: Uint8Array): void {
    this.#blocks.push({ cid: cid.slice() as CidBytes, bytes: bytes.slice() })
    this.#bytes += bytes.length
  }

  /** To be called between blocks: writes a pack if one is full. */
  async flushFull(): Promise<void> {
    if (this.#bytes >= PACK_BYTES) await this.flush()
  }

  /** Everything that was taken is kept when this resolves. */
  async flush(): Promise<void> {
    const { aid } = this.#owner
    this.#isFirst ??=
      (await this.#sql.get('select 1 from pack where aid = ? limit 1', [aid])) === undefined
    const blocks = this.#blocks
    this.#blocks = []
    this.#bytes = 0
    const fresh = this.#isFirst ? blocks : await this.#packs.unknown(this.#sql, aid, blocks)
    for (const some of runs(fresh)) {
      await this.#packs.addStored(this.#owner, this.#sealer, some, async (sql, pid) => {
        await sql.runMany(
          'insert into block (aid, cid, pid) values (?, ?, ?) on conflict do nothing',
          some.map(({ cid }) => [aid, cid, pid]),
        )
      })
    }
  }
}

/** Blocks in runs that each fill a pack. */
export function* runs(blocks: readonly CarBlock[]): Generator<CarBlock[]> {
  let run: CarBlock[] = []
  let bytes = 0
  for (const block of blocks) {
    run.push(block)
    bytes += block.bytes.length
    if (bytes < PACK_BYTES) continue
    yield run
    run = []
    bytes = 0
  }
  if (run.length > 0) yield run
}

/** Reads blocks of one account, whole packs at a time: what is near in a tree lies near in packs. */
export class BlockReader {
  readonly #packs: Packs
  readonly #sql: Sql
  readonly #owner: Owner
  readonly #sealer: Sealer
  readonly #blocks = new Map<string, Uint8Array>()
  /** By number, in order of reading. */
  readonly #open = new Map<number, string[]>()
  #bytes = 0

  constructor(packs: Packs, sql: Sql, owner: Owner, sealer: Sealer) {
    this.#packs = packs
    this.#sql = sql
    this.#owner = owner
    this.#sealer = sealer
  }

  /** A block that needs no waiting. */
  peek(cid: CidBytes): Uint8Array | undefined {
    return this.#blocks.get(bytesKey(cid))
  }

  /** Undefined: the account has no such block. Throws Damaged. */
  async get(cid: CidBytes): Promise<Uint8Array | undefined> {
    const known = this.peek(cid)
    if (known) return known
    const { aid } = this.#owner
    for (;;) {
      const select = 'select pid from block where aid = ? and cid = ?'
      const row = await this.#sql.get<{ pid: number }>(select, [aid, cid])
      if (!row) return undefined
      const blocks = await this.#packs.open(this.#owner, this.#sealer, row.pid)
      if (blocks === undefined) continue
      this.#keep(row.pid, blocks)
      const found = this.peek(cid)
      if (found) return found
      throw new Damaged(`pack ${row.pid} has not the block it should`, { aid, pid: row.pid })
    }
  }

  #keep(pid: number, blocks: readonly CarBlock[]): void {
    const keys = blocks.map(({ cid }) => bytesKey(cid))
    for (const [at, { bytes }] of blocks.entries()) {
      if (this.#blocks.has(keys[at]!)) continue
      this.#blocks.set(keys[at]!, bytes)
      this.#bytes += bytes.length
    }
    this.#open.set(pid, keys)
    for (const [oldest, names] of this.#open) {
      if (this.#bytes <= READING_BYTES_MAX || oldest === pid) return
      this.#open.delete(oldest)
      for (const name of names) {
        this.#bytes -= this.#blocks.get(name)?.length ?? 0
        this.#blocks.delete(name)
      }
    }
  }
}
