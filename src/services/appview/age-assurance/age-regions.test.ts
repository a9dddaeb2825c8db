import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Nsid } from '#protocol/syntax'
import { type Person, World } from '../world.test-support.ts'
import { type AgeRegion, ageRegion } from './age-regions.ts'

const REGIONS: AgeRegion[] = [
  { countryCode: 'GB', regionCode: undefined, minAge: 18 },
  { countryCode: 'US', regionCode: 'MS', minAge: 16 },
]
let world: World
let ann: Person
before(async () => {
  world = await new World({ config: { ageRegions: REGIONS } }).start()
  ann = await world.member('ann')
})
after(() => world.close())

async function refusal(method: string, input: object): Promise<string> {
  const { body } = await world.post(`app.bsky.${method}` as Nsid, input, ann)
  return JSON.parse(body as string).error
}

test('a region is written as its codes and an age', () => {
  assert.deepEqual([ageRegion.read('GB:18'), ageRegion.read('US-MS:16')], REGIONS)
  assert.deepEqual(REGIONS.map(ageRegion.show), ['GB:18', 'US-MS:16'])
  for (const wrong of ['', 'GB', 'gb:18', 'GB:', 'GB:old', 'GBR:18', 'US-:18', 'GB:180'])
    assert.throws(() => ageRegion.read(wrong), /must be REGION:AGE/, wrong)
})

test('anybody is told where an age is asked for, and that declaring it is enough', async () => {
  const { regions } = await world.get('app.bsky.ageassurance.getConfig')
  assert.deepEqual(
    regions.map((one: { countryCode: string; regionCode?: string; minAccessAge: number }) => [
      one.countryCode,
      one.regionCode,
      one.minAccessAge,
    ]),
    [
      ['GB', undefined, 18],
      ['US', 'MS', 16],
    ],
  )
  const [declared, otherwise] = regions[0].rules
  assert.deepEqual([declared.age, declared.access, otherwise.access], [18, 'full', 'none'])
})

test("nobody's age is known, and nobody is promised a letter", async () => {
  const where = { countryCode: 'GB' }
  const { state } = await world.get('app.bsky.ageassurance.getState', where, ann)
  assert.deepEqual(state, { status: 'unknown', access: 'unknown' })
  const older = await world.get('app.bsky.unspecced.getAgeAssuranceState', {}, ann)
  assert.deepEqual(older, { status: 'unknown' })
  const input = { email: 'ann@example.com', language: 'en' }
  const begin = (where: object) => refusal('ageassurance.begin', { ...input, ...where })
  assert.equal(await begin(where), 'InvalidInitiation')
  assert.equal(await begin({ countryCode: 'us', regionCode: 'ms' }), 'InvalidInitiation')
  assert.equal(await begin({ countryCode: 'US', regionCode: 'CA' }), 'RegionNotSupported')
  assert.equal(await begin({ countryCode: 'OM' }), 'RegionNotSupported')
  assert.equal(
    await refusal('unspecced.initAgeAssurance', { ...input, ...where }),
    'InvalidInitiation',
  )
  assert.equal(await world.refused('app.bsky.ageassurance.getState', where), 'AuthMissing')
})
