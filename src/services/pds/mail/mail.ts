import {
  type JobKind,
  type JobRun,
  type Jobs,
  type MailAddress,
  MailError,
  type MailTransport,
  type Sealer,
} from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import type { CodePurpose } from '../sign-in/index.ts'
import type { Languages } from './languages.ts'
import { type Letter, type LetterFilter, Outbox } from './outbox.ts'
import { type RenderedLetter, renderCode, renderMessage, renderNotice } from './render.ts'
import { common, type NoticePurpose, notices, words } from './words.ts'

/** Where letters go, and in whose name. */
export interface MailRoute {
  transport: MailTransport
  from: MailAddress
}

export interface CodeLetterInput {
  did: Did
  handle: string
  recipient: string
  purpose: CodePurpose
  code: string
  /** From when on the code opens nothing. */
  expiresMs: number
  languages: Languages
}

/** A letter in the operator's own words. */
export interface MessageInput {
  did: Did
  handle: string
  recipient: string
  /** One line, up to 200 characters. */
  subject: string | undefined
  /** Plain text or simple HTML, up to 100,000 characters. */
  content: string
  languages: Languages
}

/** A letter that can be read: not after it was delivered, and not after its code has expired. */
export type ReadableLetter = Letter & { rendered: RenderedLetter | undefined }

/** A letter about something that happened to an account. */
export interface NoticeInput {
  did: Did
  handle: string
  recipient: string
  purpose: NoticePurpose
  /** From what and where, as far as it is known: names that read from left to right. */
  facts: readonly string[]
  languages: Languages
}

type Contents = { handle: string } & (
  | { code: string }
  | { content: string }
  | { facts: readonly string[] }
)

export const DELIVERY_JOB = 'deliver-letter'
/** With pauses of at most five minutes: a mail server may be away for a day. */
const ATTEMPTS_MAX = 300
const FIRST_PAUSE_MS = 2_000
const LONGEST_PAUSE_MS = 5 * 60_000
/** How deliveries are tried again. */
export const DELIVERY_PACE: Pick<JobKind, 'maxAttempts' | 'pauseMs'> = {
  maxAttempts: ATTEMPTS_MAX,
  pauseMs: (failures) => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 20)),
}
const HOUR_MS = 3_600_000
/** Codes to one address within an hour, whichever accounts ask for them. */
const CODES_TO_ADDRESS_MAX = 10
/** How long the outbox remembers; what an operator wrote is readable as long, unless it was sent. */
const RETENTION_MS = 30 * 24 * HOUR_MS
const SUBJECT_MAX = 200
const CONTENT_MAX = 100_000

/**
 * Letters to people. Each is a row that a job delivers; without a mail server it stays in the
 * outbox, where the operator reads it.
 */
export class Mail {
  readonly outbox: Outbox
  readonly #accounts: MailRoute | undefined
  readonly #moderation: MailRoute | undefined
  readonly #jobs: Jobs
  readonly #sealer: Sealer
  readonly #host: string
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array

  constructor(options: {
    sql: Sql
    jobs: Jobs
    sealer: Sealer
    /** Public URL of the host. */
    host: string
    now: () => number
    random: (byteCount: number) => Uint8Array
    accounts?: MailRoute | undefined
    /** For the operator's own letters, where they leave by another server. */
    moderation?: MailRoute | undefined
  }) {
    this.outbox = new Outbox(options.sql)
    this.#jobs = options.jobs
    this.#sealer = options.sealer
    this.#host = options.host
    this.#now = options.now
    this.#random = options.random
    this.#accounts = options.accounts
    this.#moderation = options.moderation
  }

  /** Whether codes reach people by mail; false while they stay in the outbox. */
  get leavesHost(): boolean {
    return this.#accounts !== undefined
  }

  /** Throws RateLimitExceeded (429) above 10 codes an hour to one address. */
  async requireRoomFor(recipient: string): Promise<void> {
    const nowMs = this.#now()
    const { count, firstMs } = await this.outbox.codesTo(recipient, nowMs - HOUR_MS)
    if (count >= CODES_TO_ADDRESS_MAX) throw tooManyLetters(firstMs + HOUR_MS - nowMs)
  }

  /** Queues a letter with a one-time code; resolves when it cannot be lost any more. */
  async sendCode(letter: CodeLetterInput): Promise<void> {
    const { handle, code, languages, purpose } = letter
    const subject = languages.map((language) => words[purpose][language].subject).join(' · ')
    await this.#queue({ ...letter, subject }, { handle, code })
  }

  /** Queues a letter that tells an owner what happened; resolves when it cannot be lost any more. */
  async sendNotice(letter: NoticeInput): Promise<void> {
    const { languages, purpose, handle, facts } = letter
    const subject = languages.map((language) => notices[purpose][language].subject).join(' · ')
    const expiresMs = this.#now() + RETENTION_MS
    await this.#queue({ ...letter, subject, expiresMs }, { handle, facts })
  }

  /**
   * Queues a letter in the operator's words, and says whether it leaves the host. Throws
   * InvalidRequest when it is too long or empty.
   */
  async sendMessage(letter: MessageInput): Promise<boolean> {
    const { languages, content, handle } = letter
    if (content.length > CONTENT_MAX) throw invalidRequest(`More than ${CONTENT_MAX} characters`)
    if (content.trim() === '') throw invalidRequest('The letter is empty')
    const given = (letter.subject ?? '').replace(/[\p{Cc}\s]+/gu, ' ').trim()
    if (given.length > SUBJECT_MAX) {
      throw invalidRequest(`The subject has more than ${SUBJECT_MAX} characters`)
    }
    const subject = given || common[languages[0]].message
    const expiresMs = this.#now() + RETENTION_MS
    const row = { ...letter, purpose: 'message', subject, expiresMs } as const
    await this.#queue(row, { handle, content })
    return this.#routeOf(row) !== undefined
  }

  #queue(
    letter: Pick<Letter, 'did' | 'recipient' | 'purpose' | 'subject' | 'languages' | 'expiresMs'>,
    contents: Contents,
  ): Promise<number> {
    const messageId = this.#messageId()
    const sealed = this.#sealer.seal(
      new TextEncoder().encode(JSON.stringify(contents)),
      `letter ${messageId}`,
    )
    const route = this.#routeOf(letter)
    const state = route ? 'waiting' : 'kept'
    const row = { ...letter, contents: sealed, state, messageId, createdMs: this.#now() } as const
    return this.outbox.add(row, async (id) => {
      if (route) await this.#jobs.add(DELIVERY_JOB, String(id))
    })
  }

  #messageId(): string {
    const random = Array.from(this.#random(16), (byte) => byte.toString(16).padStart(2, '0'))
    return `<${random.join('')}@${new URL(this.#host).hostname}>`
  }

  #routeOf({ purpose }: Pick<Letter, 'purpose'>): MailRoute | undefined {
    return purpose === 'message' ? (this.#moderation ?? this.#accounts) : this.#accounts
  }

  /** Newest first, without what they say. */
  list(filter: LetterFilter): Promise<Letter[]> {
    return this.outbox.list(filter)
  }

  /** Throws LetterNotFound. */
  async read(id: number): Promise<ReadableLetter> {
    const letter = await this.outbox.get(id)
    if (!letter) throw new XrpcError(400, 'LetterNotFound', `No letter ${id}`)
    return { ...letter, rendered: this.#render(letter) }
  }

  /** Queues a letter again, first in line. Throws LetterNotFound, LetterBlanked, MailNotConfigured. */
  async resend(id: number): Promise<Letter> {
    const letter = await this.read(id)
    if (!letter.rendered) {
      const why = letter.state === 'sent' ? 'was delivered' : 'has expired'
      throw new XrpcError(400, 'LetterBlanked', `What the letter said ${why}, and is not kept`)
    }
    if (!this.#routeOf(letter)) {
      throw new XrpcError(400, 'MailNotConfigured', 'This host has no mail server')
    }
    await this.outbox.setState(id, 'waiting')
    const key = String(id)
    if (!(await this.#jobs.add(DELIVERY_JOB, key))) await this.#jobs.retry(DELIVERY_JOB, key)
    return { ...letter, state: 'waiting', reason: undefined }
  }

  /** Delivers one letter; what the mail server says is kept with it. Logs learn no address. */
  async deliver({ key, attempt, signal }: JobRun): Promise<void> {
    const id = Number(key)
    const letter = await this.outbox.get(id)
    if (letter?.state !== 'waiting') return
    const route = this.#routeOf(letter)
    if (!route) return this.outbox.setState(id, 'kept', 'this host has no mail server')
    const rendered = this.#render(letter)
    if (!rendered) return this.#failed(letter, 'it expired before a mail server took it')
    const { recipient, messageId, createdMs } = letter
    const message = { ...rendered, from: route.from, to: recipient, messageId, dateMs: createdMs }
    try {
      await route.transport.send(message, signal)
    } catch (error) {
      if (signal.aborted || !(error instanceof MailError)) throw error
      const isFinal = error.isPermanent || attempt >= ATTEMPTS_MAX
      if (isFinal) return this.#failed(letter, error.message)
      await this.outbox.tried(id, 'waiting', error.message, this.#now())
      throw new Error(`the mail server did not take a letter: ${error.code}`)
    }
    await this.outbox.sent(id, this.#now())
  }

  async #failed({ id, reason }: Letter, why: string): Promise<void> {
    const told = reason === undefined || reason === why ? why : `${why}; before: ${reason}`
    await this.outbox.tried(id, 'failed', told, this.#now())
  }

  #render(letter: Letter): RenderedLetter | undefined {
    const { contents: sealed, messageId, purpose, subject, languages, expiresMs } = letter
    if (!sealed || expiresMs <= this.#now()) return undefined
    const json = new TextDecoder().decode(this.#sealer.open(sealed, `letter ${messageId}`))
    const contents = JSON.parse(json) as Contents
    const frame = { handle: contents.handle, host: this.#host, languages }
    if ('code' in contents) return renderCode(purpose as CodePurpose, contents.code, frame)
    if ('facts' in contents) return renderNotice(purpose as NoticePurpose, contents.facts, frame)
    return renderMessage(subject, contents.content, frame)
  }

  /** Blanks letters whose codes have expired, and forgets those of a month ago. */
  tidy(): Promise<void> {
    const nowMs = this.#now()
    return this.outbox.tidy(nowMs, nowMs - RETENTION_MS)
  }
}

/** `Name <address>` or an address alone, as it stands in configurations. */
export function mailRoute(
  transport: MailTransport | undefined,
  from: string | undefined,
): MailRoute | undefined {
  if (!transport || !from) return undefined
  const [, name, address = from] = /^\s*(.*?)\s*<([^<>]+)>\s*$/.exec(from) ?? []
  return { transport, from: { address: address.trim(), name: name?.replace(/^"|"$/g, '') } }
}

/** Too many letters: 429 with the time to wait. */
export function tooManyLetters(waitMs: number): XrpcError {
  return new XrpcError(429, 'RateLimitExceeded', 'Too many letters within an hour', {
    headers: { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) },
  })
}
