/** A piece of network between two hosts that can be cut, go silent, or break in the middle of an answer. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

interface Pair {
  near: Socket
  far: Socket
}

/** Where others reach a host; it passes on what comes, as long as it is told to. */
export class Wire {
  readonly #targetPort: number
  readonly #pairs = new Set<Pair>()
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #isCut = false
  #isSilent = false
  /** Bytes of the answer to the call that `resetIn` waits for, after which the connection is reset. */
  #reset: { call: string; after: number; times: number } | undefined
  #heard: { call: string; tell: () => void } | undefined

  constructor(targetPort: number) {
    this.#targetPort = targetPort
  }

  async open(): Promise<this> {
    // Both halves close as their ends do.
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#join(near))
    this.#server.listen(0, 'localhost')
    await once(this.#server, 'listening')
    return this
  }

  get url(): string {
    return `http://localhost:${(this.#server!.address() as AddressInfo).port}`
  }

  close(): void {
    this.cut()
    for (const socket of this.#sockets) socket.destroy()
    this.#server?.close()
  }

  /** Every connection breaks, and no new one comes about. */
  cut(): void {
    this.#isCut = true
    for (const pair of this.#pairs) destroy(pair)
  }

  /** Connections stay open and come about, and not a byte passes. */
  silence(): void {
    this.#isSilent = true
    for (const { near, far } of this.#pairs) for (const socket of [near, far]) socket.pause()
  }

  mend(): void {
    this.#isCut = false
    this.#reset = undefined
    this.#heard = undefined
    if (!this.#isSilent) return
    this.#isSilent = false
    for (const { near, far } of this.#pairs) for (const socket of [near, far]) socket.resume()
  }

  /** The connection is reset so many bytes into an answer, so many times. */
  resetIn(call: string, after: number, times: number): void {
    this.#reset = { call, after, times }
  }

  /** `tell` runs, once, when a call comes, before it is passed on. */
  hear(call: string, tell: () => void): void {
    this.#heard = { call, tell }
  }

  #join(near: Socket): void {
    if (this.#isCut) {
      near.resetAndDestroy()
      return
    }
    const far = connect({ port: this.#targetPort, host: 'localhost', allowHalfOpen: true })
    const pair = { near, far }
    this.#pairs.add(pair)
    let left = Number.POSITIVE_INFINITY
    near.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1', 0, 2_000)
      if (this.#heard && text.includes(this.#heard.call)) {
        const { tell } = this.#heard
        this.#heard = undefined
        tell()
      }
      if (this.#reset && text.includes(this.#reset.call)) {
        left = this.#reset.after
        if (--this.#reset.times === 0) this.#reset = undefined
      } else left = Number.POSITIVE_INFINITY
      this.#pass(bytes, near, far)
    })
    far.on('data', (bytes: Buffer) => {
      if (bytes.length < left) {
        left -= bytes.length
        this.#pass(bytes, far, near)
        return
      }
      near.write(bytes.subarray(0, left), () => near.resetAndDestroy())
      far.destroy()
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('end', () => other.end())
      one.on('error', () => destroy(pair))
      this.#sockets.add(one)
      one.on('close', () => {
        this.#sockets.delete(one)
        this.#pairs.delete(pair)
        other.destroySoon()
      })
      if (this.#isSilent) one.pause()
    }
  }

  /** At the pace of whoever reads. */
  #pass(bytes: Buffer, from: Socket, to: Socket): void {
    if (to.write(bytes)) return
    from.pause()
    to.once('drain', () => {
      if (!this.#isSilent) from.resume()
    })
  }
}

function destroy({ near, far }: Pair): void {
  near.resetAndDestroy()
  far.destroy()
}
