/**
 * People who do everything one can do at a PDS, one thing after another, and remember what was
 * acknowledged. When the outcome of something is unknown, because the host died, both outcomes are
 * right: `settle` looks which it was, and that it was one of them and nothing in between.
 */
import assert from 'node:assert/strict'
import type { Did } from '#protocol/syntax'
import type { Chances } from './chances.ts'

/** The outcome is unknown: the connection broke, or the host said so. */
export class Unknown extends Error {}

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  body: any
  bytes: Uint8Array
}

export interface Call {
  params?: Record<string, unknown>
  input?: unknown
  token?: string
  headers?: Record<string, string>
}

/** A host as people reach it. */
export interface World {
  /** Throws Unknown when the answer did not come, or is a 5xx. */
  call(verb: 'GET' | 'POST', nsid: string, call?: Call): Promise<Answer>
  /** Whether the host lives. */
  isUp(): boolean
}

/** What an account is, as far as its owner knows. */
interface State {
  /** Text by record key; a text of `blob …` has a picture of that text. */
  records: Map<string, string>
  preference: number | undefined
  status: 'none' | 'active' | 'deactivated' | 'takendown' | 'deleted'
}

type Effect = (state: State) => void

const NOTE = 'com.example.note'
const PASSWORD = 'a good password'
export const ADMIN = `Basic ${Buffer.from('admin:admin-pass').toString('base64')}`
/** Above this many records a person rather deletes. */
const RECORDS_AIM = 30

const copyOf = (state: State): State => ({ ...state, records: new Map(state.records) })
const encode = (text: string) => new TextEncoder().encode(text)

export class Person {
  readonly #world: World
  readonly #chance: Chances
  readonly name: string
  did: Did | undefined
  /** Revs of commits that were acknowledged. */
  readonly revs: string[] = []
  /** How many things were done, by name. */
  readonly done: Map<string, number>
  #token = ''
  #state: State = { records: new Map(), preference: undefined, status: 'none' }
  /** What may have happened or not, in order. */
  #open: Effect[] = []
  #handles = new Set<string>()
  #count = 0
  #export: { car: Uint8Array; records: Map<string, string> } | undefined

  constructor(world: World, chance: Chances, name: string, done: Map<string, number>) {
    this.#world = world
    this.#chance = chance
    this.name = name
    this.done = done
  }

  get isGone(): boolean {
    return this.#state.status === 'deleted' || this.#handles.has('')
  }

  get status(): State['status'] {
    return this.#state.status
  }

  /** Lives until the host is gone, or so many things are done. */
  async live(things = Number.POSITIVE_INFINITY): Promise<void> {
    for (let i = 0; i < things && this.#world.isUp() && !this.isGone; i++) {
      try {
        await this.#act()
      } catch (error) {
        if (error instanceof Unknown) return
        throw error
      }
    }
  }

  #act(): Promise<void> {
    const { status } = this.#state
    if (status === 'none') return this.#signUp()
    if (status === 'takendown') return this.#bringBack()
    if (status === 'deactivated') return this.#actAway()
    const dice = this.#chance() * 100
    if (dice < 30) return this.#create()
    if (dice < 42) return this.#put()
    if (dice < 52) return this.#delete()
    if (dice < 64) return this.#applyWrites()
    if (dice < 72) return this.#post()
    if (dice < 80) return this.#prefer()
    if (dice < 86) return this.#burst()
    if (dice < 89) return this.#rename()
    if (dice < 94) return this.#goAway()
    if (dice < 96) return this.#takeDown()
    if (dice < 97) return this.#deleteAccount()
    return this.#exportRepo()
  }

  #actAway(): Promise<void> {
    const dice = this.#chance() * 100
    if (this.#export && dice < 45) return this.#importRepo()
    if (dice < 60) return this.#prefer()
    return this.#activate()
  }

  // ── one thing each ──

  /** Does one thing: `effect` is what it comes to when it is acknowledged, or may have. */
  async #do<T>(name: string, effect: Effect, run: () => Promise<T>): Promise<T> {
    this.#open.push(effect)
    const answer = await run()
    this.#open.splice(this.#open.indexOf(effect), 1)
    effect(this.#state)
    this.done.set(name, (this.done.get(name) ?? 0) + 1)
    return answer
  }

  async #call(nsid: string, call: Call): Promise<Answer> {
    const answer = this.#good(nsid, await this.#asOwner('POST', nsid, call))
    const rev = answer.body?.commit?.rev
    if (rev !== undefined) this.revs.push(rev)
    return answer
  }

  /** With the token at hand, or a new one where a takedown has ended the sign-in. */
  async #asOwner(method: 'GET' | 'POST', nsid: string, call: Call): Promise<Answer> {
    const answer = await this.#world.call(method, nsid, { token: this.#token, ...call })
    if (answer.body?.error !== 'ExpiredToken') return answer
    const input = { identifier: this.did, password: PASSWORD }
    const session = await this.#world.call('POST', 'com.atproto.server.createSession', { input })
    if (session.status !== 200) return answer
    this.#enter(session.body)
    return this.#world.call(method, nsid, { token: this.#token, ...call })
  }

  #newKey(): string {
    return `${this.name}-${String(this.#count++).padStart(6, '0')}`
  }

  async #signUp(): Promise<void> {
    const handle = `${this.name}.test`
    this.#handles = new Set([handle])
    const input = { handle, email: `${this.name}@mail.example`, password: PASSWORD }
    const effect: Effect = (state) => void (state.status = 'active')
    const { body } = await this.#do('createAccount', effect, () =>
      this.#call('com.atproto.server.createAccount', { input, token: undefined as never }),
    )
    this.#enter(body)
  }

  #enter(session: { did: Did; accessJwt: string }): void {
    this.did = session.did
    this.#token = session.accessJwt
  }

  #write(method: string, input: object, effect: Effect): Promise<Answer> {
    return this.#do(method, effect, () =>
      this.#call(`com.atproto.repo.${method}`, {
        input: { repo: this.did, collection: NOTE, ...input },
      }),
    )
  }

  async #create(): Promise<void> {
    const rkey = this.#newKey()
    await this.#write('createRecord', { rkey, record: { text: rkey } }, ({ records }) =>
      records.set(rkey, rkey),
    )
  }

  #present(): string[] {
    return [...this.#state.records.keys()]
  }

  async #put(): Promise<void> {
    const rkey = this.#chance.pick(this.#present()) ?? this.#newKey()
    const text = `put ${this.#count++}`
    await this.#write('putRecord', { rkey, record: { text } }, ({ records }) =>
      records.set(rkey, text),
    )
  }

  async #delete(): Promise<void> {
    const rkey = this.#chance.pick(this.#present())
    if (rkey === undefined) return this.#create()
    await this.#write('deleteRecord', { rkey }, ({ records }) => records.delete(rkey))
  }

  async #applyWrites(): Promise<void> {
    const present = this.#present()
    const changes = new Map<string, string | null>()
    for (let i = 1 + this.#chance.upTo(8); i > 0; i--) {
      const old = this.#chance.pick([...present, '', '', '', ''])
      const isFull = present.length > RECORDS_AIM || this.#chance() < 0.3
      changes.set(old || this.#newKey(), old && isFull ? null : `many ${this.#count++}`)
    }
    const writes = Array.from(changes, ([rkey, text]) => {
      const kind = text === null ? 'delete' : present.includes(rkey) ? 'update' : 'create'
      const $type = `com.atproto.repo.applyWrites#${kind}`
      return { $type, collection: NOTE, rkey, ...(text !== null && { value: { text } }) }
    })
    await this.#write('applyWrites', { writes }, ({ records }) => {
      for (const [rkey, text] of changes) {
        if (text === null) records.delete(rkey)
        else records.set(rkey, text)
      }
    })
  }

  /** A picture, then the record that shows it. */
  async #post(): Promise<void> {
    const text = `blob ${this.name} ${this.#count++}`
    const { body } = await this.#call('com.atproto.repo.uploadBlob', {
      input: encode(text),
      headers: { 'content-type': 'image/png' },
    })
    const rkey = this.#newKey()
    const record = { text, picture: body.blob }
    await this.#write('createRecord', { rkey, record }, ({ records }) => records.set(rkey, text))
    this.done.set('uploadBlob', (this.done.get('uploadBlob') ?? 0) + 1)
  }

  /** Several at once: they pipeline. */
  async #burst(): Promise<void> {
    const all = Array.from({ length: 4 }, () => this.#create())
    const outcomes = await Promise.allSettled(all)
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  async #prefer(): Promise<void> {
    const number = this.#count++
    const preferences = [{ $type: 'app.bsky.actor.defs#interestsPref', tags: [String(number)] }]
    await this.#do(
      'putPreferences',
      (state) => void (state.preference = number),
      () => this.#call('app.bsky.actor.putPreferences', { input: { preferences } }),
    )
  }

  async #rename(): Promise<void> {
    const handle = `${this.name}-${this.#count++}.test`
    // Until the answer either may be it; what an unknown outcome began may be finished later.
    this.#handles.add(handle)
    await this.#do(
      'updateHandle',
      () => {},
      () => this.#call('com.atproto.identity.updateHandle', { input: { handle } }),
    )
    this.#handles = new Set([handle])
  }

  #standing(name: string, status: State['status'], run: () => Promise<unknown>): Promise<void> {
    return this.#do(name, (state) => void (state.status = status), run) as Promise<void>
  }

  #goAway(): Promise<void> {
    return this.#standing('deactivateAccount', 'deactivated', () =>
      this.#call('com.atproto.server.deactivateAccount', { input: {} }),
    )
  }

  #activate(): Promise<void> {
    return this.#standing('activateAccount', 'active', () =>
      this.#call('com.atproto.server.activateAccount', {}),
    )
  }

  #subject(takedown: { applied: boolean; ref?: string }): Promise<unknown> {
    const subject = { $type: 'com.atproto.admin.defs#repoRef', did: this.did }
    return this.#call('com.atproto.admin.updateSubjectStatus', {
      input: { subject, takedown },
      headers: { authorization: ADMIN },
      token: undefined as never,
    })
  }

  #takeDown(): Promise<void> {
    return this.#standing('takedown', 'takendown', () => this.#subject({ applied: true, ref: 'x' }))
  }

  #bringBack(): Promise<void> {
    return this.#standing('bringBack', 'active', () => this.#subject({ applied: false }))
  }

  /** By the operator, at the person's wish. */
  #deleteAccount(): Promise<void> {
    return this.#standing('deleteAccount', 'deleted', () =>
      this.#call('com.atproto.admin.deleteAccount', {
        input: { did: this.did },
        headers: { authorization: ADMIN },
        token: undefined as never,
      }),
    )
  }

  /** Keeps the repository as it is now, to bring it back later. */
  async #exportRepo(): Promise<void> {
    if (this.#open.length > 0) return
    const records = new Map(this.#state.records)
    const params = { did: this.did }
    const answer = await this.#world.call('GET', 'com.atproto.sync.getRepo', { params })
    assert.equal(answer.status, 200)
    this.#export = { car: answer.bytes, records }
  }

  async #importRepo(): Promise<void> {
    const { car, records } = this.#export!
    await this.#do(
      'importRepo',
      (state) => void (state.records = new Map(records)),
      () =>
        this.#call('com.atproto.repo.importRepo', {
          input: car,
          headers: { 'content-type': 'application/vnd.ipld.car' },
        }),
    )
  }

  // ── afterwards ──

  /**
   * The account is as it was acknowledged, and of what is open all or nothing. The records that
   * are there are returned, for those who look at them in other ways.
   */
  async settle(): Promise<Map<string, string> | undefined> {
    if (this.#state.status === 'none') return this.#settleSignUp()
    if (this.isGone) return undefined
    // What cannot be seen from outside is brought back into sight first.
    const status = await this.#seenStatus()
    const sureOf = [this.#state.status, ...this.#open.map((_, i) => this.#outcome(1 << i).status)]
    assert.ok(sureOf.includes(status), `${this.name} is ${status}, not one of ${sureOf}`)
    if (status === 'deleted') {
      this.#state.status = 'deleted'
      return undefined
    }
    if (status === 'takendown') await this.#subject({ applied: false })
    const params = { did: this.did }
    const now = await this.#world.call('GET', 'com.atproto.sync.getRepoStatus', { params })
    if (!now.body.active) await this.#call('com.atproto.server.activateAccount', {})
    return this.#compare()
  }

  async #settleSignUp(): Promise<Map<string, string> | undefined> {
    if (this.#open.length === 0) return undefined
    const [handle] = this.#handles
    const input = { identifier: handle, password: PASSWORD }
    const answer = await this.#world.call('POST', 'com.atproto.server.createSession', { input })
    this.#open = []
    if (answer.status === 200) {
      this.#state.status = 'active'
      this.#enter(answer.body)
      return this.#compare()
    }
    // It may still be finished later, by the host itself: this person does not come back.
    this.#handles = new Set([''])
    return undefined
  }

  async #seenStatus(): Promise<State['status']> {
    const params = { did: this.did }
    const { status, body } = await this.#world.call('GET', 'com.atproto.sync.getRepoStatus', {
      params,
    })
    if (status !== 200) return 'deleted'
    return body.active ? 'active' : body.status
  }

  /** The state when of the open effects exactly those of the mask happened. */
  #outcome(mask: number): State {
    const state = copyOf(this.#state)
    for (const [i, effect] of this.#open.entries()) if (mask & (1 << i)) effect(state)
    return state
  }

  async #compare(): Promise<Map<string, string>> {
    const records = await this.#seenRecords()
    const preference = await this.#seenPreference()
    const seen = JSON.stringify([[...records].sort(), preference ?? null])
    const masks = Array.from({ length: 1 << this.#open.length }, (_, mask) => mask)
    const states = masks.map((mask) => this.#outcome(mask))
    const right = states.find(
      (state) => JSON.stringify([[...state.records].sort(), state.preference ?? null]) === seen,
    )
    if (!right) {
      const expected = {
        records: [...this.#state.records].sort(),
        preference: this.#state.preference,
      }
      const found = { records: [...records].sort(), preference }
      assert.deepEqual(found, expected, `the account of ${this.name}, ${this.#open.length} open`)
    }
    this.#state = { ...copyOf(right!), status: 'active' }
    this.#open = []
    await this.#seeHandle()
    await this.#seeBlobs()
    return records
  }

  async #get(nsid: string, params: Record<string, unknown>): Promise<Answer> {
    return this.#good(nsid, await this.#world.call('GET', nsid, { params }))
  }

  #good(nsid: string, answer: Answer): Answer {
    assert.equal(answer.status, 200, `${nsid} of ${this.name}: ${JSON.stringify(answer.body)}`)
    return answer
  }

  #blobs = new Map<string, string>()

  async #seenRecords(): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    this.#blobs = new Map()
    let cursor: string | undefined
    do {
      const params = { repo: this.did, collection: NOTE, limit: 100, cursor }
      const { body } = await this.#get('com.atproto.repo.listRecords', params)
      for (const { uri, value } of body.records) {
        found.set(uri.split('/').at(-1), value.text)
        if (value.picture) this.#blobs.set(value.text, value.picture.ref.$link)
      }
      cursor = body.records.length === 100 ? body.cursor : undefined
    } while (cursor)
    return found
  }

  async #seenPreference(): Promise<number | undefined> {
    const nsid = 'app.bsky.actor.getPreferences'
    const { body } = this.#good(nsid, await this.#asOwner('GET', nsid, {}))
    const tag = body.preferences[0]?.tags[0]
    return tag === undefined ? undefined : Number(tag)
  }

  async #seeHandle(): Promise<void> {
    const { body } = await this.#get('com.atproto.repo.describeRepo', { repo: this.did })
    assert.ok(this.#handles.has(body.handle), `${this.name} is called ${body.handle}`)
  }

  async #seeBlobs(): Promise<void> {
    for (const [text, cid] of this.#blobs) {
      const { bytes } = await this.#get('com.atproto.sync.getBlob', { did: this.did, cid })
      assert.equal(new TextDecoder().decode(bytes), text, `a picture of ${this.name}`)
    }
  }
}
