/**
 * Seven people around one post, for the tests of methods. Alice looks. Bob wrote the post; he and
 * Carol are followed by her. Blake is blocked by her, Brook blocks her, Gone has deactivated its
 * account, Stranger is none of this. All but Alice follow Bob, like, repost and answer his post.
 */
import { type Person, type Ref, World, type WorldOptions } from './world.test-support.ts'

export interface Scene {
  world: World
  alice: Person
  bob: Person
  carol: Person
  blake: Person
  brook: Person
  gone: Person
  stranger: Person
  post: Ref
  /** Carol's answer to the post, and the Stranger's. */
  answer: Ref
  strangers: Ref
}

/** Names that no page of Alice's may hold. */
export const HIDDEN = ['blake.test', 'brook.test', 'gone.test']
const NAMES = ['alice', 'bob', 'carol', 'blake', 'brook', 'gone', 'stranger'] as const

export async function createScene(options: WorldOptions = {}): Promise<Scene> {
  const world = await new World(options).start()
  const people = {} as Record<(typeof NAMES)[number], Person>
  for (const name of NAMES) people[name] = await world.member(name)
  const { alice, bob, carol, blake, brook, gone, stranger } = people
  const tick = () => world.outside.advance(1_000)
  for (const person of [bob, carol, gone]) alice.follow(person)
  const post = bob.post('the post')
  const answers = new Map<Person, Ref>()
  for (const person of [carol, blake, brook, gone, stranger]) {
    await tick()
    person.follow(bob)
    person.like(post)
    person.repost(post)
    await tick()
    answers.set(person, person.reply(post, `answer of ${person.handle}`))
  }
  alice.block(blake)
  brook.block(alice)
  gone.account('deactivated')
  await world.settle()
  const [answer, strangers] = [answers.get(carol)!, answers.get(stranger)!]
  return { world, ...people, post, answer, strangers }
}

/** Parts of an answer that its tests look at. */
export interface PostView {
  uri: string
  author: { handle: string }
  record: { text: string }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export const textsOf = (feed: any[]): string[] => feed.map((item) => item.post.record.text)
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export const handlesOf = (list: any[]): string[] => list.map((one) => one.handle)
