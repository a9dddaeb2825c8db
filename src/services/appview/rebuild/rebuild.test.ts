import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { type Person, TestFiles, World } from '../world.test-support.ts'

const REBUILD = 'app.falaj.appview.rebuild'
const config = { adminPassword: 'secret' }
let world: World
afterEach(() => world?.close())

async function ask(action: 'start' | 'cancel', password = 'secret') {
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
  const response = await world.fetch(`/xrpc/${REBUILD}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify({ action })),
  })
  return { status: response.status, ...JSON.parse(response.body as string) }
}

async function status() {
  const response = await world.fetch('/xrpc/app.falaj.appview.getRebuild')
  return JSON.parse(response.body as string)
}

/** Lets time pass until another file serves. */
async function switched(files: TestFiles, from: string): Promise<void> {
  for (let turn = 0; turn < 4_000; turn++) {
    if (files.current !== from && files.names().length === 1) return
    await world.outside.advance(20)
  }
  assert.fail(`still in ${from}: ${JSON.stringify(await status())}`)
}

/** Two people, of whom one keeps things to herself. */
async function open(files: TestFiles): Promise<{ ann: Person; bob: Person }> {
  world = await new World({ files, config }).start()
  const [ann, bob] = [await world.member('ann'), await world.member('bob')]
  const post = bob.post('of bob')
  await world.settle()
  const subject = { uri: post.uri, cid: post.cid }
  await world.post('app.bsky.bookmark.createBookmark', subject, ann)
  await world.post('app.bsky.graph.muteActor', { actor: bob.did }, ann)
  await world.post('app.bsky.notification.updateSeen', { seenAt: ann.now }, ann)
  const device = { serviceDid: world.appview.did, token: 't', platform: 'web', appId: 'app' }
  await world.post('app.bsky.notification.registerPush', device, ann)
  return { ann, bob }
}

const kept = async (ann: Person) => ({
  bookmarks: (await world.get('app.bsky.bookmark.getBookmarks', {}, ann)).bookmarks.length,
  mutes: (await world.get('app.bsky.graph.getMutes', {}, ann)).mutes.length,
  devices: (await world.sql.all('select token from push_token')).length,
  seen: (await world.sql.all('select seen_us from seen')).length,
})

test('what is known here alone comes along, also what changes at the last moment', async () => {
  const files = new TestFiles()
  const { ann, bob } = await open(files)
  assert.deepEqual(await kept(ann), { bookmarks: 1, mutes: 1, devices: 1, seen: 1 })
  const before = files.current
  await ask('start')
  let turns = 0
  while (files.current === before) {
    assert.ok(turns++ < 2_000)
    // Each answer is about the index that was written to.
    const act = turns % 2 ? 'unmuteActor' : 'muteActor'
    const { status: code } = await world.post(`app.bsky.graph.${act}`, { actor: bob.did }, ann)
    assert.equal(code, 200)
    await world.outside.advance(20)
  }
  const expected = turns % 2 ? 0 : 1
  assert.deepEqual(await kept(ann), { bookmarks: 1, mutes: expected, devices: 1, seen: 1 })
  await switched(files, before)
})

test('a stop at any time leaves the old one serving, and the next start goes on', async () => {
  const files = new TestFiles()
  const { ann } = await open(files)
  const before = files.current
  await ask('start')
  const names = new Set<string>()
  for (let stops = 0; stops < 12 && files.current === before; stops++) {
    for (let turn = 0; turn < stops * 2; turn++) await world.outside.advance(10)
    for (const name of files.names()) names.add(name)
    await world.stop()
    await world.start()
    assert.equal((await kept(ann)).bookmarks, 1)
  }
  await switched(files, before)
  assert.deepEqual(names.size, 2, 'one new file, however often it stopped')
  assert.equal((await kept(ann)).bookmarks, 1)
})

test('only the operator asks for it, not without room on the disk, and may give it up', async () => {
  const files = new TestFiles()
  await open(files)
  assert.equal((await ask('start', 'wrong')).status, 401)
  files.freeBytes = 1_000
  assert.equal((await ask('start')).error, 'NoRoom')
  files.freeBytes = 1e12
  world.repoError = 'Busy'
  await ask('start')
  for (let turn = 0; turn < 20; turn++) await world.outside.advance(1)
  assert.equal(files.names().length, 2)
  assert.equal((await ask('cancel')).running, false)
  for (let turn = 0; turn < 20; turn++) await world.outside.advance(100)
  assert.deepEqual(files.names(), [files.current])
  assert.equal(world.metrics.value('appview_rebuild_running'), 0)
})

test('where rows are in no file of their own, it says so', async () => {
  world = await new World({ config }).start()
  assert.equal((await ask('start')).error, 'NotRebuildable')
  assert.deepEqual(await status(), { running: false })
})
