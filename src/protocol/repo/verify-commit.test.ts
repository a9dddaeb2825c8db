import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cidForCbor, generateKey } from '#protocol/crypto'
import { BytesWrapper, type CidBytes, cidLink, cidText, encodeCbor } from '#protocol/data'
import { BlockMap } from './block-map.ts'
import { encodeCommit } from './commit.ts'
import { keyHeight, keyOf } from './keys.ts'
import type { CommitEvent } from './parse-event.ts'
import type { CommitPlan, RecordWrite, RepoOp } from './plan.ts'
import {
  create,
  DID,
  KEY,
  NOW_MS,
  OTHER_KEY,
  pathAt,
  recordOf,
  remove,
  revOf,
  SampleRepo,
  STEEP_PATHS,
  TIME,
  update,
} from './samples.test-support.ts'
import { Tree } from './tree.ts'
import { invertOps, type VerifyOptions, verifyCommitEvent } from './verify-commit.ts'

function eventOf(plan: CommitPlan, changes: Partial<CommitEvent> = {}): CommitEvent {
  const { head, since, prevData, ops } = plan
  const blocks = blockMap(plan.blocks)
  const event: CommitEvent = {
    seq: 1,
    repo: head.did,
    rev: head.rev,
    since,
    commit: head.commit,
    ops,
    blocks,
    tooBig: false,
    time: TIME,
  }
  if (prevData !== null) event.prevData = prevData
  return { ...event, ...changes }
}

function blockMap(blocks: Iterable<readonly [CidBytes, Uint8Array]>): BlockMap {
  const map = new BlockMap()
  for (const [cid, bytes] of blocks) map.add(cid, bytes)
  return map
}

function reasonOf(event: CommitEvent, options: Partial<VerifyOptions> = {}): string {
  const verdict = verifyCommitEvent(event, { key: KEY.publicKey, nowMs: NOW_MS, ...options })
  return verdict.ok ? 'ok' : verdict.reason
}

/** What a relay knows of a repository before its next commit. */
function previousOf(repo: SampleRepo): { rev: string; data: CidBytes } {
  const { rev, data } = repo.head!
  return { rev, data }
}

/** An event whose commit is signed over another root than its operations lead to. */
function signedOver(plan: CommitPlan, tree: Tree, paths: readonly string[]): CommitEvent {
  const { rev } = plan.head
  const bytes = encodeCommit({ did: DID, rev, data: tree.root() }, KEY)
  const commit = cidForCbor(bytes)
  const records = plan.blocks.filter(([cid]) => plan.ops.some((op) => op.cid && same(op.cid, cid)))
  const blocks = blockMap([[commit, bytes], ...tree.proof(paths), ...records])
  return eventOf(plan, { commit, blocks })
}

const same = (left: CidBytes, right: CidBytes): boolean => cidText(left) === cidText(right)

const WRITES: RecordWrite[] = [
  create('com.example.note/new', 1),
  update(pathAt(3), 2),
  remove(pathAt(4)),
]

describe('verifying a commit', () => {
  const repo = SampleRepo.of(300)
  const plan = repo.plan(WRITES)
  const previous = previousOf(repo)

  it('accepts what follows the state that is known', () => {
    const verdict = verifyCommitEvent(eventOf(plan), {
      key: KEY.publicKey,
      nowMs: NOW_MS,
      previous,
    })
    assert.ok(verdict.ok)
    assert.deepEqual(verdict.head, plan.head)
    assert.deepEqual(
      verdict.ops.map(({ bytes: _, ...op }) => op),
      plan.ops,
    )
    const bytes = verdict.ops.map((op) => op.bytes)
    assert.deepEqual(bytes, [recordOf(1).bytes, recordOf(2).bytes, undefined])
  })

  it('accepts it too when nothing is known', () => {
    assert.equal(reasonOf(eventOf(plan)), 'ok')
  })

  it('accepts keys of both curves', () => {
    const key = generateKey('p256')
    assert.equal(reasonOf(eventOf(repo.plan(WRITES, key)), { key: key.publicKey }), 'ok')
  })

  it('accepts a first commit, with and without records', () => {
    assert.equal(reasonOf(eventOf(new SampleRepo().plan([]))), 'ok')
    assert.equal(reasonOf(eventOf(new SampleRepo().plan([create('com.example.note/a')]))), 'ok')
  })

  it('accepts a commit that changes nothing', () => {
    assert.equal(reasonOf(eventOf(repo.plan([])), { previous }), 'ok')
    const nothing = repo.plan([update(pathAt(3), pathAt(3))])
    assert.equal(reasonOf(eventOf(nothing), { previous }), 'ok')
  })

  it('accepts the deletion of the last record, and the first after it', () => {
    const small = new SampleRepo()
    small.commit([create('com.example.note/only')])
    for (const writes of [[remove('com.example.note/only')], [create('com.example.note/next')]]) {
      const previous = previousOf(small)
      assert.equal(reasonOf(eventOf(small.commit(writes)), { previous }), 'ok')
    }
  })

  it('accepts two hundred operations', () => {
    const writes = Array.from({ length: 200 }, (_, i) =>
      i % 2 ? remove(pathAt(i)) : update(pathAt(i), 'x'),
    )
    assert.equal(reasonOf(eventOf(repo.plan(writes)), { previous }), 'ok')
  })

  it('refuses another key, and a commit changed after it was signed', () => {
    assert.equal(reasonOf(eventOf(plan), { key: OTHER_KEY.publicKey }), 'bad-signature')
    const stolen = encodeCommit({ did: DID, rev: plan.head.rev, data: plan.head.data }, OTHER_KEY)
    const commit = cidForCbor(stolen)
    const blocks = blockMap([...plan.blocks, [commit, stolen]])
    assert.equal(reasonOf(eventOf(plan, { commit, blocks })), 'bad-signature')
  })

  it('refuses a commit of another account or rev than the event says', () => {
    assert.equal(reasonOf(eventOf(plan, { repo: 'did:web:example.com' })), 'bad-commit')
    assert.equal(reasonOf(eventOf(plan, { rev: revOf(2) })), 'bad-commit')
  })

  it('refuses a block that is no commit in its place', () => {
    const { cid, bytes } = recordOf(1)
    const blocks = blockMap([...plan.blocks, [cid, bytes]])
    assert.equal(reasonOf(eventOf(plan, { commit: cid, blocks })), 'bad-commit')
  })

  it('refuses what is not newer', () => {
    for (const rev of [plan.head.rev, revOf(2)]) {
      const known = { ...previous, rev }
      assert.equal(reasonOf(eventOf(plan), { previous: known }), 'rev-not-newer')
    }
  })

  it('refuses revs more than five minutes ahead', () => {
    const revMs = NOW_MS - 3_600_000 + 1000
    assert.equal(reasonOf(eventOf(plan), { nowMs: revMs - 299_999 }), 'ok')
    assert.equal(reasonOf(eventOf(plan), { nowMs: revMs - 300_001 }), 'future-rev')
  })

  it('notices that something between was missed', () => {
    const known = { rev: previous.rev, data: recordOf('other').cid }
    assert.equal(reasonOf(eventOf(plan), { previous: known }), 'prev-mismatch')
  })

  it('says nothing of missed commits when the signature is not good', () => {
    const known = { rev: previous.rev, data: recordOf('other').cid }
    const options = { previous: known, key: OTHER_KEY.publicKey }
    assert.equal(reasonOf(eventOf(plan), options), 'bad-signature')
  })

  it('refuses any block that does not have its hash, also one it would not need', () => {
    const { cid } = recordOf('unused')
    const blocks = blockMap([...plan.blocks, [cid, recordOf(1).bytes]])
    assert.equal(reasonOf(eventOf(plan, { blocks })), 'bad-hash')
    for (const [wrong] of plan.blocks.slice(1)) {
      const damaged = blockMap(
        plan.blocks.map(([cid, bytes]) => [cid, same(cid, wrong) ? bytes.subarray(1) : bytes]),
      )
      assert.equal(reasonOf(eventOf(plan, { blocks: damaged })), 'bad-hash')
    }
  })

  it('needs the commit, each new node and each record', () => {
    const records = plan.ops.flatMap(({ cid }) => (cid ? [cid] : []))
    const needed = [plan.head.commit, ...plan.newNodes.map(([cid]) => cid), ...records]
    for (const missing of needed) {
      const blocks = blockMap(plan.blocks.filter(([cid]) => !same(cid, missing)))
      assert.equal(reasonOf(eventOf(plan, { blocks }), { previous }), 'missing-block')
      assert.equal(reasonOf(eventOf(plan, { blocks })), 'missing-block')
    }
  })

  it('does without nodes that undoing does not touch', () => {
    for (const [missing] of plan.blocks) {
      const blocks = blockMap(plan.blocks.filter(([cid]) => !same(cid, missing)))
      const reason = reasonOf(eventOf(plan, { blocks }), { previous })
      assert.ok(['ok', 'missing-block'].includes(reason), reason)
    }
    // An update leaves the subtrees beside its key alone.
    const path = STEEP_PATHS.find((one) => repo.tree.get(one) && keyHeight(keyOf(one)) > 1)!
    const updated = repo.plan([update(path, 'x')])
    const nodes = updated.newNodes.map(([cid]) => cidText(cid))
    const isKept = ([cid]: readonly [CidBytes, Uint8Array]) =>
      nodes.includes(cidText(cid)) || same(cid, updated.head.commit) || same(cid, recordOf('x').cid)
    const lean = updated.blocks.filter(isKept)
    assert.ok(lean.length < updated.blocks.length)
    assert.equal(reasonOf(eventOf(updated, { blocks: blockMap(lean) }), { previous }), 'ok')
  })

  it('bears blocks that it does not need', () => {
    const { cid, bytes } = recordOf('unused')
    const blocks = blockMap([[cid, bytes], ...plan.blocks])
    assert.equal(reasonOf(eventOf(plan, { blocks }), { previous }), 'ok')
  })

  it('refuses events marked as too big', () => {
    assert.equal(reasonOf(eventOf(plan, { tooBig: true })), 'too-big')
  })

  it('refuses too many operations and too large records', () => {
    const ops = Array(201).fill(plan.ops[0])
    assert.equal(reasonOf(eventOf(plan, { ops })), 'too-big')
    const bytes = encodeCbor({ $type: 'com.example.note', text: 'x'.repeat(1_000_001) })
    const cid = cidForCbor(bytes)
    const op: RepoOp = { action: 'create', path: 'com.example.note/big', cid, prev: null }
    const tree = repo.tree.put(op.path, cid)
    const event = signedOver({ ...plan, ops: [op], blocks: [[cid, bytes]] }, tree, [op.path])
    assert.equal(reasonOf(event), 'too-big')
  })

  describe('by its operations', () => {
    const [made, changed, gone] = plan.ops as [RepoOp, RepoOp, RepoOp]
    const { cid } = recordOf(1)
    const contradictions: [string, RepoOp[]][] = [
      ['a create with a record before', [{ ...made, prev: cid }, changed, gone]],
      ['an update without a record before', [made, { ...changed, prev: null }, gone]],
      ['a delete without a record before', [made, changed, { ...gone, prev: null }]],
      ['a create without a record', [{ ...made, cid: null }, changed, gone]],
      ['a delete with a record', [made, changed, { ...gone, cid }]],
      ['a path twice', [made, made, changed, gone]],
    ]
    for (const [what, ops] of contradictions) {
      it(`refuses ${what}`, () => {
        assert.equal(reasonOf(eventOf(plan, { ops })), 'malformed')
      })
    }

    it('refuses an operation that is left out', () => {
      for (const left of plan.ops) {
        const ops = plan.ops.filter((op) => op !== left)
        assert.equal(reasonOf(eventOf(plan, { ops }), { previous }), 'inversion-failed')
      }
    })

    it('refuses an operation with another record before', () => {
      const ops = [made, { ...changed, prev: cid }, gone]
      assert.equal(reasonOf(eventOf(plan, { ops })), 'inversion-failed')
    })

    it('refuses an operation with another record after', () => {
      const ops = [{ ...made, cid: recordOf(2).cid }, changed, gone]
      assert.equal(reasonOf(eventOf(plan, { ops })), 'op-mismatch')
    })

    it('refuses a deletion of what is still there', () => {
      const still: RepoOp = { action: 'delete', path: made.path, cid: null, prev: made.cid }
      assert.equal(reasonOf(eventOf(plan, { ops: [still, changed, gone] })), 'op-mismatch')
    })

    it('refuses a creation told as an update', () => {
      const told: RepoOp = { ...made, action: 'update', prev: made.cid }
      assert.equal(reasonOf(eventOf(plan, { ops: [told, changed, gone] })), 'inversion-failed')
    })

    it('refuses an operation on a path that the proof does not cover', () => {
      const far: RepoOp = { ...made, path: 'com.example.zzz/far', cid: made.cid }
      const reason = reasonOf(eventOf(plan, { ops: [...plan.ops, far] }))
      assert.ok(['op-mismatch', 'missing-block'].includes(reason), reason)
    })

    it('makes no difference of their order', () => {
      const writes = Array.from({ length: 60 }, (_, i) => {
        const path = pathAt(i * 7)
        if (i * 7 >= 300) return create(path)
        return i % 3 ? remove(path) : update(path, 'x')
      })
      const many = repo.plan(writes)
      fc.assert(
        fc.property(
          fc.shuffledSubarray(many.ops, { minLength: many.ops.length }),
          (ops) => reasonOf(eventOf(many, { ops }), { previous }) === 'ok',
        ),
        { numRuns: 30 },
      )
    })
  })

  describe('without prevData', () => {
    const { prevData: _, ...old } = eventOf(plan)

    it('refuses what should have it', () => {
      assert.equal(reasonOf(old), 'no-prev-data')
      assert.equal(reasonOf(old, { previous }), 'no-prev-data')
    })

    it('takes it, undone by nothing, when told to be lenient', () => {
      assert.equal(reasonOf(old, { lenient: true, previous }), 'ok')
      const ops = old.ops.map((op) => ({ ...op, prev: null }))
      assert.equal(reasonOf({ ...old, ops }, { lenient: true }), 'ok')
      assert.equal(reasonOf({ ...old, ops: ops.slice(0, 1) }, { lenient: true }), 'ok')
      const { cid } = recordOf(2)
      const wrong = [{ ...ops[0]!, cid }]
      assert.equal(reasonOf({ ...old, ops: wrong }, { lenient: true }), 'op-mismatch')
    })

    it('takes a first commit to begin with nothing', () => {
      const first = { ...old, since: null }
      assert.equal(reasonOf({ ...first, ops: old.ops.slice(0, 1) }), 'inversion-failed')
    })
  })

  describe('of a tree that breaks a rule', () => {
    /** A path of a layer. */
    const pathOn = (layer: number): string => {
      for (let i = 5000; ; i++) if (keyHeight(keyOf(pathAt(i))) === layer) return pathAt(i)
    }
    const node = (path: string, value: CidBytes): Uint8Array =>
      encodeCbor({ l: null, e: [entryOf(path, value)] })
    const entryOf = (path: string, value: CidBytes) => ({
      k: new BytesWrapper(keyOf(path)),
      p: 0,
      t: null,
      v: cidLink(value),
    })

    function forged(root: Uint8Array, op: RepoOp, prevData: CidBytes, more: Uint8Array[] = []) {
      const data = cidForCbor(root)
      const rev = revOf(1)
      const commitBytes = encodeCommit({ did: DID, rev, data }, KEY)
      const commit = cidForCbor(commitBytes)
      const all = [commitBytes, root, recordOf(1).bytes, ...more]
      const blocks = blockMap(all.map((bytes) => [cidForCbor(bytes), bytes]))
      return eventOf(plan, { commit, blocks, ops: [op], prevData, since: revOf(0) })
    }

    it('refuses a root under steps that lead nowhere else', () => {
      const path = pathOn(0)
      const below = node(path, recordOf(1).cid)
      const root = encodeCbor({ l: cidLink(cidForCbor(below)), e: [] })
      const op: RepoOp = { action: 'create', path, cid: recordOf(1).cid, prev: null }
      const event = forged(root, op, Tree.empty().root(), [below])
      for (const options of [{}, { previous: { rev: revOf(0), data: Tree.empty().root() } }]) {
        assert.equal(reasonOf(event, options), 'invalid-tree')
      }
    })

    it('refuses a created key on another layer than its own', () => {
      const [low, high] = [pathOn(0), pathOn(1)]
      const paths = [low, high].toSorted()
      const entries = paths.map((path) => entryOf(path, recordOf(1).cid))
      const shared = 'com.example.note/k'.length
      let p = shared
      while (paths[0]![p] === paths[1]![p]) p++
      entries[1] = {
        ...entries[1]!,
        p,
        k: new BytesWrapper(keyOf(paths[1]!).subarray(p)),
      }
      const root = encodeCbor({ l: null, e: entries })
      const op: RepoOp = { action: 'create', path: low, cid: recordOf(1).cid, prev: null }
      const before = Tree.empty().put(high, recordOf(1).cid)
      const event = forged(root, op, before.root())
      for (const options of [{}, { previous: { rev: revOf(0), data: before.root() } }]) {
        assert.equal(reasonOf(event, options), 'invalid-tree')
      }
    })

    it('refuses a node that is not canonical', () => {
      const path = pathOn(0)
      const good = node(path, recordOf(1).cid)
      const bad = Uint8Array.from([...good.subarray(0, 3), 0x98, 1, ...good.subarray(4)])
      const op: RepoOp = { action: 'create', path, cid: recordOf(1).cid, prev: null }
      assert.equal(reasonOf(forged(good, op, Tree.empty().root())), 'ok')
      assert.equal(reasonOf(forged(bad, op, Tree.empty().root())), 'invalid-tree')
    })
  })

  it('never takes a history that no honest host could have written', () => {
    const write = fc.record({
      path: fc.constantFrom(...STEEP_PATHS),
      text: fc.option(fc.nat(3), { nil: null, freq: 3 }),
    })
    fc.assert(
      fc.property(
        fc.array(fc.array(write, { maxLength: 6 }), { minLength: 1, maxLength: 8 }),
        (commits) => {
          const sample = new SampleRepo()
          for (const wishes of commits) {
            const before = sample.head
            const plan = sample.commit(rightWrites(sample.tree, wishes))
            const known = before && { rev: before.rev, data: before.data }
            assert.equal(reasonOf(eventOf(plan), { previous: known }), 'ok')
            checkLies(plan, known)
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})

/** Each small lie about a commit is found out. */
function checkLies(plan: CommitPlan, previous: VerifyOptions['previous']): void {
  const lie = recordOf('lie').cid
  plan.ops.forEach((op, i) => {
    const others = plan.ops.filter((_, other) => other !== i)
    const told: RepoOp[] = []
    if (op.cid !== null && op.prev !== null) told.push({ ...op, prev: lie })
    if (op.cid === null) told.push({ ...op, prev: lie })
    for (const wrong of told) {
      const event = eventOf(plan, { ops: [...others, wrong] })
      assert.equal(reasonOf(event, { previous }), 'inversion-failed')
    }
    if (op.cid === null || op.prev === null || !same(op.cid, op.prev)) {
      assert.notEqual(reasonOf(eventOf(plan, { ops: others }), { previous }), 'ok')
    }
  })
}

function rightWrites(
  tree: Tree,
  wishes: readonly { path: string; text: number | null }[],
): RecordWrite[] {
  const writes: RecordWrite[] = []
  const exists = new Map<string, boolean>()
  for (const { path, text } of wishes) {
    const was = exists.get(path) ?? tree.get(path) !== undefined
    if (text === null && !was) continue
    writes.push(text === null ? remove(path) : was ? update(path, text) : create(path, text))
    exists.set(path, text !== null)
  }
  return writes
}

describe('undoing operations', () => {
  it('gives the tree before, from the tree after', () => {
    const repo = SampleRepo.of(300)
    const plan = repo.plan(WRITES)
    assert.equal(cidText(invertOps(plan.tree, plan.ops).root()), cidText(repo.tree.root()))
    assert.equal(cidText(invertOps(plan.tree, []).root()), cidText(plan.tree.root()))
  })
})
