import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { vectorPath } from '../../../../network/vectors.ts'
import { World } from '../world.test-support.ts'
import { readFrames } from './frames.test-support.ts'

interface V1Event {
  did: string
  kind: string
  commit?: { operation: string; collection: string; rkey: string; cid: string; record: object }
}

test('real events of the network are verified and indexed, and their posts can be read', async (t) => {
  const folder = vectorPath('firehose-corpus')
  if (folder === undefined) return t.skip('vectors absent')
  const { captured_at, commit_frames } = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8'))
  const world = new World({ startMs: Date.parse(captured_at), config: { verify: true } })
  const documents = zstdDecompressSync(readFileSync(`${folder}/did_docs.json.zst`)).toString()
  for (const [did, document] of Object.entries<object>(JSON.parse(documents)))
    world.documents.set(did, document)
  world.isHostDown = true
  await world.start()
  const frames = readFrames(zstdDecompressSync(readFileSync(`${folder}/frames.bin.zst`)))
  for (const frame of frames) world.relay.emit(() => frame)
  for (let i = 0; i < 200; i++) await world.outside.advance(0)

  const commits = (verdict: string) => world.metrics.value('appview_events', 'commit', verdict)
  assert.equal(commits('applied') + commits('applied-repair'), commit_frames)
  const expected = readFileSync(`${folder}/expected_v1.jsonl`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as V1Event)
    .filter(({ commit }) => commit?.operation !== 'delete')
  let posts = 0
  for (const { did, commit } of expected) {
    if (commit?.collection !== 'app.bsky.feed.post') continue
    posts++
    const uri = `at://${did}/app.bsky.feed.post/${commit.rkey}`
    const { posts: found } = await world.get('app.bsky.feed.getPosts', { uris: [uri] })
    assert.equal(found[0].cid, commit.cid)
    assert.deepEqual(found[0].record, commit.record)
    assert.equal(found[0].author.handle, 'handle.invalid', 'no host can be asked about it')
  }
  assert.ok(posts > 10)
  const count = async (table: string) =>
    (await world.sql.get<{ count: number }>(`select count(*) as count from ${table}`))?.count
  const written = (collection: string) =>
    expected.filter(({ commit }) => commit?.collection === collection).length
  assert.equal(await count('feed_like'), written('app.bsky.feed.like'))
  assert.equal(await count('follow'), written('app.bsky.graph.follow'))
  await world.close()
})
