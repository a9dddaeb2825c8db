/** A mail server for tests: it speaks SMTP on a free port, keeps what it takes, and fails on demand. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'

/** A letter as it arrived. */
export interface ReceivedLetter {
  from: string
  to: string[]
  /** By lower-case name, unfolded and decoded. */
  headers: Record<string, string>
  text: string
  html: string
  /** The bytes as they came. */
  raw: string
  /** It came over TLS. */
  isEncrypted: boolean
  /** User and password given on the way, if any. */
  login: string | undefined
}

/** What the next letter meets: an answer to RCPT or to its text, or worse. */
export type Mishap =
  | { rcpt: string }
  | { data: string }
  /** The connection breaks in the middle of the letter. */
  | 'drop'
  /** The letter is taken; then nothing is said any more. */
  | 'hang'
  /** Nothing is said to a new connection. */
  | 'noGreeting'

export interface SinkOptions {
  startTls?: boolean
  /** Only this `user:password` may send. */
  login?: string
}

export interface SmtpSink {
  port: number
  /** `smtp://127.0.0.1:PORT` */
  url: string
  letters: ReceivedLetter[]
  /** Queued for the next letters, one each; after them all goes well. */
  mishaps: Mishap[]
  /** Connections opened so far. */
  readonly connections: number
  /** Resolves when so many letters have arrived in all. */
  received(count: number): Promise<void>
  close(): Promise<void>
}

// A key and a certificate of nobody, for localhost, so that STARTTLS can be spoken.
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwfFr+nU9xtWcu5tt
vuzqE21JRgkjJM/oltcnLrYwCqehRANCAATA5/MPsWghG4KHodeBIh36eSXYqC8/
FEnFh0qvV2ssldcJdr3z1K4QUrPMSEzKK37oCVHasK81IRuGFfM+76Ly
-----END PRIVATE KEY-----`
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIUGC3CeC9GEsqVumpVKQvu/8qtHfcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyODIxMjkzMFoYDzIxMjYxMTA0
MjEyOTMwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATA5/MPsWghG4KHodeBIh36eSXYqC8/FEnFh0qvV2ssldcJdr3z1K4Q
UrPMSEzKK37oCVHasK81IRuGFfM+76Lyo2kwZzAdBgNVHQ4EFgQUPmOZBpNu15FO
ycywaOHyW8tWas4wHwYDVR0jBBgwFoAUPmOZBpNu15FOycywaOHyW8tWas4wDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
RwAwRAIgPKACscoe1FQJhxNnhyNi6/TTh55XJxjI1U+MCWdIViQCICM1t1Fep2O1
snVXjOBJtGtnIlgpjfPA2k2/HZlsKIBW
-----END CERTIFICATE-----`

export async function smtpSink(options: SinkOptions = {}): Promise<SmtpSink> {
  const sockets = new Set<Socket>()
  const waiting: (() => void)[] = []
  let connections = 0
  const sink = {
    letters: [] as ReceivedLetter[],
    mishaps: [] as Mishap[],
    arrived(letter: ReceivedLetter) {
      this.letters.push(letter)
      for (const look of waiting.splice(0)) look()
    },
  }
  const server: Server = createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    if (sink.mishaps[0] === 'noGreeting') return void sink.mishaps.shift()
    new Conversation(sink, options).begin(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `smtp://127.0.0.1:${port}`,
    letters: sink.letters,
    mishaps: sink.mishaps,
    get connections() {
      return connections
    },
    async received(count) {
      while (sink.letters.length < count)
        await new Promise<void>((resolve) => waiting.push(resolve))
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Sink {
  letters: ReceivedLetter[]
  mishaps: Mishap[]
  arrived(letter: ReceivedLetter): void
}

/** One connection, command by command. */
class Conversation {
  readonly #sink: Sink
  readonly #options: SinkOptions
  #socket!: Socket
  #pending = ''
  #isReadingLetter = false
  #isEncrypted = false
  #login: string | undefined
  #from = ''
  #to: string[] = []
  #mishap: Mishap | undefined

  constructor(sink: Sink, options: SinkOptions) {
    this.#sink = sink
    this.#options = options
  }

  begin(socket: Socket): void {
    this.#socket = socket
    this.#say('220 sink.example ready')
    this.#listen()
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#pending += chunk.toString('latin1')
      this.#read()
    })
  }

  #say(line: string): void {
    this.#socket.write(`${line}\r\n`)
  }

  #read(): void {
    for (;;) {
      if (this.#isReadingLetter) {
        if (this.#mishap === 'drop' && this.#pending.length > 40) return void this.#socket.destroy()
        const end = this.#pending.indexOf('\r\n.\r\n')
        if (end < 0) return
        const raw = this.#pending.slice(0, end)
        this.#pending = this.#pending.slice(end + 5)
        this.#isReadingLetter = false
        this.#take(raw)
        continue
      }
      const end = this.#pending.indexOf('\r\n')
      if (end < 0) return
      const line = this.#pending.slice(0, end)
      this.#pending = this.#pending.slice(end + 2)
      if (this.#answer(line) === 'stop') return
    }
  }

  #answer(line: string): 'stop' | undefined {
    const verb = line.split(' ')[0]!.toUpperCase()
    if (verb === 'EHLO' || verb === 'HELO') return void this.#say(this.#features())
    if (verb === 'STARTTLS' && this.#options.startTls) {
      this.#say('220 go ahead')
      this.#encrypt()
      return 'stop'
    }
    if (verb === 'AUTH') return void this.#signIn(line.split(' ')[2] ?? '')
    if (verb === 'MAIL') return void this.#startLetter(line)
    if (verb === 'RCPT') return void this.#addRecipient(line)
    if (verb === 'DATA') {
      this.#isReadingLetter = true
      return void this.#say('354 go on')
    }
    if (verb === 'QUIT') return void this.#socket.end('221 bye\r\n')
    this.#say(verb === 'RSET' || verb === 'NOOP' ? '250 fine' : '502 5.5.1 not here')
    return undefined
  }

  #features(): string {
    const lines = ['250-sink.example', '250-8BITMIME', '250-SMTPUTF8']
    if (this.#options.startTls && !this.#isEncrypted) lines.push('250-STARTTLS')
    if (this.#options.login) lines.push('250-AUTH PLAIN')
    return [...lines, '250 SIZE 1000000'].join('\r\n')
  }

  #encrypt(): void {
    const plain = this.#socket
    plain.removeAllListeners('data')
    const secureContext = createSecureContext({ key: KEY, cert: CERTIFICATE })
    this.#socket = new TLSSocket(plain, { isServer: true, secureContext })
    this.#socket.on('error', () => {})
    this.#isEncrypted = true
    this.#pending = ''
    this.#listen()
  }

  #signIn(given: string): void {
    const [, user, password] = Buffer.from(given, 'base64').toString().split('\0')
    this.#login = `${user}:${password}`
    this.#say(this.#login === this.#options.login ? '235 welcome' : '535 5.7.8 wrong password')
  }

  #startLetter(line: string): void {
    if (this.#options.login && this.#login !== this.#options.login)
      return void this.#say('530 5.7.0 sign in first')
    this.#from = addressIn(line)
    this.#to = []
    this.#mishap = this.#sink.mishaps.shift()
    this.#say('250 fine')
  }

  #addRecipient(line: string): void {
    const mishap = this.#mishap
    if (typeof mishap === 'object' && 'rcpt' in mishap) return void this.#say(mishap.rcpt)
    this.#to.push(addressIn(line))
    this.#say('250 fine')
  }

  #take(raw: string): void {
    const mishap = this.#mishap
    if (typeof mishap === 'object' && 'data' in mishap) return void this.#say(mishap.data)
    this.#sink.arrived({
      from: this.#from,
      to: this.#to,
      ...readLetter(raw.replace(/\r\n\.\./g, '\r\n.')),
      raw,
      isEncrypted: this.#isEncrypted,
      login: this.#login,
    })
    if (mishap !== 'hang') this.#say('250 taken')
  }
}

const addressIn = (line: string) =>
  Buffer.from(/<([^>]*)>/.exec(line)?.[1] ?? '', 'latin1').toString()

/** The headers and both parts of a multipart/alternative letter. */
function readLetter(raw: string): Pick<ReceivedLetter, 'headers' | 'text' | 'html'> {
  const { headers, body } = splitPart(raw)
  const boundary = /boundary="([^"]+)"/.exec(headers['content-type'] ?? '')?.[1]
  const parts = boundary ? body.split(`--${boundary}`).slice(1, -1).map(splitPart) : []
  const partOf = (type: string) => {
    const part = parts.find((one) => one.headers['content-type']?.startsWith(type))
    return part ? decodeBody(part.body, part.headers['content-transfer-encoding']) : ''
  }
  return { headers, text: partOf('text/plain'), html: partOf('text/html') }
}

function splitPart(raw: string): { headers: Record<string, string>; body: string } {
  const text = raw.replace(/^\r\n/, '')
  const end = text.indexOf('\r\n\r\n')
  const lines = text
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), decodeWords(line.slice(colon + 1).trim())]
    }),
  )
  return { headers, body: text.slice(end + 4) }
}

function decodeWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_all, kind: string, word: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString()
        : unquote(word.replaceAll('_', ' ')),
    )
}

function decodeBody(body: string, encoding = '7bit'): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  if (encoding === 'quoted-printable') return unquote(body.replace(/=\r\n/g, ''))
  return Buffer.from(body, 'latin1').toString()
}

function unquote(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString()
}
