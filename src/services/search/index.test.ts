import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadMigrations, openSqlite } from '#platform/storage'
import { searchMigrations } from './index.ts'
import { JETSTREAM, Scene } from './scene.test-support.ts'

/** Everything the index holds, words included. */
async function dump(scene: Scene): Promise<object> {
  await scene.sql.run(
    "create virtual table if not exists temp.post_words using fts5vocab(main, post_text, 'instance')",
  )
  await scene.sql.run(
    "create virtual table if not exists temp.actor_words using fts5vocab(main, actor_text, 'instance')",
  )
  return {
    actors: await scene.sql.all('select * from actor order by aid'),
    posts: await scene.sql.all('select * from post order by pid'),
    postWords: await scene.sql.all('select * from post_words order by term, doc, col, offset'),
    actorWords: await scene.sql.all('select * from actor_words order by term, doc, col, offset'),
    cursor: await scene.sql.all('select * from cursor'),
  }
}

const temporary = () => {
  const path = mkdtempSync(join(tmpdir(), 'falaj-search-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

test('a deleted post is not found, and one written again under its key is', async () => {
  const scene = await new Scene().start()
  const ann = scene.writer('ann')
  const uri = ann.post('first words')
  await scene.settle()
  assert.deepEqual(await scene.posts('words'), [uri])
  ann.delete(uri)
  await scene.settle()
  assert.deepEqual(await scene.posts('words'), [])
  ann.post('other words', {}, uri.split('/').at(-1))
  await scene.settle()
  assert.deepEqual(await scene.posts('first'), [])
  assert.deepEqual(await scene.posts('other words'), [uri])
  await scene.close()
})

test('created, edited and deleted in one batch leaves nothing behind', async () => {
  const scene = await new Scene().start()
  const ann = scene.writer('ann')
  const kept = ann.post('water kept')
  const gone = ann.post('water gone')
  ann.edit(gone, 'water edited')
  ann.delete(gone)
  ann.edit(kept, 'water edited too')
  await scene.settle()
  assert.deepEqual(await scene.posts('water'), [kept])
  assert.deepEqual(await scene.posts('edited too'), [kept])
  assert.deepEqual(await scene.posts('kept'), [])
  await scene.close()
})

test('an edit that its lexicon refuses takes the post out', async () => {
  const scene = await new Scene().start()
  const ann = scene.writer('ann')
  const uri = ann.post('good words')
  ann.commit('update', 'app.bsky.feed.post', uri.split('/').at(-1)!, { text: 7 })
  await scene.settle()
  assert.deepEqual(await scene.posts('words'), [])
  assert.equal(scene.metrics.value('search_records', 'app.bsky.feed.post', 'invalid'), 1)
  await scene.close()
})

for (const status of ['takendown', 'deactivated', 'suspended', 'desynchronized', undefined]) {
  test(`an account that is ${status ?? 'inactive for no reason given'} is hidden until it is active`, async () => {
    const scene = await new Scene().start()
    const ann = scene.writer('ann')
    ann.profile({ displayName: 'Ann' })
    const uri = ann.post('words')
    await scene.settle()
    if (status === undefined) scene.say(ann.did, 'account', { active: false, did: ann.did })
    else ann.account(status)
    await scene.settle()
    assert.deepEqual(await scene.posts('words'), [])
    assert.deepEqual(await scene.posts('words', { sort: 'top' }), [])
    assert.deepEqual(await scene.posts('*'), [])
    assert.deepEqual(await scene.actors('ann'), [])
    assert.deepEqual(await scene.actors('an', { typeahead: true }), [])
    await scene.outside.advance(1_000)
    const later = ann.post('more words')
    ann.account()
    await scene.settle()
    assert.deepEqual(await scene.posts('words'), [later, uri])
    assert.deepEqual(await scene.actors('ann'), ['ann.test'])
    await scene.close()
  })
}

test('a deleted account is gone at once and for good; one that begins anew has only what is new', async () => {
  const scene = await new Scene().start()
  const ann = scene.writer('ann')
  ann.profile({ displayName: 'Ann of old' })
  for (let i = 0; i < 1_200; i++) ann.post(`old words ${i}`)
  await scene.settle()
  assert.equal((await scene.posts('words', { limit: 100 })).length, 100)
  ann.account('deleted')
  ann.account()
  const fresh = ann.post('new words')
  await scene.settle()
  assert.deepEqual(await scene.posts('words'), [fresh])
  assert.deepEqual(await scene.actors('old'), [])
  assert.deepEqual(await scene.actors('ann.test'), ['ann.test'])
  await scene.outside.advance(1_000)
  const left = await scene.sql.get<{ posts: number; actors: number }>(
    'select (select count(*) from post) as posts, (select count(*) from actor) as actors',
  )
  assert.deepEqual({ ...left }, { posts: 1, actors: 1 }, 'nothing of it is kept')
  await scene.close()
})

test('the removal of a deleted account goes on after a restart', async () => {
  const scene = await new Scene().start()
  const ann = scene.writer('ann')
  for (let i = 0; i < 600; i++) ann.post(`words ${i}`)
  scene.writer('ben').identity()
  await scene.settle()
  await scene.stop()
  await scene.sql.run("update actor set did = null, status = 'deleted' where did = ?", [ann.did])
  await scene.start()
  await scene.outside.advance(1_000)
  assert.deepEqual(await scene.sql.all('select * from post'), [])
  assert.equal((await scene.sql.all('select * from actor')).length, 1)
  await scene.close()
})

test('a restart goes on where the index stands, and what comes twice changes nothing', async () => {
  const folder = temporary()
  const path = join(folder.path, 'search.sqlite')
  const scene = await new Scene({ path }).start()
  const ann = scene.writer('ann')
  const ben = scene.writer('ben')
  const first = ann.post('water one')
  ben.profile({ displayName: 'Ben' })
  await scene.settle()
  await scene.close()
  await scene.outside.advance(1_000)
  const second = ann.post('water two')
  ben.delete(`at://${ben.did}/app.bsky.actor.profile/self`)
  scene.sql = await openSqlite(path, { migrations: loadMigrations(searchMigrations) })
  await scene.start()
  await scene.settle()
  assert.deepEqual(await scene.posts('water'), [second, first])
  assert.equal(scene.jetstream.cursors[0], 0, 'from the beginning')
  assert.equal(scene.jetstream.cursors[1], scene.jetstream.frames[1]!.at, 'from the last one taken')
  const before = await dump(scene)
  await scene.stop()
  await scene.sql.run('delete from cursor')
  await scene.start()
  await scene.settle()
  assert.equal(scene.jetstream.cursors.at(-1), 0)
  assert.deepEqual(await dump(scene), before, 'all events again')
  await scene.close()
  folder.remove()
})

test('what is older than the newest commit of an account is passed over', async () => {
  const scene = await new Scene().start()
  const ann = scene.writer('ann')
  const rev = ann.nextRev()
  const uri = ann.post('words')
  ann.delete(uri)
  const record = { $type: 'app.bsky.feed.post', text: 'words', createdAt: '2026-01-01T00:00:00Z' }
  const [, , , collection, rkey] = uri.split('/')
  scene.say(ann.did, 'commit', { rev, operation: 'create', collection, rkey, record })
  await scene.settle()
  assert.deepEqual(await scene.posts('words'), [])
  assert.equal(scene.metrics.value('search_records', 'app.bsky.feed.post', 'old'), 1)
  await scene.close()
})

test('garbage is counted and passed over', async () => {
  const scene = await new Scene().start()
  const ann = scene.writer('ann')
  ann.post('before')
  const now = scene.outside.now() * 1_000
  const event = (more: object) => JSON.stringify({ did: ann.did, time_us: now, ...more })
  const commit = (more: object) =>
    event({
      kind: 'commit',
      commit: {
        rev: ann.nextRev(),
        operation: 'create',
        collection: 'app.bsky.feed.post',
        rkey: 'a',
        ...more,
      },
    })
  const garbage: [frame: string | Uint8Array, kind: string, verdict: string][] = [
    ['', 'other', 'bad-frame'],
    ['{', 'other', 'bad-frame'],
    ['[]', 'other', 'bad-frame'],
    ['null', 'other', 'bad-frame'],
    [`${'['.repeat(100_000)}`, 'other', 'bad-frame'],
    [`"${'a'.repeat(2_100_000)}"`, 'other', 'too-big'],
    [new Uint8Array([1, 2, 3]), 'other', 'bad-frame'],
    ['{}', 'other', 'malformed'],
    [JSON.stringify({ did: 'no', time_us: now, kind: 'identity' }), 'other', 'malformed'],
    [JSON.stringify({ did: ann.did, time_us: -1, kind: 'identity' }), 'other', 'malformed'],
    [JSON.stringify({ did: ann.did, time_us: now * 2, kind: 'identity' }), 'other', 'future'],
    [event({ kind: 'strange' }), 'other', 'unknown-type'],
    [event({ kind: 'commit' }), 'commit', 'malformed'],
    [event({ kind: 'account', account: { active: 'yes' } }), 'account', 'malformed'],
    [commit({ rev: 'x' }), 'commit', 'malformed'],
    [commit({ rkey: 7 }), 'commit', 'malformed'],
    [commit({ operation: 'explode' }), 'commit', 'malformed'],
    [commit({ collection: 'app.bsky.feed.like' }), 'commit', 'ignored'],
  ]
  for (const [frame] of garbage) scene.sayRaw(frame)
  scene.sayRaw(commit({ rkey: '../..' }))
  scene.sayRaw(commit({ record: null }))
  scene.sayRaw(commit({ record: { $type: 'app.bsky.feed.like' } }))
  scene.sayRaw(commit({ collection: 'app.bsky.actor.profile', rkey: 'other', record: {} }))
  ann.post('after')
  await scene.settle()
  const expected = new Map<string, number>()
  for (const [, kind, verdict] of garbage)
    expected.set(`${kind} ${verdict}`, (expected.get(`${kind} ${verdict}`) ?? 0) + 1)
  for (const [key, count] of expected) {
    const [kind, verdict] = key.split(' ') as [string, string]
    assert.equal(scene.metrics.value('search_events', kind, verdict), count, key)
  }
  const records = (collection: string, verdict: string) =>
    scene.metrics.value('search_records', collection, verdict)
  assert.equal(records('app.bsky.feed.post', 'bad-key'), 1)
  assert.equal(records('app.bsky.feed.post', 'invalid'), 2)
  assert.equal(records('app.bsky.actor.profile', 'bad-key'), 1)
  assert.equal((await scene.posts('*')).length, 2)
  assert.equal(scene.jetstream.connections, 1)
  await scene.close()
})

test('an upstream that goes away is asked again', async () => {
  const scene = await new Scene({ config: { jetstream: 'http://nowhere.test' } }).start()
  await scene.outside.advance(60_000)
  assert.equal(scene.metrics.value('loop_restarts', 'intake'), 0)
  await scene.close()
})

test('asks a jetstream for the collections it indexes only', async () => {
  const { jetstreamAddress } = await import('./intake/jetstream.ts')
  assert.equal(
    jetstreamAddress(JETSTREAM, 5),
    'ws://jetstream.test/subscribe?wantedCollections=app.bsky.feed.post&wantedCollections=app.bsky.actor.profile&cursor=5',
  )
})
