/** Outgoing mail by SMTP: one letter at a time over a few kept connections, every wait bounded. */
import type { NodemailerError } from 'nodemailer'
import { isLoopbackHost } from './loopback.ts'

export interface MailAddress {
  address: string
  name?: string | undefined
}

/** A letter as it leaves: text and HTML say the same. */
export interface MailMessage {
  from: MailAddress
  /** One address; never a list. */
  to: string
  subject: string
  text: string
  html: string
  /** With its angle brackets; the same at every try, so that a second delivery is known for one. */
  messageId: string
  dateMs: number
}

/** Takes letters to a mail server. */
export interface MailTransport {
  /** Resolves when the server took the letter. Throws MailError, or the signal's reason. */
  send(message: MailMessage, signal?: AbortSignal): Promise<void>
  close(): void
}

/** A letter that the server did not take. */
export class MailError extends Error {
  /** The server refused this letter for good (5xx to its sender, recipient or text). */
  readonly isPermanent: boolean
  /** A word for logs: the SMTP status, or the kind of failure. Names nobody. */
  readonly code: string

  constructor(message: string, options: { isPermanent: boolean; code: string; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.name = 'MailError'
    this.isPermanent = options.isPermanent
    this.code = options.code
  }
}

/** A mail server as its URL names it. */
export interface SmtpServer {
  host: string
  port: number
  /** TLS from the first byte. */
  isSecure: boolean
  /** STARTTLS or nothing. */
  requireTls: boolean
  /** No STARTTLS, even when it is offered. */
  ignoreTls: boolean
  /** Whether the server's certificate must be good. */
  verifyCertificate: boolean
  user?: string | undefined
  password?: string | undefined
  /** What we call ourselves in the greeting. */
  name?: string | undefined
}

export interface SmtpTimeouts {
  /** To the open connection, and to the server's greeting. */
  connectMs: number
  /** Silence of the server. */
  silenceMs: number
}

const TIMEOUTS: SmtpTimeouts = { connectMs: 15_000, silenceMs: 60_000 }
const CONNECTIONS_MAX = 4
/** Letters over one connection before a fresh one: servers cut those that stay for ever. */
const PER_CONNECTION_MAX = 100
const RESPONSE_BYTES_MAX = 64_000
const LETTER_CHARS_MAX = 1_000_000
const REASON_MAX = 300
const ONE_ADDRESS = /^[^\s,;<>()"\p{Cc}@]+@[^\s,;<>()"\p{Cc}@]+$/u
const OPTIONS = ['requireTLS', 'ignoreTLS', 'tls.rejectUnauthorized', 'name', 'pool']
const SUBMISSION_PORT = 587
const SMTPS_PORT = 465

/**
 * Reads `smtp://user:password@host:587` or `smtps://…`, with `?requireTLS=`, `?ignoreTLS=`,
 * `?tls.rejectUnauthorized=` and `?name=`. A password travels only under TLS, but for a server on
 * this machine or where `ignoreTLS=true` says otherwise. Throws an Error whose message completes
 * "NAME …" and never shows the URL.
 */
export function readSmtpUrl(text: string): SmtpServer {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isSecure = url?.protocol === 'smtps:'
  if (!url || (!isSecure && url.protocol !== 'smtp:'))
    throw new Error('must be an smtp:// or smtps:// URL')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (host === '') throw new Error('must name a mail server')
  const unknown = [...url.searchParams.keys()].filter((key) => !OPTIONS.includes(key))
  if (unknown.length > 0) throw new Error(`must not have the option ${unknown[0]}`)
  const asked = (name: string) => url.searchParams.get(name)
  const user = decoded(url.username)
  const isLocal = isLoopbackHost(host)
  const ignoreTls = asked('ignoreTLS') === 'true'
  return {
    host,
    port: Number(url.port || (isSecure ? SMTPS_PORT : SUBMISSION_PORT)),
    isSecure: isSecure || Number(url.port) === SMTPS_PORT,
    requireTls:
      asked('requireTLS') === 'true' ||
      (user !== '' && !isLocal && asked('requireTLS') !== 'false' && !ignoreTls),
    ignoreTls,
    verifyCertificate: !isLocal && asked('tls.rejectUnauthorized') !== 'false',
    ...(user !== '' && { user, password: decoded(url.password) }),
    name: asked('name') ?? undefined,
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Error('must have its user and password percent-encoded')
  }
}

/** Letters to one SMTP server. Nothing is contacted before the first letter. */
export function smtpTransport(
  url: string,
  { connectMs, silenceMs }: SmtpTimeouts = TIMEOUTS,
): MailTransport {
  const server = readSmtpUrl(url)
  const open = async () => {
    const { createTransport } = await import('nodemailer')
    const transport = createTransport({
      pool: true,
      maxConnections: CONNECTIONS_MAX,
      maxMessages: PER_CONNECTION_MAX,
      host: server.host,
      port: server.port,
      secure: server.isSecure,
      requireTLS: server.requireTls,
      ignoreTLS: server.ignoreTls,
      tls: { rejectUnauthorized: server.verifyCertificate, minVersion: 'TLSv1.2' },
      ...(server.user !== undefined && { auth: { user: server.user, pass: server.password } }),
      ...(server.name !== undefined && { name: server.name }),
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      dnsTimeout: connectMs,
      socketTimeout: silenceMs,
      socketCloseTimeout: 1_000,
      maxResponseSize: RESPONSE_BYTES_MAX,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    // What breaks an idle connection concerns no letter.
    transport.on('error', () => {})
    return transport
  }
  let opened: ReturnType<typeof open> | undefined
  return {
    async send(message, signal) {
      signal?.throwIfAborted()
      if (message.text.length + message.html.length > LETTER_CHARS_MAX)
        throw new MailError('the letter is too large', { isPermanent: true, code: 'TooLarge' })
      if (!ONE_ADDRESS.test(message.to))
        throw new MailError('not one address', { isPermanent: true, code: 'BadAddress' })
      opened ??= open()
      const sending = (await opened).sendMail(envelopeOf(message))
      try {
        await (signal ? orAborted(sending, signal) : sending)
      } catch (error) {
        if (signal?.aborted) throw signal.reason
        throw mailError(error)
      }
    },
    close: () => void opened?.then((transport) => transport.close()),
  }
}

function envelopeOf({ from, to, subject, text, html, messageId, dateMs }: MailMessage) {
  return {
    from: { name: from.name ?? '', address: from.address },
    to: { name: '', address: to },
    subject,
    text,
    html,
    messageId,
    date: new Date(dateMs),
    // RFC 3834: nobody's absence note answers it.
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}

/** What the letter's sending gives, unless the signal is first: a drain waits for no mail server. */
async function orAborted(sending: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  promise.catch(() => {})
  try {
    await Promise.race([sending, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    sending.catch(() => {})
  }
}

/** Only what is said of this letter's sender, recipient or text is final; a server can be mended. */
function mailError(thrown: unknown): MailError {
  const { code = 'Unknown', responseCode, message } = thrown as NodemailerError
  const isAboutLetter = code === 'EENVELOPE' || code === 'EMESSAGE'
  return new MailError(oneLine(String(message)), {
    isPermanent: isAboutLetter && (responseCode === undefined || responseCode >= 500),
    code: responseCode === undefined ? code : String(responseCode),
    cause: thrown,
  })
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').slice(0, REASON_MAX)
}
