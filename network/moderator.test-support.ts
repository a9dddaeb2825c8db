/** Somebody who labels posts all the time, and remembers what was acknowledged. */
import type { Stage } from './people-at-work.test-support.ts'

const ADMIN = { authorization: `Basic ${btoa('admin:admin-pass')}` }
const LETTERS = 'abcdefg'
const REST_MS = 60

export interface Report {
  /** What its reporter wrote. */
  comment: string
}

/** Puts a label on the newest post of each person in turn. */
export class Moderator {
  readonly url: string
  readonly did: string
  readonly #stage: Stage
  readonly #labels = new Map<string, Set<string>>()
  /** Labels whose decision was never answered, as `uri value`. */
  readonly #unsure = new Set<string>()
  #isWorking = false
  #working: Promise<void> = Promise.resolve()
  #steps = 0

  constructor(stage: Stage, { url, did }: { url: string; did: string }) {
    this.#stage = stage
    this.url = url
    this.did = did
  }

  work(): void {
    this.#isWorking = true
    this.#working = this.#run()
  }

  async rest(): Promise<void> {
    this.#isWorking = false
    await this.#working
  }

  /** What was decided of a post, sorted. */
  labelsOf(uri: string): string[] {
    return [...(this.#labels.get(uri) ?? [])].toSorted()
  }

  /** Labels that are shown, without those that nobody knows whether they were decided. */
  sure(uri: string, values: readonly string[]): string[] {
    return values.filter((value) => !this.#unsure.has(`${uri} ${value}`))
  }

  /** Every report, in the order of the ledger. */
  async reports(): Promise<string[]> {
    const comments: string[] = []
    let cursor: string | undefined
    do {
      const query = new URLSearchParams({
        types: 'tools.ozone.moderation.defs#modEventReport',
        sortDirection: 'asc',
        limit: '100',
        ...(cursor && { cursor }),
      })
      const url = `${this.url}/xrpc/tools.ozone.moderation.queryEvents?${query}`
      const answer = (await (await fetch(url, { headers: ADMIN })).json()) as {
        events: { event: Report }[]
        cursor?: string
      }
      comments.push(...answer.events.map(({ event }) => event.comment))
      cursor = answer.cursor
    } while (cursor !== undefined)
    return comments
  }

  async #run(): Promise<void> {
    for (; this.#isWorking; this.#steps++) {
      const { newest, people } = this.#stage
      const post = newest.get(people[this.#steps % people.length]!)
      if (post) await this.#label(post, `label-${LETTERS[this.#steps % LETTERS.length]}`)
      await new Promise((done) => setTimeout(done, REST_MS))
    }
  }

  async #label(post: { uri: string; cid: string }, value: string): Promise<void> {
    const { attempts } = this.#stage
    const beganIn = this.#stage.phase
    const name = `${post.uri} ${value}`
    const $type = 'tools.ozone.moderation.defs#modEventLabel'
    const event = { $type, createLabelVals: [value], negateLabelVals: [] }
    const subject = { $type: 'com.atproto.repo.strongRef', ...post }
    const response = await fetch(`${this.url}/xrpc/tools.ozone.moderation.emitEvent`, {
      method: 'POST',
      headers: { ...ADMIN, 'content-type': 'application/json' },
      body: JSON.stringify({ subject, event, createdBy: this.did }),
    }).catch(() => undefined)
    const words = await response?.text().catch(() => 'broken off')
    if (response?.ok) {
      this.#unsure.delete(name)
      this.#labels.set(post.uri, (this.#labels.get(post.uri) ?? new Set()).add(value))
    } else if (!this.labelsOf(post.uri).includes(value)) this.#unsure.add(name)
    const endedIn = this.#stage.phase
    const status = response?.status ?? 1
    const error = response?.ok ? undefined : Object.assign(new Error(words), { status })
    const needs = ['moderation']
    attempts.push({ what: 'label', who: 'moderator', needs, beganIn, endedIn, error })
  }
}
