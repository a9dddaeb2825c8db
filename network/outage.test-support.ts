/** One service goes away while everybody goes on, and comes back; what that may and may not do. */
import assert from 'node:assert/strict'
import { AtpAgent } from '@atproto/api'
import { Moderator } from './moderator.test-support.ts'
import {
  assertFeedsShowAll,
  assertHostsKept,
  assertJetstreamToldAll,
  assertRelayToldAll,
  assertSearchFindsAll,
  assertViewShowsAll,
  type Truth,
  truthOf,
} from './oracle.test-support.ts'
import { type Attempt, Person, type Stage } from './people-at-work.test-support.ts'
import { eventually } from './rig.ts'
import { type NodeName, SplitNetwork } from './split-network.ts'

/** Every person has done everything at least once in so many steps. */
const ROUND = 11
const STEPS_MS_MAX = 60_000

const PEOPLE = [
  { host: 'pds1', handle: 'alice.test' },
  { host: 'pds2', handle: 'bob.two.test' },
  { host: 'pds1', handle: 'cem.test' },
  { host: 'pds2', handle: 'dana.two.test' },
] as const

/** A whole network of processes, four people on two hosts, and somebody who labels. */
export class BusyNetwork {
  readonly network: SplitNetwork
  readonly stage: Stage
  readonly moderator: Moderator
  #feeds = { network: '', liked: '' }

  private constructor(network: SplitNetwork) {
    this.network = network
    const labelerDid = network.did('moderation')
    const url = network.url('moderation')
    this.stage = {
      phase: 'calm',
      feed: '',
      opening: '',
      labelerDid,
      people: [],
      attempts: [],
      newest: new Map(),
    }
    this.moderator = new Moderator(this.stage, { url, did: labelerDid })
  }

  static async start(): Promise<BusyNetwork> {
    const network = await SplitNetwork.start()
    const busy = new BusyNetwork(network)
    try {
      await busy.#moveIn()
      return busy
    } catch (error) {
      await network.close()
      throw error
    }
  }

  /** Everybody signs up, and the view knows all handles and feeds: from then on nothing may fail. */
  async #moveIn(): Promise<void> {
    const { network, stage } = this
    for (const { host, handle } of PEOPLE)
      await new Person(stage, { url: network.url(host), host, handle }).signUp()
    const [first] = stage.people as [Person]
    const { agent } = first
    for (const { handle } of stage.people)
      await eventually(handle, async () => (await agent.getProfile({ actor: handle })).success)
    const uris = await eventually('the feeds', async () => {
      const { feeds } = (await agent.app.bsky.feed.getSuggestedFeeds()).data
      return feeds.length === 3 && feeds.map(({ uri }) => uri as string)
    })
    const named = (rkey: string) => uris.find((uri) => uri.endsWith(`/${rkey}`))!
    this.#feeds = { network: named('network'), liked: named('liked') }
    stage.feed = this.#feeds.network
    stage.opening = await first.open()
    await eventually('the first post', async () => {
      const { data } = await agent.app.bsky.feed.getPosts({ uris: [stage.opening] })
      return data.posts.length === 1
    })
  }

  close(): Promise<void> {
    return this.network.close()
  }

  async #work<T>(during: () => Promise<T>): Promise<T> {
    const { people } = this.stage
    for (const one of [...people, this.moderator]) one.work()
    try {
      return await during()
    } finally {
      await Promise.all([...people, this.moderator].map((one) => one.rest()))
    }
  }

  /** Everybody has done and asked for everything. A call that hangs makes this fail. */
  async #round(): Promise<void> {
    const { people } = this.stage
    const goals = people.map(({ steps }) => steps + ROUND)
    await eventually(
      'everybody going on',
      async () => people.every(({ steps }, i) => steps >= goals[i]!),
      STEPS_MS_MAX,
    )
  }

  /** A round before, one without it, one after; then all that happened is judged, and compared. */
  async without(
    name: NodeName,
    how: 'killed' | 'stopped',
    meanwhile: () => Promise<void> = async () => {},
  ): Promise<void> {
    await this.withoutAll([name], how, meanwhile)
  }

  /** The same for several at once, which come back in the order in which they are named. */
  async withoutAll(
    names: readonly NodeName[],
    how: 'killed' | 'stopped',
    meanwhile: () => Promise<void> = async () => {},
  ): Promise<void> {
    const { stage } = this
    const nodes = names.map((name) => this.network.node(name))
    stage.attempts.length = 0
    await this.#work(async () => {
      await this.#round()
      stage.phase = 'leaving'
      if (how === 'killed') await Promise.all(nodes.map((node) => node.kill()))
      else for (const node of nodes) assert.equal(await node.stop(), 0, 'did not end cleanly')
      stage.phase = 'away'
      await this.#round()
      await meanwhile()
      stage.phase = 'returning'
      for (const node of nodes) await node.start()
      // One that came back while another was away may still believe, for a second, that it is.
      if (names.length > 1) await this.#everythingIsAnswered()
      stage.phase = 'calm'
      await this.#round()
    })
    for (const attempt of stage.attempts) this.#judge(attempt, names)
    await this.assertWhole()
  }

  async #everythingIsAnswered(): Promise<void> {
    for (const person of this.stage.people)
      for (const [what, , read] of person.readings())
        await eventually(`${what} for ${person.handle}`, () => read().then(() => true))
  }

  #judge(attempt: Attempt, missing: readonly NodeName[]): void {
    const { beganIn, endedIn, error, needs, what, who } = attempt
    const told = `${who}, ${what}, without ${missing}: ${error?.status} ${error?.error} ${error?.message}`
    const lacks = missing.filter((name) => needs.includes(name))
    if (error === undefined) {
      const isMiracle = lacks.length > 0 && beganIn === 'away' && endedIn === 'away'
      assert.ok(!isMiracle, `${told}: answered`)
      return
    }
    assert.ok(lacks.length > 0, `${told}: should go on`)
    const isCalm = beganIn === 'calm' && endedIn === 'calm'
    assert.ok(!isCalm, `${told}: failed while it was there`)
    // Whoever calls the missing one itself knows whom it called.
    if (lacks.includes(needs[0] as NodeName) || who === 'moderator') return
    if (isSayingItStarts(error)) return
    assert.ok(error.status === 502 || error.status === 504, told)
    assert.match(error.error ?? '', /^Upstream(Failure|Timeout)$/, told)
    // One that is back may in turn lack another that is not.
    const names = missing.flatMap((name) => this.#namesOf(name))
    assert.ok(
      names.some((name) => error.message.includes(name)),
      `${told}: does not name ${names.join(' or ')}`,
    )
  }

  #namesOf(name: NodeName): string[] {
    const { did } = this.network.node(name).place
    return [new URL(this.network.url(name)).host, ...(did ? [did] : [])]
  }

  /** Nothing acknowledged is lost anywhere, nothing is there twice. */
  async assertWhole(): Promise<Truth> {
    const { network, stage, moderator } = this
    const truth = await truthOf(stage.people)
    assertHostsKept(truth)
    await assertRelayToldAll(network.url('relay'), truth)
    await assertJetstreamToldAll(network.url('jetstream'), truth)
    // Asked itself: a host would put its people's own newest writes into what the view says.
    const view = new AtpAgent({ service: network.url('appview') })
    await assertViewShowsAll(truth, view, moderator)
    await assertSearchFindsAll(truth, view)
    await assertFeedsShowAll(truth, view, this.#feeds)
    await this.#assertReportsKept()
    return truth
  }

  async #assertReportsKept(): Promise<void> {
    const reports = await this.moderator.reports()
    assert.equal(new Set(reports).size, reports.length, 'a report is there twice')
    for (const { handle, reported } of this.stage.people)
      for (const reason of reported) assert.ok(reports.includes(reason), `${handle}: ${reason}`)
  }
}

/** Between listening and being ready. */
function isSayingItStarts({ status, error, message }: NonNullable<Attempt['error']>): boolean {
  return status === 503 && error === 'NotEnoughResources' && message.endsWith(' is starting')
}
