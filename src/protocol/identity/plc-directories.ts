/** Several directories of did:plc, asked in an order: a private one, say, and a replica of the public one. */
import type { Did } from '#protocol/syntax'
import { UpstreamError } from './upstream-error.ts'

/** One PLC directory, or several in the order they are asked: the first that knows a DID answers for it. */
export type PlcUrls = string | readonly string[]

/** DIDs whose directory is remembered; those learnt first are forgotten first. */
const REMEMBERED_MAX = 50_000

export class PlcDirectories {
  readonly #urls: readonly string[]
  readonly #answered = new Map<Did, string>()

  /** At least one. */
  constructor(urls: PlcUrls) {
    this.#urls = typeof urls === 'string' ? [urls] : urls
    if (this.#urls.length === 0) throw new Error('no directory of identities is named')
  }

  /** The one that takes new identities. */
  get first(): string {
    return this.#urls[0]!
  }

  /** Which one answered for a DID while those before it did not know it. */
  answeredBy(did: Did): string | undefined {
    return this.#urls.length === 1 ? this.first : this.#answered.get(did)
  }

  /**
   * The first answer. `one` asks one directory; undefined is that it does not know the DID. Undefined
   * when none knows it; the UpstreamError of one that could not be asked when no other knows it.
   */
  async ask<T>(
    did: Did,
    one: (url: string) => Promise<T | undefined>,
  ): Promise<{ url: string; value: T } | undefined> {
    let failure: UpstreamError | undefined
    for (const url of this.#inOrder(did)) {
      try {
        const value = await one(url)
        if (value === undefined) continue
        // One that could not be asked may know it too, and comes first again when it is back.
        if (failure === undefined) this.#remember(did, url)
        return { url, value }
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error
        failure ??= error
      }
    }
    this.#answered.delete(did)
    if (failure !== undefined) throw failure
    return undefined
  }

  #inOrder(did: Did): readonly string[] {
    const known = this.#answered.get(did)
    if (known === undefined || known === this.first) return this.#urls
    return [known, ...this.#urls.filter((url) => url !== known)]
  }

  #remember(did: Did, url: string): void {
    if (this.#urls.length === 1) return
    this.#answered.delete(did)
    this.#answered.set(did, url)
    if (this.#answered.size <= REMEMBERED_MAX) return
    this.#answered.delete(this.#answered.keys().next().value!)
  }
}
