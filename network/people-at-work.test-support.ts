/** People who write and read all the time, and remember what they were told. */
import { AtpAgent, XRPCError } from '@atproto/api'
import { formatTid } from '#protocol/syntax'

const POST = 'app.bsky.feed.post'
const LIKE = 'app.bsky.feed.like'
const REPOST = 'app.bsky.feed.repost'
const FOLLOW = 'app.bsky.graph.follow'
/** What people write. */
export const COLLECTIONS = [POST, LIKE, REPOST, FOLLOW, 'app.bsky.actor.profile'] as const

/** In every post, so that a search for it finds all of them. */
export const WORD = 'ماء'
/** A person who is done with something rests so long: they share two cores with nine services. */
const REST_MS = 15

/** One call, and how it ended. */
export interface Attempt {
  what: string
  who: string
  /** Which services it cannot do without, beside the person's own host. */
  needs: readonly string[]
  beganIn: string
  endedIn: string
  /** Undefined: it was answered. */
  error: (Error & { status: number; error?: string }) | undefined
}

/** What a person did, as far as the host has answered. */
interface Ledger {
  /** Revisions of acknowledged writes, with the path of each record in them. */
  readonly revs: { rev: string; paths: string[] }[]
  /** Acknowledged to be there. */
  readonly kept: Set<string>
  /** Acknowledged to be gone. */
  readonly gone: Set<string>
  /** Asked for and never answered: it was done or it was not. */
  readonly unsure: Set<string>
}

interface Post {
  uri: string
  cid: string
}

type Reading = readonly [what: string, needs: readonly string[], read: () => Promise<unknown>]

/** What the people of one network share. */
export interface Stage {
  /** What is going on: `calm`, or what is being done to whom. */
  phase: string
  feed: string
  labelerDid: string
  readonly people: Person[]
  readonly attempts: Attempt[]
  /** A post that everybody can see from the beginning, and that nobody deletes. */
  opening: string
  /** Posts that others may answer, like and repeat: the newest of each. */
  readonly newest: Map<Person, Post>
}

/** Somebody with an account who never stops. */
export class Person {
  readonly agent: AtpAgent
  readonly handle: string
  readonly host: string
  readonly ledger: Ledger = { revs: [], kept: new Set(), gone: new Set(), unsure: new Set() }
  /** Reasons of the reports that were taken. */
  readonly reported: string[] = []
  readonly #stage: Stage
  readonly #clockId: number
  readonly #posts: Post[] = []
  /** What they like, and the like; an empty one was taken back. */
  readonly #likes = new Map<string, string>()
  readonly #reposted = new Set<string>()
  #microsBefore = 0
  #follow: string | undefined
  #steps = 0
  #isWorking = false
  #working: Promise<void> = Promise.resolve()

  constructor(stage: Stage, { url, host, handle }: { url: string; host: string; handle: string }) {
    this.agent = new AtpAgent({ service: url })
    this.handle = handle
    this.host = host
    this.#stage = stage
    this.#clockId = stage.people.push(this)
  }

  get did(): string {
    return this.agent.assertDid
  }

  get steps(): number {
    return this.#steps
  }

  async signUp(): Promise<void> {
    const { handle } = this
    await this.agent.createAccount({ handle, email: `${handle}@example.com`, password: 'password' })
  }

  /** One post. Its URI. */
  async open(): Promise<string> {
    await this.#post()
    return this.#posts[0]!.uri
  }

  /** Begins to write and read in turn. */
  work(): void {
    this.#isWorking = true
    this.#working = this.#run()
  }

  /** Resolves when what was begun has ended. */
  async rest(): Promise<void> {
    this.#isWorking = false
    await this.#working
  }

  async #run(): Promise<void> {
    while (this.#isWorking) {
      await this.#write(this.#steps)
      await this.#read(this.#steps)
      this.#steps++
      await new Promise((done) => setTimeout(done, REST_MS))
    }
  }

  /** Everybody does the same things, each beginning somewhere else. */
  async #write(step: number): Promise<void> {
    const { newest, people } = this.#stage
    const other = people[(this.#clockId + step) % people.length]!
    const theirs = other === this ? undefined : newest.get(other)
    switch ((step + this.#clockId * 3) % 10) {
      case 0:
        return this.#several()
      case 2:
        return theirs && this.#post({ reply: { root: theirs, parent: theirs } })
      case 3:
      case 4:
        return theirs && this.#like(theirs)
      case 5:
        return theirs && this.#repost(theirs)
      case 6:
        return this.#unlike()
      case 7:
        return this.#unpost()
      case 8:
        return this.#turnTo(people[this.#clockId % people.length]!)
      case 9:
        return this.#rename(step)
      default:
        return this.#post()
    }
  }

  async #post(more: object = {}): Promise<void> {
    const text = `${WORD} ${this.handle} ${this.#steps}`
    const { uri, cid } = await this.#create(POST, { text, ...more })
    if (cid === undefined) return
    this.#posts.push({ uri, cid })
    if (!('reply' in more)) this.#stage.newest.set(this, { uri, cid })
  }

  /** Once, also when it was not answered: a second like of one post would be another record. */
  async #like(post: Post): Promise<void> {
    if (!this.#likes.has(post.uri))
      this.#likes.set(post.uri, (await this.#create(LIKE, { subject: post })).uri)
  }

  async #repost(post: Post): Promise<void> {
    if (this.#reposted.has(post.uri)) return
    this.#reposted.add(post.uri)
    await this.#create(REPOST, { subject: post })
  }

  async #unlike(): Promise<void> {
    const [post, like] = [...this.#likes].find(([, uri]) => uri !== '') ?? []
    if (like !== undefined && (await this.#delete(like))) this.#likes.set(post!, '')
  }

  /** The first posts stay: others have answered them. */
  async #unpost(): Promise<void> {
    const post = this.#posts[3]
    if (post === undefined || post.uri === this.#stage.newest.get(this)?.uri) return
    this.#posts.splice(3, 1)
    await this.#delete(post.uri)
  }

  async #turnTo(person: Person): Promise<void> {
    const follow = this.#follow
    if (follow === undefined) {
      this.#follow = (await this.#create(FOLLOW, { subject: person.did })).uri
    } else if (await this.#delete(follow)) this.#follow = undefined
  }

  async #rename(step: number): Promise<void> {
    const collection = 'app.bsky.actor.profile'
    const record = { $type: collection, displayName: `${this.handle} ${step}` }
    const write = { repo: this.did, collection, rkey: 'self', record }
    await this.#done([`${collection}/self`], 'kept', 'rename', () =>
      this.agent.com.atproto.repo.putRecord(write),
    )
  }

  /** Without a CID: it was not answered. */
  async #create(
    collection: string,
    fields: object,
  ): Promise<{ uri: string; cid: string | undefined }> {
    const { rkey, record } = this.#record(collection, fields)
    const path = `${collection}/${rkey}`
    const write = { repo: this.did, collection, rkey, record }
    const answer = await this.#done([path], 'kept', `create ${collection}`, () =>
      this.agent.com.atproto.repo.createRecord(write),
    )
    return { uri: `at://${this.did}/${path}`, cid: answer?.data.cid }
  }

  /** Three records in one commit. */
  async #several(): Promise<void> {
    const writes = [0, 1, 2].map((i) => {
      const text = `${WORD} ${this.handle} ${this.#steps} of three ${i}`
      const { rkey, record } = this.#record(POST, { text })
      return { collection: POST, rkey, value: record, $type: 'com.atproto.repo.applyWrites#create' }
    })
    const paths = writes.map(({ rkey }) => `${POST}/${rkey}`)
    await this.#done(paths, 'kept', 'applyWrites', () =>
      this.agent.com.atproto.repo.applyWrites({ repo: this.did, writes: writes as never }),
    )
  }

  async #delete(uri: string): Promise<boolean> {
    const [collection, rkey] = uri.split('/').slice(-2) as [string, string]
    const write = { repo: this.did, collection, rkey }
    const answer = await this.#done([`${collection}/${rkey}`], 'gone', `delete ${collection}`, () =>
      this.agent.com.atproto.repo.deleteRecord(write),
    )
    return answer !== undefined
  }

  #record(collection: string, fields: object) {
    this.#microsBefore = Math.max(Date.now() * 1_000, this.#microsBefore + 1)
    const rkey = formatTid(this.#microsBefore, this.#clockId)
    const createdAt = new Date().toISOString()
    return { rkey, record: { $type: collection, createdAt, ...fields } }
  }

  /** A write, and what the ledger learns of it. */
  async #done<T extends { data: { commit?: { rev: string } } }>(
    paths: string[],
    fate: 'kept' | 'gone',
    what: string,
    write: () => Promise<T>,
  ): Promise<T | undefined> {
    const { ledger } = this
    const answer = await this.#attempt(what, [], write)
    for (const path of paths) {
      ledger.kept.delete(path)
      ledger.gone.delete(path)
      ledger.unsure.delete(path)
      ledger[answer === undefined ? 'unsure' : fate].add(path)
    }
    const { rev } = answer?.data.commit ?? {}
    if (rev !== undefined) ledger.revs.push({ rev, paths })
    return answer
  }

  async #read(step: number): Promise<void> {
    const readings = this.readings()
    const [what, needs, read] = readings[(step + this.#clockId) % readings.length]!
    await this.#attempt(what, needs, read)
  }

  /** Everything a client asks for, and whom it takes. */
  readings(): readonly Reading[] {
    const { agent, did } = this
    const { feed, labelerDid, opening, people } = this.#stage
    const { bsky } = agent.app
    const [first] = people as [Person]
    const proxied = { headers: { 'atproto-proxy': `${labelerDid}#atproto_labeler` } }
    return [
      ['timeline', ['appview'], () => agent.getTimeline()],
      ['search', ['appview', 'search'], () => bsky.feed.searchPosts({ q: WORD })],
      ['feed', ['appview', 'feeds'], () => bsky.feed.getFeed({ feed })],
      ['report', ['moderation'], () => this.#report(first)],
      ['profile', ['appview'], () => agent.getProfile({ actor: first.handle })],
      ['typeahead', ['appview', 'search'], () => agent.searchActorsTypeahead({ q: 'a' })],
      ['notifications', ['appview'], () => agent.listNotifications()],
      ['own records', [], () => this.records(POST, 10)],
      [
        'labels',
        ['moderation'],
        () => agent.com.atproto.label.queryLabels({ uriPatterns: [`at://${did}/*`] }, proxied),
      ],
      ['thread', ['appview'], () => agent.getPostThread({ uri: opening })],
      ['feed’s description', ['appview'], () => bsky.feed.getFeedGenerator({ feed })],
    ]
  }

  async #report({ did }: Person): Promise<void> {
    const subject = { $type: 'com.atproto.admin.defs#repoRef', did } as const
    const reason = `by ${this.handle} at ${this.#steps}`
    const reasonType = 'com.atproto.moderation.defs#reasonOther'
    await this.agent.createModerationReport({ reasonType, reason, subject })
    this.reported.push(reason)
  }

  /** One page of what the host has. */
  async records(collection: string, limit: number, cursor?: string) {
    const page = { repo: this.did, collection, limit, cursor }
    return (await this.agent.com.atproto.repo.listRecords(page)).data
  }

  async #attempt<T>(
    what: string,
    needs: readonly string[],
    call: () => Promise<T>,
  ): Promise<T | undefined> {
    const stage = this.#stage
    const beganIn = stage.phase
    let answer: T | undefined
    let error: XRPCError | undefined
    try {
      answer = await call()
    } catch (cause) {
      error = XRPCError.from(cause)
    }
    const { handle: who, host } = this
    const whom = [host, ...needs]
    stage.attempts.push({ what, who, needs: whom, beganIn, endedIn: stage.phase, error })
    return answer
  }
}
