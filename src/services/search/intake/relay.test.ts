import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { cidForCbor, generateKey } from '#protocol/crypto'
import { encodeCbor, fromJson } from '#protocol/data'
import { commitEvent, planCommit, type RecordWrite, type RepoHead, Tree } from '#protocol/repo'
import { type Did, formatDatetime, TidClock } from '#protocol/syntax'
import { encodeErrorFrame, encodeFrame } from '#protocol/xrpc'
import { vectorPath } from '../../../../network/vectors.ts'
import { RELAY, Scene } from '../scene.test-support.ts'
import type { Change } from './change.ts'
import { takeJetstream } from './jetstream.ts'
import { relayAddress, takeRelay } from './relay.ts'
import { Tally } from './tally.ts'

const DID: Did = 'did:plc:eve222222222222222222222'
const NOW = Date.UTC(2026, 0, 1)

/** Somebody with a repository, whose commits become frames of a relay. */
class Repo {
  #tree = Tree.empty()
  #head: RepoHead | undefined
  #seq = 0
  readonly #key = generateKey('k256')
  readonly #tids = new TidClock(() => NOW, 1)

  nextSeq(): number {
    return ++this.#seq
  }

  commit(
    ...writes: [action: RecordWrite['action'], path: string, value?: object][]
  ): [number, Uint8Array] {
    const planned = writes.map(([action, path, value]): RecordWrite => {
      if (value === undefined) return { action, path }
      const bytes = encodeCbor(fromJson({ $type: path.split('/')[0], ...value }))
      return { action, path, cid: cidForCbor(bytes), bytes }
    })
    const rev = this.#tids.next(this.#head?.rev)
    const plan = planCommit({
      did: DID,
      tree: this.#tree,
      head: this.#head,
      writes: planned,
      rev,
      key: this.#key,
    })
    this.#tree = plan.tree
    this.#head = plan.head
    const seq = this.nextSeq()
    return [seq, commitEvent({ plan, seq, time: formatDatetime(NOW) })]
  }
}

const post = (text: string) => ({ text, createdAt: formatDatetime(NOW) })

test('a relay is read like a jetstream, and resumed by its seq', async () => {
  const scene = await new Scene({ config: { relay: RELAY } }).start()
  const repo = new Repo()
  const say = ([seq, frame]: [number, Uint8Array]) => scene.relay.say(seq, frame)
  const event = (type: `#${string}`, body: object) => {
    const seq = repo.nextSeq()
    say([seq, encodeFrame(type, { seq, did: DID, time: formatDatetime(NOW), ...body })])
  }
  const [a, b] = ['3lcaaaaaaaa2a', '3lcaaaaaaaa2b'].map((rkey) => `app.bsky.feed.post/${rkey}`) as [
    string,
    string,
  ]
  say(repo.commit(['create', a, post('الماء للجميع')], ['create', b, post('water for all')]))
  say(repo.commit(['create', 'app.bsky.actor.profile/self', { displayName: 'Eve' }]))
  say(repo.commit(['create', 'org.example.other/1', { text: 'water' }]))
  await scene.settle()
  assert.deepEqual(await scene.posts('ماء'), [`at://${DID}/${a}`])
  assert.deepEqual(await scene.posts('water'), [`at://${DID}/${b}`])
  assert.deepEqual(await scene.actors('eve'), [DID])
  say(repo.commit(['update', a, post('gone dry')], ['delete', b]))
  event('#identity', {})
  event('#sync', { rev: 'x' })
  await scene.settle()
  assert.deepEqual(await scene.posts('ماء'), [])
  assert.deepEqual(await scene.posts('water'), [])
  assert.deepEqual(await scene.posts('dry'), [`at://${DID}/${a}`])
  event('#account', { active: false, status: 'takendown' })
  await scene.settle()
  assert.deepEqual(await scene.posts('dry'), [])
  event('#account', { active: true })
  await scene.settle()
  assert.deepEqual(await scene.posts('dry'), [`at://${DID}/${a}`])
  event('#account', { active: false, status: 'deleted' })
  await scene.settle()
  assert.deepEqual(await scene.posts('*'), [])
  await scene.stop()
  await scene.start()
  await scene.outside.advance(0)
  assert.equal(scene.relay.cursors.at(-1), scene.relay.frames.at(-1)!.at)
  await scene.close()
})

test('a relay that begins anew is read from its beginning', async () => {
  const scene = await new Scene({ config: { relay: RELAY } }).start()
  const repo = new Repo()
  scene.relay.say(90, encodeFrame('#identity', { seq: 90, did: DID, time: formatDatetime(NOW) }))
  await scene.settle()
  scene.relay.say(90, encodeErrorFrame('FutureCursor', 'too far'))
  await scene.outside.advance(0)
  scene.relay.frames.length = 0
  const path = 'app.bsky.feed.post/3lcaaaaaaaa2a'
  const [, frame] = repo.commit(['create', path, post('words')])
  scene.relay.say(1, frame)
  for (let i = 0; i < 5; i++) await scene.outside.advance(1_000)
  assert.equal(scene.relay.cursors.at(-1), 0)
  assert.deepEqual(await scene.posts('words'), [`at://${DID}/${path}`])
  await scene.close()
})

test('garbage of a relay is counted and passed over', () => {
  const counted: string[] = []
  const verdicts = {
    event: (kind: string, verdict: string) => void counted.push(`${kind} ${verdict}`),
    record: (collection: string, verdict: string) => void counted.push(`${collection} ${verdict}`),
  }
  const take = (frame: Uint8Array | string) => takeRelay(frame, NOW, verdicts)
  const none = { changes: [] }
  assert.deepEqual(take('text'), none)
  assert.deepEqual(take(new Uint8Array([0xff, 0, 1])), none)
  assert.deepEqual(take(encodeFrame('#strange', { seq: 4 })), { changes: [], position: 4 })
  assert.deepEqual(take(encodeFrame('#identity', { seq: 5, did: 'x' })).changes, [])
  assert.deepEqual(take(encodeFrame('#account', { seq: 6, did: DID, active: 1 })).changes, [])
  assert.deepEqual(take(encodeFrame('#commit', { seq: 7 })).changes, [])
  assert.deepEqual(take(encodeErrorFrame('ConsumerTooSlow', '')).error, 'ConsumerTooSlow')
  assert.deepEqual(counted, [
    'other bad-frame',
    'other bad-frame',
    'other unknown-type',
    'identity malformed',
    'account malformed',
    'commit malformed',
    'error ended',
  ])
})

test('no frame makes an upstream throw', () => {
  const [, real] = new Repo().commit(['create', 'app.bsky.feed.post/3lcaaaaaaaa2a', post('words')])
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.record({ at: fc.nat(real.length - 1), value: fc.nat(255) }).map(({ at, value }) => {
      const broken = real.slice()
      broken[at] = value
      return broken
    }),
    fc.nat(real.length).map((length) => real.slice(0, length)),
  )
  const text = fc.oneof(
    fc.json(),
    fc.string({ unit: 'binary' }),
    fc
      .record({
        did: fc.oneof(fc.constant(DID), fc.anything()),
        time_us: fc.oneof(fc.constant(NOW * 1_000), fc.anything()),
        kind: fc.constantFrom('commit', 'identity', 'account', 'other'),
        commit: fc.anything(),
        account: fc.anything(),
      })
      .map(
        (event) =>
          JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? 0 : value)) ?? '',
      ),
  )
  fc.assert(
    fc.property(fc.oneof(bytes, text), (frame) => {
      for (const take of [takeRelay, takeJetstream]) take(frame, NOW, new Tally())
    }),
    { numRuns: 3_000 },
  )
})

test('the real network says the same by a relay and by a jetstream', () => {
  const folder = vectorPath('firehose-corpus')
  if (folder === undefined) return
  const packed = zstdDecompressSync(readFileSync(`${folder}/frames.bin.zst`))
  const lines = readFileSync(`${folder}/expected_v1.jsonl`, 'utf8').trim().split('\n')
  const nowMs = NOW + 10 * 365 * 86_400_000
  const byRelay = framesOf(packed).flatMap((frame) => takeRelay(frame, nowMs, new Tally()).changes)
  const byJetstream = lines.flatMap((line) => takeJetstream(line, nowMs, new Tally()).changes)
  assert.ok(byRelay.length > 10)
  assert.deepEqual(plain(byRelay), plain(byJetstream))
})

/** Changes as JSON without the time, which each upstream takes from its own clock. */
function plain(changes: readonly Change[]): unknown {
  const records = changes.filter((change) => change.kind === 'record')
  return JSON.parse(JSON.stringify(records.map((change) => ({ ...change, seenMs: 0 }))))
}

function framesOf(packed: Uint8Array): Uint8Array[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const frames: Uint8Array[] = []
  for (let at = 0; at < packed.length; ) {
    const length = view.getUint32(at, true)
    frames.push(packed.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return frames
}

test('a relay is addressed by its URL', () => {
  assert.equal(
    relayAddress('https://relay.example', 9),
    'wss://relay.example/xrpc/com.atproto.sync.subscribeRepos?cursor=9',
  )
})
