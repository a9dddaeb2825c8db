import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { runs } from '../engine.test-support.ts'
import { type Person, type Ref, World } from '../world.test-support.ts'
import { dumpIndex } from './dump.test-support.ts'

/** An index of these frames, in this order. */
async function indexed(frames: readonly (Uint8Array | string)[]): Promise<World> {
  const world = new World()
  await world.outside.advance(10_000)
  await world.start()
  for (const frame of frames) world.relay.emit(() => frame)
  for (let i = 0; i < 50; i++) await world.outside.advance(0)
  await world.stop()
  const events = ['applied', 'applied-repair', 'old'].map((verdict) =>
    world.metrics.value('appview_events', 'commit', verdict),
  )
  assert.equal(
    events.reduce((sum, count) => sum + count),
    frames.length,
  )
  assert.match(await dumpIndex(world.sql), /# post\n.+/)
  return world
}

/** A history of a few people who do everything to each other; frames by person, in their order. */
async function history(seed: number, { deletesPosts }: { deletesPosts: boolean }) {
  const world = await new World().start()
  await world.stop()
  const people = ['ann', 'ben', 'cat', 'dan'].map((name) => world.person(name))
  const frames = new Map<Person, Uint8Array[]>(people.map((person) => [person, []]))
  const posts: Ref[] = []
  const roots = new Map<string, Ref>()
  const lists: Ref[] = []
  const packs: Ref[] = []
  const undoable: { person: Person; ref: Ref }[] = []
  let state = seed
  const draw = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return (state >>> 8) % below
  }
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)]!
  for (let step = 0; step < 75; step++) {
    await world.outside.advance(5)
    const person = pick(people)
    const before = world.relay.frames.length
    const what = draw(16)
    act(person, what === 9 && !deletesPosts ? 8 : what)
    for (const { frame } of world.relay.frames.slice(before))
      frames.get(person)!.push(frame as Uint8Array)
  }
  await world.close()
  return { frames: [...frames.values()], all: world.relay.frames.map(({ frame }) => frame) }

  function act(person: Person, what: number) {
    const post = posts.length > 0 ? pick(posts) : undefined
    const undoes = (ref: Ref) => {
      undoable.push({ person, ref })
    }
    const adds = (ref: Ref, root = ref) => {
      posts.push(ref)
      roots.set(ref.uri, root)
    }
    if (what === 0 || post === undefined) return adds(person.post(`post ${posts.length}`))
    const root = roots.get(post.uri)!
    if (what <= 2) return adds(person.reply(post, `reply ${posts.length}`, root), root)
    if (what === 3) return adds(person.quote(post, `quote ${posts.length}`))
    if (what === 4) return undoes(person.like(post))
    if (what === 5) return undoes(person.repost(post))
    if (what === 6) return undoes(person.follow(pick(people)))
    if (what === 7) return undoes(person.block(pick(people)))
    const mine = undoable.findIndex((done) => done.person === person)
    if (what === 8 && mine !== -1) return person.delete(undoable.splice(mine, 1)[0]!.ref)
    const own = posts.findIndex(({ uri }) => uri.startsWith(`at://${person.did}/`))
    if (what === 9 && own !== -1) return person.delete(posts.splice(own, 1)[0]!)
    if (what >= 10) undoes(graphRecord(person, what))
  }

  /** Lists and what refers to them, tags, and words about others. */
  function graphRecord(person: Person, what: number): Ref {
    const { now: createdAt } = person
    const ownList = lists.find(({ uri }) => uri.startsWith(`at://${person.did}/`))
    if (what === 10 || ownList === undefined) {
      const purpose = `app.bsky.graph.defs#${draw(2) ? 'modlist' : 'referencelist'}`
      const made = person.create('app.bsky.graph.list', { name: 'list', purpose, createdAt })
      lists.push(made)
      return made
    }
    const subject = pick(people).did
    if (what === 11)
      return person.create('app.bsky.graph.listitem', { list: ownList.uri, subject, createdAt })
    if (what === 12)
      return person.create('app.bsky.graph.listblock', { subject: pick(lists).uri, createdAt })
    if (what === 13) {
      const pack = { name: 'pack', list: ownList.uri, createdAt }
      const made = person.create('app.bsky.graph.starterpack', pack)
      packs.push(made)
      return made
    }
    if (what === 14 && packs.length > 0) return joined(person, pick(packs))
    const words = { subject, handle: 'ann.test', displayName: 'Ann', createdAt }
    return draw(2)
      ? person.post('#tag', { tags: ['tag', 'Other'] })
      : person.create('app.bsky.graph.verification', words)
  }

  /** A profile that says by which starter pack its owner came. */
  function joined(person: Person, joinedViaStarterPack: Ref): Ref {
    const path = 'app.bsky.actor.profile/self'
    const action = person.tree.get(path) ? 'update' : 'create'
    const value = { $type: 'app.bsky.actor.profile', joinedViaStarterPack, createdAt: person.now }
    person.commit([{ action, path, value }])
    const made = person.ref(path)
    const before = undoable.findIndex(({ ref }) => ref.uri === made.uri)
    if (before !== -1) undoable.splice(before, 1)
    return made
  }
}

/** Mixes lists into one, each staying in its own order. */
function interleave<T>(lists: readonly T[][], picks: readonly number[]): T[] {
  const left = lists.map((list) => [...list])
  const mixed: T[] = []
  for (let i = 0; left.some((list) => list.length > 0); i++) {
    const some = left.filter((list) => list.length > 0)
    mixed.push(some[picks[i % picks.length]! % some.length]!.shift()!)
  }
  return mixed
}

test('events that come again change nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(10_000),
      fc.array(fc.nat(59), { maxLength: 12 }),
      async (seed, again) => {
        const { all } = await history(seed, { deletesPosts: true })
        const once = await indexed(all)
        const repeated = all.flatMap((frame, i) => (again.includes(i) ? [frame, frame] : [frame]))
        const twice = await indexed([...repeated, ...all.filter((_, i) => i % 10 === 0)])
        assert.equal(await dumpIndex(twice.sql), await dumpIndex(once.sql))
        await Promise.all([once.close(), twice.close()])
      },
    ),
    { numRuns: runs(12) },
  )
})

test('the order of different accounts makes no difference', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(10_000),
      fc.array(fc.nat(3), { minLength: 7, maxLength: 40 }),
      async (seed, picks) => {
        const { all, frames } = await history(seed, { deletesPosts: false })
        const straight = await indexed(all)
        const mixed = await indexed(interleave(frames, picks))
        assert.equal(await dumpIndex(mixed.sql), await dumpIndex(straight.sql))
        await Promise.all([straight.close(), mixed.close()])
      },
    ),
    { numRuns: runs(12) },
  )
})

test('with deleted posts, only who was told of them depends on the order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(10_000),
      fc.array(fc.nat(3), { minLength: 7, maxLength: 40 }),
      async (seed, picks) => {
        const { all, frames } = await history(seed, { deletesPosts: true })
        const straight = await indexed(all)
        const mixed = await indexed(interleave(frames, picks))
        assert.equal(
          await dumpIndex(mixed.sql, ['notice']),
          await dumpIndex(straight.sql, ['notice']),
        )
        await Promise.all([straight.close(), mixed.close()])
      },
    ),
    { numRuns: runs(8) },
  )
})

test('counts are what the rows add up to, whatever happened', async () => {
  for (const seed of [1, 2, 3, 4, 5].slice(0, runs(5))) {
    const { all } = await history(seed, { deletesPosts: true })
    const world = await indexed([...all, ...all])
    const wrong = await world.sql.all(
      `select * from (select s.*, (select count(distinct aid) from feed_like l where l.subject_aid = s.aid and l.subject = s.subject) as l,
         (select count(distinct aid) from repost r where r.subject_aid = s.aid and r.subject = s.subject) as r,
         (select count(*) from post p where p.parent_aid = s.aid and p.parent_rkey = s.subject) as p,
         (select count(*) from post q where q.quote_aid = s.aid and q.quote_rkey = s.subject) as q
       from subject_count s) x where likes <> l or reposts <> r or replies <> p or quotes <> q`,
    )
    assert.deepEqual(wrong, [])
    const actors = await world.sql.all(
      `select * from (select a.*, (select count(distinct aid) from follow f where f.subject_aid = a.aid) as fs,
         (select count(distinct subject_aid) from follow f where f.aid = a.aid) as fg,
         (select count(*) from post p where p.aid = a.aid) as ps
       from actor_count a) x where followers <> fs or follows <> fg or posts <> ps`,
    )
    assert.deepEqual(actors, [])
    const published = await world.sql.all(
      `select * from actor_count a where
         lists <> (select count(*) from user_list l where l.aid = a.aid and l.purpose in (1, 2))
         or packs <> (select count(*) from record r where r.aid = a.aid
           and r.collection = 'app.bsky.graph.starterpack')`,
    )
    assert.deepEqual(published, [])
    const items = await world.sql.all(
      `select * from (select c.*, (select count(*) from list_item i where i.aid = c.aid
           and 'app.bsky.graph.list/' || i.list_rkey = c.subject) as l,
         (select count(*) from pack_join j where j.pack_aid = c.aid
           and 'app.bsky.graph.starterpack/' || j.pack_rkey = c.subject) as p
       from item_count c) x where items <> l + p`,
    )
    assert.deepEqual(items, [])
    await world.close()
  }
})

test('two likes of one post by one account count once, until both are gone', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  const ben = await world.member('ben')
  const post = ann.post('hello')
  const first = ben.like(post)
  const second = ben.like(post)
  const likes = async () => {
    await world.settle()
    const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [post.uri] }, ben)
    return { count: posts[0].likeCount, like: posts[0].viewer.like }
  }
  assert.deepEqual(await likes(), { count: 1, like: first.uri })
  ben.delete(first)
  assert.deepEqual(await likes(), { count: 1, like: second.uri })
  ben.delete(second)
  assert.deepEqual(await likes(), { count: 0, like: undefined })
  await world.close()
})

test('a record that its schema refuses is counted and passed over, the rest of its commit is not', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  const bad = { $type: 'app.bsky.feed.post', text: 1, createdAt: 'yesterday' }
  const good = { $type: 'app.bsky.feed.post', text: 'good', createdAt: ann.now }
  ann.commit([
    { action: 'create', path: `app.bsky.feed.post/${ann.nextRkey()}`, value: bad },
    { action: 'create', path: `app.bsky.feed.post/${ann.nextRkey()}`, value: good },
    { action: 'create', path: 'com.example.thing/self', value: { $type: 'com.example.thing' } },
  ])
  await world.settle()
  const records = (collection: string, verdict: string) =>
    world.metrics.value('appview_records', collection, verdict)
  assert.equal(records('app.bsky.feed.post', 'invalid'), 1)
  assert.equal(records('app.bsky.feed.post', 'indexed'), 1)
  assert.equal(records('other', 'ignored'), 1)
  const { feed } = await world.get('app.bsky.feed.getAuthorFeed', { actor: ann.did })
  assert.equal(feed.length, 1)
  await world.close()
})

test('a record that becomes invalid is no longer shown', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  ann.update('app.bsky.actor.profile', 'self', { displayName: 5 })
  await world.settle()
  const profile = await world.get('app.bsky.actor.getProfile', { actor: ann.did })
  assert.equal(profile.displayName, undefined)
  await world.close()
})

test('an edited post shows its new text, with the likes it had', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  const post = ann.post('first')
  ann.like(post)
  await world.settle()
  await world.get('app.bsky.feed.getPosts', { uris: [post.uri] })
  ann.update('app.bsky.feed.post', post.uri.split('/').pop()!, {
    text: 'second',
    createdAt: ann.now,
  })
  await world.settle()
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [post.uri] })
  assert.deepEqual([posts[0].record.text, posts[0].likeCount], ['second', 1])
  await world.close()
})

test('likes of other records are counted under their path, and are no post', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  const feed = { uri: `at://${ann.did}/app.bsky.feed.generator/news`, cid: ann.post('x').cid }
  ann.like(feed)
  await world.settle()
  const counts = await world.sql.get('select likes from subject_count where subject = ?', [
    'app.bsky.feed.generator/news',
  ])
  assert.deepEqual(counts, { likes: 1 })
  assert.equal(
    (await world.get('app.bsky.feed.getActorLikes', { actor: ann.did }, ann)).feed.length,
    0,
  )
  await world.close()
})

test('references that no index could hold are counted, not stored', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  const { cid } = ann.post('x')
  ann.repost({ uri: `at://${ann.did}/app.bsky.feed.generator/news`, cid })
  ann.reply({ uri: 'at://ann.test/app.bsky.feed.post/3kaaaaaaaaaaa', cid }, 'to a handle')
  ann.create('app.bsky.feed.threadgate', {
    post: `at://${ann.did}/app.bsky.feed.post/other`,
    createdAt: ann.now,
  })
  await world.settle()
  for (const collection of ['repost', 'post', 'threadgate'])
    assert.equal(
      world.metrics.value('appview_records', `app.bsky.feed.${collection}`, 'unusable'),
      1,
    )
  await world.close()
})
