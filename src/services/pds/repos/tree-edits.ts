import { type CidBytes, equalBytes } from '#protocol/data'
import { type BlockSource, Tree } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import type { AccountFile, CommitChange } from '../account-files/index.ts'

type Edit = readonly [path: string, cid: CidBytes | null]

interface Known {
  generation: number
  /** Root of the tree whose nodes the file holds. */
  from: CidBytes
  /** Root of the tree after the commits. */
  to: CidBytes
  commits: (readonly Edit[])[]
}

/** Edits remembered in all; an account beyond is built from its records. */
const EDITS_MAX = 100_000

/**
 * What commits did to trees since their nodes were stored, as the replay of the journal came by: with
 * it, a tree follows from its stored nodes, and not every record needs to be read after a crash.
 */
export class TreeEdits {
  readonly #known = new Map<Did, Known>()
  #count = 0

  /** Told of each commit that is replayed, whether the file lacked it or not. */
  note(did: Did, generation: number, file: AccountFile, change: CommitChange): void {
    const { prevData } = change
    if (!prevData) return
    const known = this.#known.get(did)
    const goesOn = known?.generation === generation && equalBytes(known.to, prevData)
    if (goesOn) {
      known.commits.push(this.#editsOf(change))
      known.to = change.data.slice()
      if (this.#count > EDITS_MAX) this.#forget(did)
      return
    }
    const root = file.nodesRoot()
    if (!root || !equalBytes(root, prevData)) return
    this.#forget(did)
    const commits = [this.#editsOf(change)]
    this.#known.set(did, { generation, from: root, to: change.data.slice(), commits })
    if (this.#count > EDITS_MAX) this.#forget(did)
  }

  /** Of the file whose tree may be brought up; undefined where nothing is known. */
  generation(did: Did): number | undefined {
    return this.#known.get(did)?.generation
  }

  #editsOf({ ops }: CommitChange): Edit[] {
    this.#count += ops.length
    return ops.map(({ path, cid }) => [path, cid?.slice() ?? null])
  }

  #forget(did: Did): void {
    for (const edits of this.#known.get(did)?.commits ?? []) this.#count -= edits.length
    this.#known.delete(did)
  }

  /** The stored tree and the one with this root that follows from it, once; undefined when unknown. */
  take(
    did: Did,
    generation: number,
    root: CidBytes,
    nodes: BlockSource,
  ): { stored: Tree; tree: Tree } | undefined {
    const known = this.#known.get(did)
    this.#forget(did)
    if (known?.generation !== generation || !equalBytes(known.to, root)) return undefined
    const stored = Tree.open(known.from, nodes)
    let tree = stored
    for (const edits of known.commits) tree = tree.apply(edits)
    return equalBytes(tree.root(), root) ? { stored, tree } : undefined
  }
}
