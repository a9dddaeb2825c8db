/** Reading whole repositories from CAR files, whatever the order of their blocks. */
import { type PublicKey, verifyCid } from '#protocol/crypto'
import { type CarBlock, type CidBytes, equalBytes, readCar, readCarStream } from '#protocol/data'
import { type Did, ProtocolError } from '#protocol/syntax'
import { BlockMap } from './block-map.ts'
import { type Commit, decodeCommit, type RepoHead, verifyCommitSignature } from './commit.ts'
import type { Node } from './node.ts'
import { linksOfNode, type TreeLink } from './node-links.ts'
import { invalid, parseNode } from './node-parse.ts'
import { memorySpill, type RepoRecord, type Spill } from './spill.ts'

export interface ReadRepoOptions {
  /** Refuse the repository of any other ('WrongRepo'). */
  did?: Did
  /** The keys of which one must have signed it ('InvalidSignature'); left out, none is checked. */
  keys?: readonly PublicKey[]
  /** Default: memory, for as much as `memorySpill` takes. */
  spill?: Spill
  /**
   * Told of each node of the tree, in the order of a walk, when its turn comes: before the batch that
   * brings the first record below it. Its block is a view of what was read.
   */
  onNode?(cid: CidBytes, bytes: Uint8Array): void
  /** Also take repositories of version 2, whose commits may have no rev. Never for import. */
  version2?: boolean
  /** Largest CAR. Default: no limit. */
  maxBytes?: number
  /** Largest block. Default 2 MiB. */
  maxBlockBytes?: number
}

/** A repository as it is being read. */
export interface RepoReading {
  commit: Commit
  head: RepoHead
  /** The commit's block. */
  commitBytes: Uint8Array
  /**
   * All records in order of path, in batches as the blocks come in. Throws when something is wrong
   * with what comes later; only its end says that the repository is whole.
   */
  records: AsyncIterable<RepoRecord[]>
}

/**
 * Reads a repository from the chunks of its CAR file. When the blocks come as a walk of the tree
 * meets them (each node, then what is below it and its records in order of key), memory holds a path
 * of the tree and nothing else; others wait in `spill`. Every hash is checked, and the tree strictly.
 * Throws ProtocolError 'InvalidCar', 'InvalidCommit', 'InvalidTree', 'InvalidBlock' (hash),
 * 'MissingBlock', 'WrongRepo', 'InvalidSignature', 'TooLarge'. Blocks the tree does not lead to are
 * left aside.
 */
export async function readRepo(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadRepoOptions = {},
): Promise<RepoReading> {
  const { maxBytes, maxBlockBytes } = options
  const { roots, blocks } = await readCarStream(chunks, { maxBytes, maxBlockBytes })
  const walk = new RepoWalk(rootOf(roots), options)
  const intake = new Intake(walk, blocks[Symbol.asyncIterator](), options.spill ?? memorySpill())
  try {
    while (walk.commit === undefined) await intake.advance()
  } catch (error) {
    await intake.end()
    throw error
  }
  const { commit, head, commitBytes } = walk
  return { commit, head: head!, commitBytes: commitBytes!, records: intake.records() }
}

/** A repository that is whole in memory. */
export interface VerifiedRepo {
  commit: Commit
  head: RepoHead
  records: RepoRecord[]
  /** Every block of the file; its hashes are checked. */
  blocks: BlockMap
}

/** As `readRepo`, of a whole CAR file in memory, at once. */
export function verifyRepoCar(
  car: Uint8Array,
  options: Pick<ReadRepoOptions, 'did' | 'keys' | 'version2'> = {},
): VerifiedRepo {
  const { roots, blocks: list } = readCar(car)
  const blocks = new BlockMap()
  for (const { cid, bytes } of list) {
    checkBlock(cid, bytes)
    blocks.add(cid, bytes)
  }
  const walk = new RepoWalk(rootOf(roots), options)
  const records: RepoRecord[] = []
  for (let cid = walk.wanted; cid !== undefined; cid = walk.wanted) {
    walk.take(blocks.get(cid) ?? missing(), records)
  }
  return { commit: walk.commit!, head: walk.head!, records, blocks }
}

/** A repository whose blocks are asked for one by one. */
export interface WalkedRepo {
  commit: Commit
  head: RepoHead
  /** All records in order of path, in batches; throws as `readRepo` does. Read once. */
  records: Iterable<RepoRecord[]>
}

/**
 * As `readRepo`, of a store that gives out each block by its CID: nothing but a path of the tree is held.
 * Throws 'MissingBlock' where `block` gives none.
 */
export function walkRepo(
  root: CidBytes,
  block: (cid: CidBytes) => Uint8Array | undefined,
  options: Pick<ReadRepoOptions, 'did' | 'keys' | 'onNode'> = {},
): WalkedRepo {
  const walk = new RepoWalk(root, options)
  const take = (into: RepoRecord[]) => {
    const cid = walk.wanted!
    const bytes = block(cid) ?? missing()
    checkBlock(cid, bytes)
    walk.take(bytes, into)
  }
  take([])
  return { commit: walk.commit!, head: walk.head!, records: recordBatches(walk, take) }
}

function* recordBatches(
  walk: RepoWalk,
  take: (into: RepoRecord[]) => void,
): Generator<RepoRecord[], undefined> {
  let batch: RepoRecord[] = []
  let bytes = 0
  while (walk.wanted !== undefined) {
    const count = batch.length
    take(batch)
    if (batch.length > count) bytes += batch[count]!.bytes.length
    if (batch.length < BATCH_RECORDS && bytes < BATCH_BYTES) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

function rootOf(roots: readonly CidBytes[]): CidBytes {
  if (roots[0] !== undefined) return roots[0]
  throw new ProtocolError('InvalidCar', 'a repository without a root')
}

function checkBlock(cid: CidBytes, bytes: Uint8Array): void {
  if (verifyCid(cid, bytes)) return
  throw new ProtocolError('InvalidBlock', 'a block that does not have the hash its CID says')
}

function missing(): never {
  throw new ProtocolError('MissingBlock', 'a block of the repository is missing')
}

/** A block the walk will need, and as what. */
type Step = { kind: 'commit'; cid: CidBytes } | { kind: 'node'; cid: CidBytes } | TreeLink

const layerOf = (step: Step) => ('layer' in step ? step.layer : undefined)

/** A walk of a repository that is given each block when its turn comes. */
class RepoWalk {
  commit: Commit | undefined
  head: RepoHead | undefined
  commitBytes: Uint8Array | undefined
  readonly #steps: Step[]
  readonly #options: ReadRepoOptions
  #lastPath = ''

  constructor(root: CidBytes, options: ReadRepoOptions) {
    this.#steps = [{ kind: 'commit', cid: root }]
    this.#options = options
  }

  /** The block whose turn it is; undefined at the end. */
  get wanted(): CidBytes | undefined {
    return this.#steps.at(-1)?.cid
  }

  /** Takes the bytes of the wanted block, whose hash is checked, and gives out a record if it is one. */
  take(bytes: Uint8Array, into: RepoRecord[]): void {
    const step = this.#steps.pop()!
    if (step.kind === 'record') {
      if (step.path <= this.#lastPath) throw invalid('records out of order')
      this.#lastPath = step.path
      into.push({ path: step.path, cid: step.cid, bytes })
    } else if (step.kind === 'node') {
      this.#expand(parseNode(bytes, step.cid, { layer: layerOf(step) }))
      this.#options.onNode?.(step.cid, bytes)
    } else this.#begin(step.cid, bytes)
  }

  #begin(cid: CidBytes, bytes: Uint8Array): void {
    const { did, keys, version2 } = this.#options
    const commit = decodeCommit(bytes, { version2 })
    if (did !== undefined && commit.did !== did) {
      throw new ProtocolError('WrongRepo', `the repository of ${commit.did}`)
    }
    if (keys !== undefined && !keys.some((key) => verifyCommitSignature(commit, key))) {
      throw new ProtocolError('InvalidSignature', 'a commit not signed with a key of its account')
    }
    this.commit = commit
    this.commitBytes = bytes.slice()
    this.head = { did: commit.did, rev: commit.rev, commit: cid, data: commit.data }
    this.#steps.push({ kind: 'node', cid: commit.data })
  }

  /** Puts what a node leads to on the stack, the first on top. */
  #expand(node: Node): void {
    const steps = linksOfNode(node)
    for (let i = steps.length - 1; i >= 0; i--) this.#steps.push(steps[i]!)
  }
}

/** Most records, and about how many bytes of them, that are handed on at once. */
const BATCH_RECORDS = 1000
const BATCH_BYTES = 1024 * 1024

/** Leads the blocks of a CAR file to a walk, past the spill where they come out of turn. */
class Intake {
  readonly #walk: RepoWalk
  readonly #source: AsyncIterator<CarBlock[]>
  readonly #spill: Spill
  #blocks: CarBlock[] = []
  #at = 0
  #isRead = false
  /** Records of blocks taken since the last batch was handed on, and their bytes. */
  #ready: RepoRecord[] = []
  #readyBytes = 0
  /** The wanted block that the spill is known not to have. */
  #notSpilled: CidBytes | undefined

  constructor(walk: RepoWalk, source: AsyncIterator<CarBlock[]>, spill: Spill) {
    this.#walk = walk
    this.#source = source
    this.#spill = spill
  }

  async *records(): AsyncGenerator<RepoRecord[], undefined> {
    try {
      while (!this.#isDone) {
        await this.advance()
        if (this.#ready.length === 0) continue
        yield this.#ready
        this.#ready = []
        this.#readyBytes = 0
      }
    } finally {
      await this.end()
    }
  }

  get #isDone(): boolean {
    return this.#isRead && this.#walk.wanted === undefined && this.#ready.length === 0
  }

  get #isFull(): boolean {
    return this.#ready.length >= BATCH_RECORDS || this.#readyBytes >= BATCH_BYTES
  }

  end(): Promise<unknown> | undefined {
    return this.#source.return?.()
  }

  /** Goes on until a batch is full, or until what was read of the file is used up. */
  async advance(): Promise<void> {
    while (!this.#isFull) {
      const block = this.#blocks[this.#at]
      if (block !== undefined) await this.#place(block)
      else if (!this.#isRead) {
        if (this.#ready.length > 0) return
        await this.#read()
      } else if (this.#walk.wanted === undefined) return
      else if (!(await this.#unspill())) missing()
    }
  }

  async #read(): Promise<void> {
    const next = await this.#source.next()
    this.#isRead = next.done === true
    this.#blocks = next.done ? [] : next.value
    this.#at = 0
  }

  /** Uses a run of blocks in turn without waiting; then one that is not, after what it waits for. */
  async #place(block: CarBlock | undefined): Promise<void> {
    while (block !== undefined && this.#isWanted(block.cid)) {
      this.#at++
      checkBlock(block.cid, block.bytes)
      this.#take(block.bytes)
      if (this.#isFull) return
      block = this.#blocks[this.#at]
    }
    if (block === undefined || (await this.#unspill())) return
    this.#at++
    checkBlock(block.cid, block.bytes)
    // Behind the end of the walk nothing is kept.
    if (this.#walk.wanted !== undefined) await this.#spill.put(block.cid, block.bytes)
  }

  #isWanted(cid: CidBytes): boolean {
    const { wanted } = this.#walk
    return wanted !== undefined && equalBytes(cid, wanted)
  }

  /** Takes the wanted block out of the spill, if it is there. */
  async #unspill(): Promise<boolean> {
    const { wanted } = this.#walk
    if (wanted === undefined || wanted === this.#notSpilled) return false
    const answer = this.#spill.get(wanted)
    const spilled = answer instanceof Promise ? await answer : answer
    const bytes = spilled ?? this.#readyBytesOf(wanted)
    if (bytes === undefined) this.#notSpilled = wanted
    else this.#take(bytes)
    return bytes !== undefined
  }

  /** What a record that is yet to be handed on holds: the spill cannot know it. */
  #readyBytesOf(cid: CidBytes): Uint8Array | undefined {
    return this.#ready.find((record) => equalBytes(record.cid, cid))?.bytes
  }

  #take(bytes: Uint8Array): void {
    const count = this.#ready.length
    this.#walk.take(bytes, this.#ready)
    this.#readyBytes += bytes.length
    if (this.#ready.length > count) this.#spill.given?.(this.#ready[count]!)
  }
}
