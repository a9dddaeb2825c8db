/** Made-up repositories for the tests of this room. */
import { cidForCbor, importKey, type SigningKey } from '#protocol/crypto'
import { type CidBytes, encodeCbor } from '#protocol/data'
import { type Did, formatTid } from '#protocol/syntax'
import type { RepoHead } from './commit.ts'
import { keyHeight, keyOf } from './keys.ts'
import { type CommitPlan, planCommit, type RecordWrite } from './plan.ts'
import { Tree } from './tree.ts'

export const DID: Did = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
export const KEY: SigningKey = importKey('k256', new Uint8Array(32).fill(7))
export const OTHER_KEY: SigningKey = importKey('k256', new Uint8Array(32).fill(8))
/** When the made-up commits are received. */
export const NOW_MS = Date.parse('2026-01-01T00:00:00Z')
export const TIME = '2026-01-01T00:00:00.000Z'

/** The rev of the nth commit, a second before that of the next. */
export function revOf(number: number): string {
  return formatTid((NOW_MS - 3_600_000 + number * 1000) * 1000, 0)
}

export interface SampleRecord {
  cid: CidBytes
  bytes: Uint8Array
}

const records = new Map<string, SampleRecord>()

/** A record that says so much. */
export function recordOf(text: string | number): SampleRecord {
  const known = records.get(String(text))
  if (known !== undefined) return known
  const bytes = encodeCbor({ $type: 'com.example.note', text: String(text) })
  const record = { cid: cidForCbor(bytes), bytes }
  records.set(String(text), record)
  return record
}

/** A path by number: short ones, so that trees of a few dozen have several layers. */
export function pathAt(number: number): string {
  return `com.example.note/k${number.toString(36)}`
}

export function create(path: string, text: string | number = path): RecordWrite {
  return { action: 'create', path, ...recordOf(text) }
}

export function update(path: string, text: string | number): RecordWrite {
  return { action: 'update', path, ...recordOf(text) }
}

export function remove(path: string): RecordWrite {
  return { action: 'delete', path }
}

/** A repository in memory and its newest commit. */
export class SampleRepo {
  tree: Tree = Tree.empty()
  head: RepoHead | undefined
  commits = 0

  /** A repository that holds so many records. */
  static of(count: number): SampleRepo {
    const repo = new SampleRepo()
    const paths = Array.from({ length: count }, (_, i) => pathAt(i)).toSorted()
    repo.tree = Tree.build(paths.map((path) => [path, recordOf(path).cid]))
    if (count > 0) {
      const data = repo.tree.root()
      repo.head = { did: DID, rev: revOf(0), commit: recordOf('commit').cid, data }
    }
    return repo
  }

  plan(writes: readonly RecordWrite[], key: SigningKey = KEY): CommitPlan {
    const { tree, head } = this
    return planCommit({ did: DID, tree, head, writes, rev: revOf(this.commits + 1), key })
  }

  commit(writes: readonly RecordWrite[]): CommitPlan {
    const plan = this.plan(writes)
    this.tree = plan.tree
    this.head = plan.head
    this.commits++
    return plan
  }
}

/** Eight paths of each of the layers 0 to 5, so that a few of them make a steep tree. */
export const STEEP_PATHS: readonly string[] = steepPaths()

function steepPaths(): string[] {
  const layers: string[][] = [[], [], [], [], [], []]
  for (let i = 0; layers.some((layer) => layer.length < 8); i++) {
    const layer = layers[keyHeight(keyOf(pathAt(i)))]
    if (layer !== undefined && layer.length < 8) layer.push(pathAt(i))
  }
  return layers.flat()
}

/** A path set to a record, or deleted. */
export interface Step {
  path: string
  text: number | null
}

/** The tree after some steps, one after the other. */
export function runSteps(tree: Tree, taken: readonly Step[]): Tree {
  for (const { path, text } of taken) {
    tree = text === null ? tree.delete(path) : tree.put(path, recordOf(text).cid)
  }
  return tree
}

/** What a plain map holds after some steps, in order of path. */
export function contentAfter(taken: readonly Step[]): [string, CidBytes][] {
  const content = new Map<string, CidBytes>()
  for (const { path, text } of taken) {
    if (text === null) content.delete(path)
    else content.set(path, recordOf(text).cid)
  }
  return [...content].toSorted(([left], [right]) => (left < right ? -1 : 1))
}
