import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from '../world.test-support.ts'

const HOUR_MS = 3_600_000

async function page(world: World, query = '', headers = {}): Promise<string> {
  const signal = new AbortController().signal
  const rest = { method: 'GET', path: '/', body: undefined, ip: '::1', id: 'r', signal }
  const response = await world.vault.handle({ ...rest, query, headers })
  assert.equal(response.status, 200)
  return response.body as string
}

test('a vault gives accounts back to itself, and tells when it could not', async () => {
  const world = new World({ drillEveryHours: 6, drillAccounts: 2 })
  const ann = world.person('ann')
  const ben = world.person('ben')
  const picture = world.addBlob(new Uint8Array(3_000).fill(5))
  ann.post('with a picture', { more: { embed: picture } })
  ben.post('of ben')
  await world.start()
  await world.caughtUp(ann)
  await world.caughtUp(ben)
  assert.match(await page(world), /لم يُجرَ تمرين بعد/)

  const held = async (count: number) => {
    await world.until(async () => {
      const { body } = await world.get('listDrills', {})
      return body.drills.length === count
    }, 60_000)
    return (await world.get('listDrills', {})).body.drills[0]
  }
  const first = await held(1)
  assert.deepEqual([first.accounts, first.failed, first.records, first.blobs], [2, 0, 2, 1])
  assert.deepEqual(first.sample.map(({ did }: { did: string }) => did).sort(), [ann.did, ben.did])
  const succeeded = world.metrics.value('vault_drill_timestamp_seconds')!
  assert.ok(succeeded > 0)
  assert.match(await page(world, 'lang=en'), /<td class="good">all whole<\/td>/)

  // So that the drill is the first to notice.
  await world.until(async () => {
    const unchecked = 'select 1 from account where checked_ms is null'
    return (await world.sql.get(unchecked)) === undefined
  }, 60_000)
  // The disk changes one file behind the vault's back.
  const row = await world.sql.get<{ file: string }>(
    'select file from pack join account using (aid) where did = ? and file is not null',
    [ann.did],
  )
  await (await world.store.stage(new Uint8Array(200))).commit(row!.file)
  await world.outside.advance(6 * HOUR_MS)
  const second = await held(2)
  assert.deepEqual([second.accounts, second.failed], [2, 1])
  const failed = second.sample.find(({ problem }: { problem?: string }) => problem !== undefined)
  assert.equal(failed.did, ann.did)
  assert.match(failed.problem, /cannot open the sealed value/)
  assert.equal(world.metrics.value('vault_drill_failed'), 1)
  assert.equal(world.metrics.value('vault_drill_timestamp_seconds'), succeeded)
  assert.match(
    await page(world, '', { 'accept-language': 'en-GB, ar' }),
    /1 could not be given back/,
  )
  const inArabic = await page(world, 'lang=ar')
  assert.match(inArabic, /dir="rtl"/)
  assert.ok(!inArabic.includes('did:plc'), 'the page names nobody')

  // What it found it has mended: the next one is whole.
  await world.caughtUp(ann)
  await world.outside.advance(6 * HOUR_MS)
  assert.equal((await held(3)).failed, 0)
  assert.equal(world.metrics.value('vault_drill_failed'), 0)
  await world.close()
})
