/** A server that speaks as much of the Redis protocol as our form of Kv uses, and can misbehave. */
import { createServer, type Server, type Socket } from 'node:net'

interface Held {
  value: string
  expiresMs: number
}

export class FakeRedis {
  readonly url: string
  /** Milliseconds; keys expire by it. */
  nowMs = 1_000_000
  /** Takes commands and answers none. */
  isSilent = false
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #held = new Map<string, Held>()

  private constructor(server: Server, port: number) {
    this.#server = server
    this.url = `redis://127.0.0.1:${port}`
    server.on('connection', (socket) => this.#serve(socket))
  }

  static async start(port = 0): Promise<FakeRedis> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return new FakeRedis(server, (server.address() as { port: number }).port)
  }

  /** Cuts every connection; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  clear(): void {
    this.#held.clear()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {})
    let rest = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      rest += text
      for (;;) {
        const command = readCommand(rest)
        if (!command) return
        rest = rest.slice(command.length)
        if (!this.isSilent) socket.write(this.#answer(command.words), 'latin1')
      }
    })
  }

  #find(key: string): Held | undefined {
    const held = this.#held.get(key)
    if (held && held.expiresMs > this.nowMs) return held
    this.#held.delete(key)
    return undefined
  }

  #answer([name, ...words]: string[]): string {
    switch (name!.toUpperCase()) {
      case 'GET':
        return bulk(this.#find(words[0]!)?.value)
      case 'SET': {
        const [key, value, px, ms] = words
        const expiresMs = px ? this.nowMs + Number(ms) : Number.POSITIVE_INFINITY
        this.#held.set(key!, { value: value!, expiresMs })
        return '+OK\r\n'
      }
      case 'DEL': {
        const held = this.#find(words[0]!)
        this.#held.delete(words[0]!)
        return `:${held ? 1 : 0}\r\n`
      }
      case 'EVAL':
        return this.#increment(words[2]!, Number(words[3]), Number(words[4]))
      default:
        return '+OK\r\n'
    }
  }

  #increment(key: string, by: number, ttlMs: number): string {
    const held = this.#find(key)
    const sum = Number(held?.value ?? 0) + by
    if (Number.isNaN(sum)) return '-ERR value is not an integer or out of range\r\n'
    const expiresMs = held?.expiresMs ?? this.nowMs + ttlMs
    this.#held.set(key, { value: String(sum), expiresMs })
    const leftMs = expiresMs === Number.POSITIVE_INFINITY ? -1 : expiresMs - this.nowMs
    return `*2\r\n:${sum}\r\n:${leftMs}\r\n`
  }
}

const bulk = (text: string | undefined) =>
  text === undefined ? '$-1\r\n' : `$${text.length}\r\n${text}\r\n`

/** The first whole command of what came in, with its length; lengths count bytes, as latin1 does. */
function readCommand(text: string): { words: string[]; length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text)
  if (!head) return undefined
  let at = head[0].length
  const words: string[] = []
  for (let left = Number(head[1]); left > 0; left--) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at))
    if (!size) return undefined
    at += size[0].length
    const end = at + Number(size[1])
    if (text.length < end + 2) return undefined
    words.push(text.slice(at, end))
    at = end + 2
  }
  return { words, length: at }
}
