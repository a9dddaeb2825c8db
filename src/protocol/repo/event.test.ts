import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type Bytes,
  type CidBytes,
  cidLink,
  concatBytes,
  decodeCbor,
  decodeCborFirst,
  encodeCar,
  encodeCbor,
  fromBytes,
  readCar,
  toBytes,
} from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { commitEvent, syncEvent } from './event.ts'
import { parseCommitEvent, parseSyncEvent } from './parse-event.ts'
import {
  create,
  DID,
  pathAt,
  recordOf,
  remove,
  revOf,
  SampleRepo,
  TIME,
  update,
} from './samples.test-support.ts'

type Fields = Record<string, unknown>

function read(frame: Uint8Array): { header: Fields; body: Fields } {
  const [header, rest] = decodeCborFirst(frame)
  return { header: header as Fields, body: decodeCbor(rest) as Fields }
}

/** JSON of a body without its blocks. */
function shown(body: Fields): unknown {
  return JSON.parse(JSON.stringify({ ...body, blocks: undefined }))
}

const link = (cid: CidBytes): unknown => JSON.parse(JSON.stringify(cidLink(cid)))

describe('the frame of a commit', () => {
  const repo = SampleRepo.of(100)
  const { head } = repo
  const plan = repo.plan([
    create('com.example.note/new', 1),
    update(pathAt(3), 2),
    remove(pathAt(4)),
  ])
  const frame = commitEvent({ plan, seq: 4_294_967_299, time: TIME })
  const { header, body } = read(frame)

  it('is what a generic encoder makes of the same values', () => {
    assert.deepEqual(concatBytes([encodeCbor(header), encodeCbor(body)]), frame)
  })

  it('says all that the lexicon asks for', () => {
    assert.deepEqual(header, { t: '#commit', op: 1 })
    const prev = (path: string) => link(repo.tree.get(path)!)
    assert.deepEqual(shown(body), {
      seq: 4_294_967_299,
      rebase: false,
      tooBig: false,
      repo: DID,
      commit: link(plan.head.commit),
      rev: revOf(1),
      since: head!.rev,
      ops: [
        { action: 'create', path: 'com.example.note/new', cid: link(recordOf(1).cid) },
        {
          action: 'update',
          path: pathAt(3),
          cid: link(recordOf(2).cid),
          prev: prev(pathAt(3)),
        },
        { action: 'delete', path: pathAt(4), cid: null, prev: prev(pathAt(4)) },
      ],
      blobs: [],
      prevData: link(head!.data),
      time: TIME,
    })
  })

  it('carries the blocks as a CAR with the commit as its root', () => {
    const car = fromBytes(body.blocks as Bytes)
    assert.deepEqual(car, encodeCar([plan.head.commit], plan.blocks))
    const { roots, blocks } = readCar(car)
    assert.deepEqual(roots, [plan.head.commit])
    assert.equal(blocks.length, plan.blocks.length)
  })

  it('of a first commit has no prevData and a since of null', () => {
    const first = new SampleRepo().plan([create('com.example.note/a')])
    const { body } = read(commitEvent({ plan: first, seq: 0, time: TIME }))
    assert.equal(body.since, null)
    assert.ok(!('prevData' in body))
  })

  it('says another since or prevData, and blobs, when it is told to', () => {
    const blobs = [recordOf('blob').cid]
    const since = revOf(-5)
    const prevData = recordOf('root').cid
    const told = commitEvent({ plan, seq: 1, time: TIME, since, prevData, blobs })
    const { body } = read(told)
    assert.equal(body.since, since)
    assert.deepEqual(JSON.parse(JSON.stringify(body.prevData)), link(prevData))
    assert.deepEqual(JSON.parse(JSON.stringify(body.blobs)), blobs.map(link))
    const without = read(commitEvent({ plan, seq: 1, time: TIME, since: null, prevData: null }))
    assert.equal(without.body.since, null)
    assert.ok(!('prevData' in without.body))
  })

  it('is canonical whatever the numbers and lengths', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 60 }), (seq, count) => {
        const writes = Array.from({ length: count }, (_, i) =>
          create(`com.example.note/${'x'.repeat(i * 5)}${i}`, i),
        )
        const bytes = commitEvent({ plan: repo.plan(writes), seq, time: TIME })
        const { header, body } = read(bytes)
        assert.equal(body.seq, seq)
        assert.deepEqual(concatBytes([encodeCbor(header), encodeCbor(body)]), bytes)
      }),
      { numRuns: 50 },
    )
  })

  it('refuses a time or rev beyond ASCII', () => {
    assert.throws(() => commitEvent({ plan, seq: 1, time: '١٢:٠٠' }), ProtocolError)
  })
})

describe('the frame of a sync', () => {
  it('carries the commit alone, and reads back', () => {
    const plan = SampleRepo.of(10).plan([])
    const { commitBytes } = plan
    const frame = syncEvent({ ...plan.head, commitBytes, seq: 7, time: TIME })
    const { header, body } = read(frame)
    assert.deepEqual(header, { t: '#sync', op: 1 })
    assert.deepEqual(shown(body), { seq: 7, did: DID, rev: revOf(1), time: TIME })
    assert.deepEqual(concatBytes([encodeCbor(header), encodeCbor(body)]), frame)
    const parsed = parseSyncEvent(body)
    assert.ok(parsed.ok)
    const { blocks, ...rest } = parsed.event
    assert.deepEqual(rest, {
      seq: 7,
      did: DID,
      rev: revOf(1),
      commit: plan.head.commit,
      time: TIME,
    })
    assert.deepEqual(blocks.get(plan.head.commit), commitBytes)
  })
})

describe('parsing a commit', () => {
  const repo = SampleRepo.of(100)
  const plan = repo.plan([create('com.example.note/new', 1), remove(pathAt(4))])
  const { body } = read(commitEvent({ plan, seq: 5, time: TIME }))

  it('gives back what the plan said', () => {
    const parsed = parseCommitEvent(body)
    assert.ok(parsed.ok)
    const { blocks, ...event } = parsed.event
    assert.deepEqual(event, {
      seq: 5,
      repo: DID,
      rev: revOf(1),
      since: repo.head!.rev,
      commit: plan.head.commit,
      prevData: repo.head!.data,
      ops: plan.ops,
      tooBig: false,
      time: TIME,
    })
    assert.equal(blocks.size, plan.blocks.length)
    for (const [cid, bytes] of plan.blocks) assert.deepEqual(blocks.get(cid), bytes)
  })

  it('takes old events: no prevData, null for what is left out', () => {
    const { prevData: _, ...old } = body
    const parsed = parseCommitEvent({ ...old, blobs: null, prev: null, since: null })
    assert.ok(parsed.ok)
    assert.equal(parsed.event.prevData, undefined)
    assert.equal(parsed.event.since, null)
    assert.ok(parseCommitEvent({ ...body, prevData: null }).ok)
  })

  const op = (body.ops as Fields[])[0]!
  const wrong: [string, Fields][] = [
    ['no seq', { seq: undefined }],
    ['a negative seq', { seq: -1 }],
    ['a seq as text', { seq: '1' }],
    ['no repo', { repo: undefined }],
    ['a repo that is no DID', { repo: 'alice.example' }],
    ['a rev that is no TID', { rev: 'x' }],
    ['a since that is no TID', { since: '' }],
    ['no commit', { commit: null }],
    ['a commit as text', { commit: 'bafy' }],
    ['a commit that is not the root of the blocks', { commit: op.cid }],
    ['a prevData as text', { prevData: 'bafy' }],
    ['no blocks', { blocks: undefined }],
    ['blocks that are no bytes', { blocks: 'abc' }],
    ['no ops', { ops: undefined }],
    ['ops that are no list', { ops: {} }],
    ['an op that is none', { ops: [null] }],
    ['an unknown action', { ops: [{ ...op, action: 'rename' }] }],
    ['no action', { ops: [{ ...op, action: undefined }] }],
    ['a path without a collection', { ops: [{ ...op, path: 'x' }] }],
    ['a path with a bad record key', { ops: [{ ...op, path: 'com.example.note/..' }] }],
    ['a path that is no text', { ops: [{ ...op, path: 7 }] }],
    ['a cid as text', { ops: [{ ...op, cid: 'bafy' }] }],
    ['a prev as text', { ops: [{ ...op, prev: 'bafy' }] }],
    ['no time', { time: undefined }],
    ['a time that is none', { time: 'noon' }],
    ['a tooBig that is not a boolean', { tooBig: 1 }],
  ]
  for (const [what, change] of wrong) {
    it(`finds ${what} malformed`, () => {
      const parsed = parseCommitEvent({ ...body, ...change })
      assert.ok(!parsed.ok)
      assert.equal(parsed.reason, 'malformed')
    })
  }

  it('finds what is no map malformed', () => {
    for (const value of [null, undefined, 0, 'x', [], true]) {
      const parsed = parseCommitEvent(value)
      assert.ok(!parsed.ok && parsed.reason === 'malformed')
      assert.ok(!parseSyncEvent(value).ok)
    }
  })

  it('gives a verdict on any value at all', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(body)), fc.anything()),
        (changes) => {
          const parsed = parseCommitEvent({ ...body, ...changes })
          if (!parsed.ok) assert.ok(['malformed', 'too-big'].includes(parsed.reason))
          parseSyncEvent({ ...body, did: DID, ...changes })
        },
      ),
      { numRuns: 1000 },
    )
    fc.assert(fc.property(fc.anything(), (value) => !parseCommitEvent(value).ok))
  })

  it('finds too many operations and too large blocks too big', () => {
    const many = parseCommitEvent({ ...body, ops: Array(201).fill(op) })
    assert.ok(!many.ok && many.reason === 'too-big')
    assert.ok(!parseCommitEvent({ ...body, blocks: toBytes(new Uint8Array(0)) }).ok)
    const large = toBytes(new Uint8Array(2_000_001))
    const parsed = parseCommitEvent({ ...body, blocks: large })
    assert.ok(!parsed.ok && parsed.reason === 'too-big')
    const sync = parseSyncEvent({ ...body, did: DID, blocks: toBytes(new Uint8Array(10_001)) })
    assert.ok(!sync.ok && sync.reason === 'too-big')
  })

  it('finds any damage of the CAR malformed, or leaves it to the hashes', () => {
    const car = fromBytes(body.blocks as Bytes)
    fc.assert(
      fc.property(fc.nat(car.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = car.slice()
        damaged[at]! ^= change
        const parsed = parseCommitEvent({ ...body, blocks: toBytes(damaged) })
        if (!parsed.ok) assert.equal(parsed.reason, 'malformed')
      }),
      { numRuns: 500 },
    )
    for (let end = 0; end < car.length; end += 7) {
      parseCommitEvent({ ...body, blocks: toBytes(car.subarray(0, end)) })
    }
  })
})
