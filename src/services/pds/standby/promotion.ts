/** What a host does after it took another's place: every active repository says what it is. */
import type { Log } from '#platform/runtime'
import type { Accounts, Settings } from '../accounts/index.ts'
import type { Repos } from '../repos/index.ts'
import { PROMOTION_SETTING, type PromotionNote } from './directory-copy.ts'

const PAGE = 200
const AT_ONCE = 16
/** Behind every DID. */
const ALL = '~'

export class Promotion {
  readonly #settings: Settings
  #note: PromotionNote | undefined

  private constructor(settings: Settings, note: PromotionNote | undefined) {
    this.#settings = settings
    this.#note = note
  }

  static async load(settings: Settings): Promise<Promotion> {
    return new Promotion(settings, await settings.get<PromotionNote>(PROMOTION_SETTING))
  }

  /** Every seq given out is above this. */
  get aboveSeq(): number {
    return this.#note?.aboveSeq ?? 0
  }

  /**
   * A fresh commit above the newest rev, and `#sync`, of each active account: the network may have
   * heard of writes that did not get here. Goes on where it was; an account that cannot is named.
   */
  async run(
    { accounts, repos, log }: { accounts: Accounts; repos: Repos; log: Log },
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.#note || this.#note.announcedUpTo === ALL) return
    let announced = 0
    for (;;) {
      const cursor = this.#note.announcedUpTo
      const page = await accounts.list({ limit: PAGE, ...(cursor !== '' && { cursor }) })
      const waiting = page.filter(({ status }) => status === 'active')
      const work = async () => {
        for (let one = waiting.shift(); one && !signal.aborted; one = waiting.shift()) {
          const { did } = one
          await repos.announce(did).then(
            () => announced++,
            (error) => log.warn('an account could not say what it is', { did, error }),
          )
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
      if (signal.aborted) return
      await this.#keep(page.length < PAGE ? ALL : page.at(-1)!.did)
      if (page.length < PAGE) break
    }
    log.info('every active account has said what it is', { announced })
  }

  async #keep(announcedUpTo: string): Promise<void> {
    this.#note = { ...this.#note!, announcedUpTo }
    await this.#settings.set(PROMOTION_SETTING, this.#note)
  }
}
