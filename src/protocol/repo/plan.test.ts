import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cidForCbor } from '#protocol/crypto'
import { type CidBytes, cidText, encodeCbor } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { BlockMap } from './block-map.ts'
import { decodeCommit, verifyCommitSignature } from './commit.ts'
import { type CommitPlan, MAX_RECORD_BYTES, type RecordWrite } from './plan.ts'
import {
  create,
  DID,
  KEY,
  pathAt,
  recordOf,
  remove,
  revOf,
  SampleRepo,
  STEEP_PATHS,
  type Step,
  update,
} from './samples.test-support.ts'
import { Tree } from './tree.ts'

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code
}

function blocksOf(plan: CommitPlan): BlockMap {
  const blocks = new BlockMap()
  for (const [cid, bytes] of plan.blocks) blocks.add(cid, bytes)
  return blocks
}

const cidTexts = (cids: Iterable<CidBytes>): string[] => Array.from(cids, cidText).toSorted()

describe('planning a commit', () => {
  it('signs the new root under the rev it was given', () => {
    const plan = SampleRepo.of(20).plan([create('com.example.note/new')])
    const commit = decodeCommit(plan.commitBytes)
    assert.ok(verifyCommitSignature(commit, KEY.publicKey))
    assert.equal(commit.did, DID)
    assert.equal(commit.rev, revOf(1))
    assert.deepEqual(commit.data, plan.tree.root())
    assert.deepEqual(plan.head, {
      did: DID,
      rev: revOf(1),
      commit: cidForCbor(plan.commitBytes),
      data: plan.tree.root(),
    })
  })

  it('says what it follows, or that it is the first', () => {
    const first = new SampleRepo().plan([])
    assert.equal(first.since, null)
    assert.equal(first.prevData, null)
    assert.deepEqual(first.head.data, Tree.empty().root())
    assert.deepEqual(first.newNodes, [...Tree.empty().blocks()])
    assert.equal(first.blocks.length, 2)
    const repo = SampleRepo.of(20)
    const next = repo.plan([create('com.example.note/new')])
    assert.equal(next.since, repo.head!.rev)
    assert.deepEqual(next.prevData, repo.tree.root())
  })

  it('tells each change with what was there before', () => {
    const repo = SampleRepo.of(20)
    const plan = repo.plan([
      create('com.example.note/new', 1),
      update(pathAt(3), 2),
      remove(pathAt(4)),
    ])
    const prev = (path: string) => repo.tree.get(path)!
    assert.deepEqual(plan.ops, [
      { action: 'create', path: 'com.example.note/new', cid: recordOf(1).cid, prev: null },
      { action: 'update', path: pathAt(3), cid: recordOf(2).cid, prev: prev(pathAt(3)) },
      { action: 'delete', path: pathAt(4), cid: null, prev: prev(pathAt(4)) },
    ])
  })

  it('leaves the tree before as it was', () => {
    const repo = SampleRepo.of(50)
    const before = cidText(repo.tree.root())
    repo.plan([remove(pathAt(4)), create('com.example.note/new')])
    assert.equal(cidText(repo.tree.root()), before)
  })

  it('brings the commit first, the records, and each block once', () => {
    const repo = SampleRepo.of(500)
    const plan = repo.plan([create('com.example.note/a1'), update(pathAt(9), 'b')])
    assert.deepEqual(plan.blocks[0], [plan.head.commit, plan.commitBytes])
    const blocks = blocksOf(plan)
    assert.equal(blocks.size, plan.blocks.length)
    assert.ok(blocks.get(recordOf('com.example.note/a1').cid))
    assert.ok(blocks.get(recordOf('b').cid))
    for (const [cid, bytes] of plan.blocks) assert.deepEqual(cidForCbor(bytes), cid)
  })

  it('brings a record that was in the tree before, when it is written again', () => {
    const repo = SampleRepo.of(20)
    const plan = repo.plan([create('com.example.note/copy', pathAt(3))])
    assert.ok(blocksOf(plan).get(recordOf(pathAt(3)).cid))
  })

  it('allows an update that changes nothing', () => {
    const repo = SampleRepo.of(20)
    const plan = repo.plan([update(pathAt(3), pathAt(3))])
    assert.deepEqual(plan.ops[0]!.cid, plan.ops[0]!.prev)
    assert.deepEqual(plan.head.data, repo.tree.root())
    assert.deepEqual(plan.newNodes, [])
    assert.deepEqual(plan.removedNodes, [])
  })

  it('allows a commit without writes: a new rev and signature', () => {
    const repo = SampleRepo.of(20)
    const plan = repo.plan([])
    assert.deepEqual(plan.head.data, repo.tree.root())
    assert.equal(plan.blocks.length, 1)
    assert.deepEqual(plan.ops, [])
  })

  it('refuses to create what exists', () => {
    const repo = SampleRepo.of(20)
    assert.throws(() => repo.plan([create(pathAt(3))]), hasCode('RecordExists'))
    const twice = [create('com.example.note/x'), create('com.example.note/x')]
    assert.throws(() => repo.plan(twice), hasCode('RecordExists'))
  })

  it('refuses to update or delete what does not exist', () => {
    const repo = SampleRepo.of(20)
    assert.throws(() => repo.plan([update(pathAt(99), 1)]), hasCode('RecordNotFound'))
    assert.throws(() => repo.plan([remove(pathAt(99))]), hasCode('RecordNotFound'))
    const twice = [remove(pathAt(3)), remove(pathAt(3))]
    assert.throws(() => repo.plan(twice), hasCode('RecordNotFound'))
  })

  it('refuses writes without a record and paths that are none', () => {
    const repo = SampleRepo.of(3)
    const { cid } = recordOf(1)
    const write: RecordWrite = { action: 'create', path: 'com.example.note/x' }
    assert.throws(() => repo.plan([write]), hasCode('MissingBlock'))
    assert.throws(() => repo.plan([{ ...write, cid }]), hasCode('MissingBlock'))
    assert.throws(() => repo.plan([create('nowhere')]), hasCode('InvalidPath'))
  })

  const merged: [string, RecordWrite[], { action: string; text: number | null } | undefined][] = [
    ['create, update', [create('a/x', 1), update('a/x', 2)], { action: 'create', text: 2 }],
    ['create, delete', [create('a/x', 1), remove('a/x')], undefined],
    [
      'create, delete, create',
      [create('a/x', 1), remove('a/x'), create('a/x', 3)],
      {
        action: 'create',
        text: 3,
      },
    ],
    ['update, update', [update('a/old', 1), update('a/old', 2)], { action: 'update', text: 2 }],
    ['update, delete', [update('a/old', 1), remove('a/old')], { action: 'delete', text: null }],
    ['delete, create', [remove('a/old'), create('a/old', 4)], { action: 'update', text: 4 }],
  ]
  for (const [what, writes, expected] of merged) {
    it(`counts ${what} of one path as what it comes to`, () => {
      const repo = new SampleRepo()
      repo.commit([create('a/old', 0)])
      const plan = repo.plan(writes)
      assert.equal(plan.ops.length, expected ? 1 : 0)
      if (expected === undefined) return
      const { text } = expected
      assert.equal(plan.ops[0]!.action, expected.action)
      assert.deepEqual(plan.ops[0]!.cid, text === null ? null : recordOf(text).cid)
      const records = plan.blocks.filter(([cid]) => cidText(cid) === cidText(recordOf(1).cid))
      assert.equal(records.length, 0, 'a record nobody will see')
    })
  }

  it('takes 200 operations and not one more', () => {
    const repo = SampleRepo.of(20)
    const writes = Array.from({ length: 201 }, (_, i) => create(`com.example.note/w${i}`))
    assert.equal(repo.plan(writes.slice(1)).ops.length, 200)
    assert.throws(() => repo.plan(writes), hasCode('TooLarge'))
  })

  it('refuses records beyond 1 MB and blocks beyond 2 MB', () => {
    const repo = SampleRepo.of(3)
    const big = (length: number, path: string): RecordWrite => {
      const bytes = encodeCbor({ $type: 'com.example.note', text: 'x'.repeat(length), path })
      return { action: 'create', path, cid: cidForCbor(bytes), bytes }
    }
    assert.throws(() => repo.plan([big(MAX_RECORD_BYTES, 'a/x')]), hasCode('TooLarge'))
    const three = ['a/x', 'a/y', 'a/z'].map((path) => big(700_000, path))
    assert.equal(repo.plan(three.slice(1)).ops.length, 2)
    assert.throws(() => repo.plan(three), hasCode('TooLarge'))
  })

  it('keeps a store of nodes equal to the tree, commit after commit', () => {
    const write = fc.record({
      path: fc.constantFrom(...STEEP_PATHS),
      text: fc.option(fc.nat(3), { nil: null }),
    })
    fc.assert(
      fc.property(fc.array(fc.array(write, { maxLength: 8 }), { maxLength: 10 }), (commits) => {
        const repo = new SampleRepo()
        const store = new Map<string, Uint8Array>()
        for (const wishes of commits) {
          const plan = repo.commit(writesOf(repo.tree, wishes))
          for (const cid of plan.removedNodes) assert.ok(store.delete(cidText(cid)))
          for (const [cid, bytes] of plan.newNodes) store.set(cidText(cid), bytes)
          const nodes = Array.from(repo.tree.blocks(), ([cid]) => cid)
          assert.deepEqual([...store.keys()].toSorted(), cidTexts(nodes))
        }
      }),
    )
  })
})

/** Wishes as writes that are right for the tree as it is. */
function writesOf(tree: Tree, wishes: readonly Step[]) {
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
