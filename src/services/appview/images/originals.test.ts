import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Person, World } from '../world.test-support.ts'

let world: World
let ann: Person
before(async () => {
  world = await new World().start()
  ann = await world.member('ann')
})
after(() => world.close())

const blob = () => world.addBlob(Uint8Array.of(1, 2, 3), 'image/png').ref.$link

test('without an image service, pictures and films are fetched from the host by the client', async () => {
  const cid = blob()
  const paths = [
    `/img/avatar/plain/${ann.did}/${cid}@webp`,
    `/img/feed_fullsize/plain/${encodeURIComponent(ann.did)}/${cid}`,
    `/video/plain/${ann.did}/${cid}`,
  ]
  for (const path of paths) {
    const { status, headers } = await world.fetch(path)
    assert.equal(status, 302)
    const location = new URL(headers!.location!)
    assert.equal(
      location.origin + location.pathname,
      'http://pds.test/xrpc/com.atproto.sync.getBlob',
    )
    assert.deepEqual([...location.searchParams.values()], [ann.did, cid])
  }
  assert.equal((await world.fetch(paths[0]!, { method: 'POST' })).status, 405)
})

test('nobody is sent to the host of accounts that are hidden, unknown or malformed', async () => {
  const off = await world.member('off')
  off.account('takendown')
  await world.settle()
  for (const did of [off.did, 'did:plc:nobody', 'nonsense', '%'])
    assert.equal((await world.fetch(`/img/avatar/plain/${did}/${blob()}`)).status, 404, did)
})

test('other presets and paths are no pictures', async () => {
  for (const path of [`/img/huge/plain/${ann.did}/${blob()}`, '/img/avatar/plain'])
    assert.equal((await world.fetch(path)).status, 404)
})
