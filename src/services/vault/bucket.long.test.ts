/** The life of a vault whose packs and blobs lie in a bucket. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketWorld } from './bucket.test-support.ts'
import { textsOf } from './world.test-support.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

test('a vault on a bucket copies, restores, drills, sweeps and erases as on a disk', async () => {
  const { world, bucket } = await bucketWorld({
    drillEveryHours: 24,
    windowDays: 2,
    snapshotEveryDays: 1,
    snapshotDays: 3,
  })
  const [ann, ben] = [world.person('ann'), world.person('ben')]
  for (let i = 0; i < 40; i++) ann.post(`${i} of ann`)
  const picture = world.addBlob(new Uint8Array(2_500_000).map((_, i) => i * 31))
  const path = ann.post('a picture', { more: { embed: picture } })
  ben.post('of ben')
  await world.start()
  for (const one of [ann, ben]) await world.caughtUp(one)
  assert.deepEqual(textsOf(await world.repo(ann)), ann.texts())
  const blob = await world.get('getBlob', { did: ann.did, cid: picture.ref.$link })
  assert.deepEqual(blob.bytes, world.blobs.get(picture.ref.$link))
  assert.ok(![...bucket.objects.values()].some((bytes) => Buffer.from(bytes).includes('of ann')))

  // Stopped anywhere, with what it had begun left in the bucket: the next start removes that.
  await world.stop()
  bucket.objects.set('1/packs/begun', new Uint8Array(9))
  await world.sql.run(`insert into doomed (key) values ('1/packs/begun')`)
  for (let i = 0; i < 200; i++) ann.post(`${i} while it was away`)
  await world.start()
  assert.ok(!bucket.objects.has('1/packs/begun'))
  await world.caughtUp(ann)
  assert.deepEqual(textsOf(await world.repo(ann)), ann.texts())

  await world.outside.advance(HOUR_MS)
  await world.until(async () => (await world.get('listDrills', {})).body.drills.length > 0, 60_000)
  const [drill] = (await world.get('listDrills', {})).body.drills
  assert.deepEqual([drill.accounts, drill.failed], [2, 0])

  ann.delete(path)
  await world.caughtUp(ann)
  for (let day = 0; day < 8; day++) await world.outside.advance(DAY_MS)
  await world.until(() => ![...bucket.objects.keys()].some((key) => key.includes('blobs')), 60_000)
  const packs = 'select file from pack where file is not null'
  await world.until(async () => {
    const rows = await world.sql.all<{ file: string }>(packs)
    const names = rows.map(({ file }) => file).sort()
    return JSON.stringify(names) === JSON.stringify([...bucket.objects.keys()].sort())
  }, 60_000)
  assert.deepEqual(textsOf(await world.repo(ann)), ann.texts())

  for (const { did } of [ann, ben]) await world.post('unfollow', { did, erase: true })
  await world.until(() => bucket.objects.size === 0)
  await world.close()
})
