/** Work on one account, one after the other: copying it, putting it in order, erasing it. */
export class InTurn {
  readonly #last = new Map<number, Promise<unknown>>()

  async run<T>(aid: number, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(aid) ?? Promise.resolve()
    const mine = before.then(work, work)
    const settled = mine.catch(() => {})
    this.#last.set(aid, settled)
    try {
      return await mine
    } finally {
      if (this.#last.get(aid) === settled) this.#last.delete(aid)
    }
  }
}
