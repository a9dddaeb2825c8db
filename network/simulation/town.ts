/** A town of people at one host, and what must be true of it after every death of the host. */
import assert from 'node:assert/strict'
import type { PublicKey } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import { verifyRepoCar } from '#protocol/repo'
import type { Did } from '#protocol/syntax'
import type { Chances } from './chances.ts'
import { Listener } from './listener.ts'
import { Person, type World } from './people.ts'

export interface TownOptions {
  world: World
  chance: Chances
  size: number
  keyOf(did: Did): Promise<PublicKey>
  /** Hands over the frames after a seq, up to the newest at the time of the call. */
  follow(cursor: number, hear: (frame: Uint8Array) => Promise<void>): Promise<void>
}

export class Town {
  readonly #options: TownOptions
  readonly #people: Person[] = []
  readonly #keys = new Map<Did, PublicKey>()
  #listener: Listener
  #born = 0
  /** How many things were done and acknowledged, by name. */
  readonly done = new Map<string, number>()

  constructor(options: TownOptions) {
    this.#options = options
    this.#listener = new Listener((did) => this.#keyOf(did))
  }

  async #keyOf(did: Did): Promise<PublicKey> {
    const key = this.#keys.get(did) ?? (await this.#options.keyOf(did))
    this.#keys.set(did, key)
    return key
  }

  /** Everybody lives until the host is gone, or has done so many things. */
  async live(things?: number): Promise<void> {
    const { world, chance, size } = this.#options
    // Who left makes room for who comes.
    for (const [i, person] of this.#people.entries()) {
      if (person.isGone) this.#people.splice(i, 1, this.#newcomer(world, chance))
    }
    while (this.#people.length < size) this.#people.push(this.#newcomer(world, chance))
    await Promise.all(this.#people.map((person) => person.live(things)))
  }

  #newcomer(world: World, chance: Chances): Person {
    return new Person(world, chance, `person${this.#born++}`, this.done)
  }

  /** The host is up again, and nobody does anything: all that was acknowledged is there. */
  async settle(): Promise<void> {
    const there = new Map<Person, ReadonlyMap<string, string>>()
    for (const person of this.#people) {
      const records = await person.settle()
      if (records) there.set(person, records)
    }
    const { follow } = this.#options
    await follow(this.#listener.lastSeq, (frame) => this.#listener.hear(frame))
    for (const [person, records] of there) await this.#verify(person, records)
  }

  /** The signed tree holds these records, it is what was announced, and so was every commit. */
  async #verify(person: Person, records: ReadonlyMap<string, string>): Promise<void> {
    const did = person.did!
    const { world } = this.#options
    const { heads, standing } = this.#listener
    for (const rev of person.revs) {
      assert.ok(this.#listener.has(did, rev), `never announced: ${person.name} at ${rev}`)
    }
    assert.equal(standing.get(did), 'active', `what was said of the standing of ${person.name}`)
    const params = { did }
    const latest = await world.call('GET', 'com.atproto.sync.getLatestCommit', { params })
    assert.equal(cidText(heads.get(did)!.commit), latest.body.cid, `the head of ${person.name}`)
    const car = await world.call('GET', 'com.atproto.sync.getRepo', { params })
    const repo = verifyRepoCar(car.bytes, { did, keys: [await this.#keyOf(did)] })
    assert.equal(cidText(repo.head.commit), latest.body.cid)
    assert.deepEqual(
      repo.records.map(({ path }) => path.split('/').at(-1)).sort(),
      [...records.keys()].sort(),
    )
  }

  /** Who listens from the beginning hears the same once more, but for what was deleted. */
  async hearAgain(): Promise<void> {
    const heard = new Map<number, string>()
    const again = new Listener((did) => this.#keyOf(did))
    await this.#options.follow(0, (frame) => again.hear(frame))
    for (const [seq, what] of again.heard) heard.set(seq, what)
    const living = new Set(this.#people.filter((one) => !one.isGone).map(({ did }) => did))
    const ofTheLiving = (all: ReadonlyMap<number, string>) =>
      [...all].filter(([, what]) => living.has(what.split(' ')[1] as Did))
    assert.deepEqual(ofTheLiving(heard), ofTheLiving(this.#listener.heard))
  }

  get doneCount(): number {
    let count = 0
    for (const one of this.done.values()) count += one
    return count
  }

  get eventCount(): number {
    return this.#listener.heard.size
  }

  /** In words, for the log of a run. */
  describe(): string {
    const done = [...this.done].sort().map(([name, count]) => `${name} ${count}`)
    return `${this.eventCount} events; ${done.join(', ')}`
  }
}
