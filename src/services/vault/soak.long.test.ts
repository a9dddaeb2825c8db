/** Long lives of accounts by chance, beside a model in memory: what is given back at any moment is what was then. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { generateKey } from '#protocol/crypto'
import { type Person, textsOf, World } from './world.test-support.ts'

const SEED = Number(process.env.FALAJ_SEED ?? randomInt(2 ** 31))
const LIVES = Number(process.env.FALAJ_LIVES ?? 4)
const STEPS = 40
const HOUR_MS = 3_600_000

/** mulberry32: a run is repeated by its seed. */
function chances(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** What an account was, by when. */
interface Moment {
  at: string
  texts: string[]
  pictures: string[]
}

class Life {
  readonly world: World
  readonly person: Person
  readonly chance: (below: number) => number
  readonly moments: Moment[] = []
  readonly paths: { path: string; picture: string | undefined }[] = []
  count = 0

  constructor(world: World, chance: (below: number) => number) {
    this.world = world
    this.person = world.person('ann')
    this.chance = chance
  }

  async step(): Promise<void> {
    const { world, person, chance, paths } = this
    await world.outside.advance(1 + chance(50_000))
    const isLost = chance(12) === 0
    switch (chance(14)) {
      case 0: {
        const picture = world.addBlob(new Uint8Array(500 + chance(5_000)).fill(chance(256)))
        const path = person.post(this.#text(), { isLost, more: { embed: picture } })
        paths.push({ path, picture: picture.ref.$link })
        break
      }
      case 1:
      case 2: {
        const [gone] = paths.splice(chance(paths.length || 1), 1)
        if (gone) person.delete(gone.path)
        break
      }
      case 3:
        // Another key, that the identity names from now on.
        person.key = generateKey('k256', world.outside.random)
        break
      case 4:
        person.account('takendown')
        person.account()
        break
      case 5:
        if (person.head) person.sync()
        break
      case 6:
        // A bulk import: many records in one commit after another, heard in part.
        for (let i = 0; i < 30; i++)
          paths.push({
            path: person.post(this.#text(), { isLost: chance(3) === 0 }),
            picture: undefined,
          })
        break
      case 7:
        await world.stop()
        for (let i = chance(4); i > 0; i--)
          paths.push({ path: person.post(this.#text()), picture: undefined })
        await world.start()
        break
      default:
        paths.push({ path: person.post(this.#text(), { isLost }), picture: undefined })
    }
    if (chance(3) > 0) return
    // What is lost is found by what comes after it: the host says where it is.
    if (person.head) person.sync()
    await this.#settle()
  }

  async #settle(): Promise<void> {
    const { world, person, paths } = this
    if (!person.head) return
    // An event that tells of a lost one makes it whole.
    paths.push({ path: person.post(this.#text()), picture: undefined })
    await world.until(async () => {
      const { body } = await world.get('getAccount', { did: person.did })
      return body.state === 'kept' && body.rev === person.head!.rev && !body.blobsWanted
    }, 1_000)
    await world.outside.advance(5)
    const pictures = paths.flatMap(({ picture }) => picture ?? [])
    this.moments.push({ at: world.time, texts: person.texts(), pictures })
    await world.outside.advance(5)
  }

  #text(): string {
    return `${this.count++} ${'word '.repeat(this.chance(30))}`
  }

  async check(moment: Moment): Promise<void> {
    const { world, person } = this
    assert.deepEqual(textsOf(await world.repo(person, moment.at)), moment.texts, moment.at)
    for (const cid of moment.pictures) {
      const { bytes } = await world.get('getBlob', { did: person.did, cid })
      assert.deepEqual(bytes, world.blobs.get(cid))
    }
  }
}

test(`every moment of long lives can be given back (seed ${SEED})`, async () => {
  for (let life = 0; life < LIVES; life++) {
    const chance = chances(SEED + life)
    const world = await new World({ drillEveryHours: 3 }).start()
    const one = new Life(world, chance)
    for (let step = 0; step < STEPS; step++) {
      await one.step()
      const { moments } = one
      if (moments.length > 0 && chance(10) === 0) await one.check(moments[chance(moments.length)]!)
      if (chance(40) === 0) await world.outside.advance(8 * HOUR_MS)
    }
    for (const moment of one.moments) await one.check(moment)
    const { body } = await world.get('listDrills', {})
    for (const drill of body.drills) assert.equal(drill.failed, 0)
    await world.close()
  }
})
