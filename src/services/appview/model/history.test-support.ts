/** A random history of a few people who do everything to each other, delivered as badly as may be. */
import { Tree } from '#protocol/repo'
import type { Nsid } from '#protocol/syntax'
import { settleLabels, TestLabeler } from '../labelers/labeler.test-support.ts'
import { type Person, type Ref, World, type WorldOptions } from '../world.test-support.ts'
import {
  BLOCK,
  Facts,
  FOLLOW,
  GATE,
  ITEM,
  LIKE,
  LIST,
  LISTBLOCK,
  PACK,
  POST,
  POSTGATE,
  REPOST,
  VERIFICATION,
} from './facts.test-support.ts'

type Make = (seq: number) => Uint8Array | string
interface Sent {
  make: Make
  isCommit: boolean
}

export interface HistoryOptions extends WorldOptions {
  seed: number
  /** Commits get lost on the way, so that repositories have to be fetched. */
  isLossy: boolean
  more?: WorldOptions['config']
}

const NAMES = ['ann', 'ben', 'cat', 'dan', 'eve', 'fay']
const MODERATOR = 'ours'
const didFor = (name: string) => `did:plc:${name.padEnd(24, '2')}`

export class History {
  readonly world: World
  readonly facts = new Facts()
  readonly people: Person[]
  readonly moderator: TestLabeler
  readonly #isLossy: boolean
  readonly #queues = new Map<Person, Sent[]>()
  /** Delivered or lost, for what comes again. */
  readonly #past = new Map<Person, Sent[]>()
  readonly #deleted = new Set<Person>()
  #state: number

  constructor({ seed, isLossy, more, ...options }: HistoryOptions) {
    const config = { labelers: [didFor(MODERATOR)], verifiers: [didFor(NAMES[0]!)], ...more }
    this.world = new World({ ...options, config })
    this.moderator = new TestLabeler(this.world, MODERATOR)
    this.#isLossy = isLossy
    this.#state = seed * 2_654_435_761 + 1
    this.people = NAMES.map((name) => this.world.person(name))
    this.facts.verifier = this.people[0]!.did
    for (const person of this.people) {
      this.#queues.set(person, [])
      this.#past.set(person, [])
      this.facts.handles.set(person.did, person.handle)
    }
  }

  /** Everybody says who they are. */
  introduce(): void {
    for (const person of this.people) this.#introduce(person, person.handle)
  }

  #introduce(person: Person, displayName: string): void {
    person.profile({ displayName })
    this.facts.names.set(person.did, displayName)
  }

  draw(below: number): number {
    // xorshift
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % below
  }

  pick<T>(list: readonly T[]): T {
    return list[this.draw(list.length)]!
  }

  /** Somebody does something; what the relay would send is kept back. */
  async act(): Promise<void> {
    await this.world.outside.advance(7)
    const person = this.pick(this.people)
    const { facts } = this
    const { relay } = this.world
    const { emit } = relay
    const queue = this.#queues.get(person)!
    relay.emit = (make) => {
      const isCommit = Buffer.from(make(0)).includes('#commit')
      queue.push({ make, isCommit })
    }
    try {
      // Whoever is away comes back before long.
      if (this.draw(facts.isHere(person.did) ? 35 : 4) === 0) this.#changeStanding(person)
      else if (facts.isHere(person.did)) this.#write(person)
    } finally {
      relay.emit = emit
    }
  }

  /** Sends what was kept back: per account in order, accounts mixed, some of it again, some never. */
  deliver(): void {
    const left = this.people.filter((person) => this.#queues.get(person)!.length > 0)
    while (left.length > 0) {
      const person = this.pick(left)
      const queue = this.#queues.get(person)!
      const sent = queue.shift()!
      if (queue.length === 0) left.splice(left.indexOf(person), 1)
      const past = this.#past.get(person)!
      past.push(sent)
      const isLast = !queue.some((later) => later.isCommit)
      const isLost = this.#isLossy && sent.isCommit && !isLast && this.draw(6) === 0
      if (!isLost) this.world.relay.emit(sent.make)
      if (this.draw(8) > 0) continue
      const again = this.pick(past)
      if (again.isCommit && !isLost) this.world.relay.emit(again.make)
    }
  }

  /** Everybody but the viewer's own decisions go by the relay; these are told to the app view. */
  async decide(): Promise<void> {
    const { facts } = this
    const viewer = this.pick(this.people)
    if (!this.#deleted.has(viewer)) {
      const other = this.pick(this.people.filter((person) => person !== viewer)).did
      await this.#toggle(viewer, facts.mutes, ['muteActor', 'unmuteActor'], { actor: other })
      const roots = facts.of(POST).filter((post) => post.value.reply === undefined)
      const [root, list] = [roots, facts.of(LIST)].map((some) =>
        some.length === 0 ? undefined : this.pick(some).uri,
      )
      if (root)
        await this.#toggle(viewer, facts.threadMutes, ['muteThread', 'unmuteThread'], { root })
      if (list)
        await this.#toggle(viewer, facts.listMutes, ['muteActorList', 'unmuteActorList'], { list })
    }
    await this.#moderate()
  }

  async #toggle(
    viewer: Person,
    known: Set<string>,
    [on, off]: [string, string],
    what: Record<string, string>,
  ): Promise<void> {
    const key = `${viewer.did} ${Object.values(what)[0]}`
    const act = known.has(key) ? off : on
    await this.world.post(`app.bsky.graph.${act}` as Nsid, what, viewer)
    if (!known.delete(key)) known.add(key)
  }

  /** Moderators put labels on posts and accounts, and take them back. */
  async #moderate(): Promise<void> {
    const { facts, moderator } = this
    const posts = facts.of(POST)
    const isOfAccount = this.draw(4) === 0 || posts.length === 0
    const subject = isOfAccount ? this.pick(this.people).did : this.pick(posts).uri
    const key = `${subject} ${this.pick(['!takedown', '!hide'])}`
    const old = this.draw(2) === 0 && facts.labels.size > 0 ? this.pick([...facts.labels]) : key
    const [uri, val] = old.split(' ') as [string, string]
    const neg = facts.labels.has(old)
    moderator.say(uri, val, neg ? { neg } : {})
    if (!facts.labels.delete(old)) facts.labels.add(old)
    await settleLabels(moderator, this.world)
  }

  #changeStanding(person: Person): void {
    const { facts } = this
    if (!facts.isHere(person.did)) {
      facts.status.delete(person.did)
      person.account()
      // One that was deleted begins a new repository.
      if (person.head === undefined) this.#introduce(person, 'again')
      return
    }
    const drawn = this.pick(['deactivated', 'deactivated', 'takendown', 'suspended', 'deleted'])
    // What an account alone knows goes with it: who mutes somebody is not deleted here.
    const decided = [...facts.mutes, ...facts.threadMutes, ...facts.listMutes]
    const isMuting = decided.some((key) => key.startsWith(person.did))
    const status = drawn === 'deleted' && isMuting ? 'takendown' : drawn
    facts.status.set(person.did, status)
    if (status === 'deleted') this.#deleted.add(person)
    person.account(status)
    if (status !== 'deleted') return
    // Should it come back, its repository begins anew.
    for (const { uri, did } of facts.records.values())
      if (did === person.did) facts.records.delete(uri)
    person.tree = Tree.empty()
    person.head = undefined
  }

  #write(person: Person): void {
    const { facts } = this
    const posts = facts.of(POST)
    const post = posts.length > 0 ? this.pick(posts) : undefined
    const what = this.draw(23)
    const own = [...facts.records.values()].filter(({ did }) => did === person.did)
    const embed = { $type: 'app.bsky.embed.record', record: post && refOf(post) }
    if (what <= 1 || post === undefined) this.#post(person, {})
    else if (what <= 5) this.#post(person, { reply: replyTo(post) })
    else if (what === 6) this.#post(person, { embed })
    else if (what <= 8) this.#edge(person, LIKE, refOf(post))
    else if (what === 9) this.#edge(person, REPOST, refOf(post))
    else if (what <= 12) this.#edge(person, FOLLOW, this.#other(person).did)
    else if (what === 13) this.#edge(person, BLOCK, this.#other(person).did)
    else if (what === 14) this.#gate(person)
    else if (what === 15) this.#postgate(person)
    else if (what === 16 || what === 17) this.#list(person)
    else if (what === 18) this.#useList(person)
    else if (what <= 20 && person.did === facts.verifier) this.#verify(person)
    else if (what === 19) this.#rename(person)
    else if (own.length > 0) this.#delete(person, this.pick(own))
  }

  #other(person: Person): Person {
    return this.pick(this.people.filter((one) => one !== person))
  }

  #post(person: Person, more: object): void {
    const text = `post ${this.facts.everPosted.size}`
    const facets = this.draw(4) === 0 ? { facets: [mention(this.#other(person))] } : {}
    this.#create(person, POST, { text, ...facets, ...more })
  }

  #edge(person: Person, collection: Nsid, subject: Ref | string): void {
    const to = typeof subject === 'string' ? subject : subject.uri
    const isThere = this.facts
      .edges(collection)
      .some((edge) => edge.did === person.did && edge.to === to)
    // Which of two counts after a repository was fetched is nobody's promise.
    if (!isThere || !this.#isLossy) this.#create(person, collection, { subject })
  }

  #gate(person: Person): void {
    const own = this.#ownPosts(person).filter((post) => post.value.reply === undefined)
    if (own.length === 0) return
    const post = this.pick(own)
    const lists = this.facts.of(LIST)
    const rules = [
      undefined,
      [],
      [{ $type: `${GATE}#mentionRule` }],
      [{ $type: `${GATE}#followerRule` }],
      [{ $type: `${GATE}#followingRule` }],
      lists.length === 0 ? [] : [{ $type: `${GATE}#listRule`, list: this.pick(lists).uri }],
    ]
    const replies = this.facts.of(POST).filter(({ value }) => value.reply?.root.uri === post.uri)
    const hiddenReplies = replies.filter(() => this.draw(3) === 0).map(({ uri }) => uri)
    const allow = this.pick(rules)
    this.#keep(person, GATE, { post: post.uri, hiddenReplies, ...(allow && { allow }) }, post.rkey)
  }

  #postgate(person: Person): void {
    const own = this.#ownPosts(person)
    if (own.length === 0) return
    const post = this.pick(own)
    const quotes = this.facts.of(POST).filter(({ value }) => value.embed?.record.uri === post.uri)
    const detachedEmbeddingUris = quotes.filter(() => this.draw(2) === 0).map(({ uri }) => uri)
    const rules = this.draw(3) === 0 ? [{ $type: `${POSTGATE}#disableRule` }] : []
    const gate = { post: post.uri, detachedEmbeddingUris, embeddingRules: rules }
    this.#keep(person, POSTGATE, gate, post.rkey)
  }

  #list(person: Person): void {
    const own = this.facts.of(LIST).filter(({ did }) => did === person.did)
    const purpose = `app.bsky.graph.defs#${this.pick(['curatelist', 'modlist'])}`
    if (own.length === 0 || this.draw(6) === 0)
      this.#create(person, LIST, { name: 'list', purpose })
    else this.#create(person, ITEM, { list: this.pick(own).uri, subject: this.#other(person).did })
  }

  /** Blocks a list of anybody's, or makes a starter pack of an own one. */
  #useList(person: Person): void {
    const lists = this.facts.of(LIST)
    const own = lists.filter(({ did }) => did === person.did)
    if (this.draw(2) === 0 && own.length > 0)
      this.#create(person, PACK, { name: 'pack', list: this.pick(own).uri })
    else if (lists.length > 0) this.#create(person, LISTBLOCK, { subject: this.pick(lists).uri })
  }

  /** Says who another is, as it is called now. */
  #verify(person: Person): void {
    const { did } = this.#other(person)
    const { handles, names } = this.facts
    const [handle, displayName] = [handles.get(did), names.get(did)]
    this.#create(person, VERIFICATION, { subject: did, handle, displayName })
  }

  #rename(person: Person): void {
    const name = person.handle.split(/[.-]/)[0]
    person.handle = `${name}-${this.draw(3)}.test`
    this.facts.handles.set(person.did, person.handle)
    person.identity()
  }

  #ownPosts(person: Person) {
    return this.facts.of(POST).filter(({ did }) => did === person.did)
  }

  #create(person: Person, collection: Nsid, fields: object): void {
    this.#keep(person, collection, fields, person.nextRkey())
  }

  #keep(person: Person, collection: Nsid, fields: object, rkey: string): void {
    const path = `${collection}/${rkey}`
    const value = { $type: collection, createdAt: person.now, ...fields }
    const action = person.tree.get(path) === undefined ? 'create' : 'update'
    person.commit([{ action, path, value }])
    const atMs = this.world.outside.now()
    const { did } = person
    this.facts.put({ ...person.ref(path), did, collection, rkey, value, atMs })
  }

  #delete(person: Person, { uri }: Ref): void {
    person.delete({ uri })
    this.facts.records.delete(uri)
  }
}

function refOf({ uri, cid }: Ref): Ref {
  return { uri, cid }
}

function replyTo(post: Ref & { value: { reply?: { root: Ref } } }) {
  return { root: post.value.reply?.root ?? refOf(post), parent: refOf(post) }
}

function mention({ did }: Person): object {
  return {
    index: { byteStart: 0, byteEnd: 4 },
    features: [{ $type: 'app.bsky.richtext.facet#mention', did }],
  }
}
