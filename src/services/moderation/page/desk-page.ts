import type { Fetch, HttpRequest, HttpResponse } from '#platform/runtime'
import type { Directory } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { invalidRequest, toXrpcError, XrpcError } from '#protocol/xrpc'
import type { Callers } from '../auth/callers.ts'
import { type Ledger, type LedgerEvent, parseSubject, type Records } from '../decisions/index.ts'
import type { Labels } from '../labels/index.ts'
import type { Html } from './html.ts'
import { html } from './html.ts'
import { style } from './style.ts'
import { readSubjectContent } from './subject-content.ts'
import { caseView, type Frame, page, QUEUES, type Queue, queueView } from './views.ts'
import { languageOf, words } from './words.ts'

export interface DeskParts {
  /** The labeler: in whose name the operator decides. */
  did: Did
  callers: Callers
  directory: Directory
  fetch: Fetch
  labels: Labels
  ledger: Ledger
  records: Records
}

const FORM_BYTES_MAX = 32_768
const ROWS = 50
const EVENTS = 100

/** Nothing but our own style sheet is loaded, no script runs, nobody frames the page. */
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  // `no-referrer` would make the origin of our own forms `null`.
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** The operator's desk as pages: the queue, a case, a form of decisions. */
export class DeskPage {
  readonly #parts: DeskParts

  constructor(parts: DeskParts) {
    this.#parts = parts
  }

  async handle(request: HttpRequest): Promise<HttpResponse> {
    const { path, method } = request
    if (path === '/style.css') return stylesheet()
    const query = new URLSearchParams(request.query)
    const frame = frameOf(query.get('lang'), request)
    if (!this.#isOperator(request)) return denied(frame)
    try {
      if (path === '/' && isRead(method)) return await this.#queue(frame, query, request)
      if (path === '/case' && isRead(method))
        return await this.#case(frame, query.get('subject') ?? '')
      if (path === '/act' && method === 'POST') return await this.#act(request)
    } catch (error) {
      const { status, message } = toXrpcError(error)
      if (status >= 500) throw error
      return answer(status, page(frame, frame.words.title, '/', problemView(frame, message)))
    }
    return { status: 404, headers: { 'content-type': 'text/plain' }, body: 'Not found\n' }
  }

  #isOperator(request: HttpRequest): boolean {
    try {
      return this.#parts.callers.isAdmin(request)
    } catch {
      return false
    }
  }

  async #queue(frame: Frame, query: URLSearchParams, request: HttpRequest): Promise<HttpResponse> {
    const { records, labels } = this.#parts
    const asked = query.get('queue') as Queue
    const queue = QUEUES.includes(asked) ? asked : 'open'
    const found = await records.statuses({
      reviewState: queue === 'all' ? undefined : queue,
      sortField: queue === 'closed' ? 'lastReviewedAt' : 'lastReportedAt',
      ascending: false,
      limit: ROWS,
      cursor: query.get('cursor') ?? undefined,
    })
    const rows = await Promise.all(
      found.rows.map(async (subject) => ({
        subject,
        labels: await labels.valuesOf(subject.key),
      })),
    )
    const body = queueView(frame, { queue, rows, cursor: found.cursor })
    return answer(200, page(frame, frame.words.title, `/?${request.query}`, body))
  }

  async #case(frame: Frame, name: string, problem?: string): Promise<HttpResponse> {
    const { records, labels, directory, fetch } = this.#parts
    const subject = parseSubject(name.trim())
    const { key } = subject
    const [row, values, history, content] = await Promise.all([
      records.subject(key),
      labels.valuesOf(key),
      records.events({ subject: key, ascending: false, limit: EVENTS }),
      readSubjectContent(subject, { directory, fetch }),
    ])
    const shown = { key, row, labels: values, events: history.rows, content }
    const here = `/case?subject=${encodeURIComponent(key)}`
    const body = caseView(frame, shown, problem)
    return answer(problem === undefined ? 200 : 400, page(frame, key, here, body))
  }

  async #act(request: HttpRequest): Promise<HttpResponse> {
    const form = await readForm(request)
    const frame = frameOf(form.get('lang'), request)
    if (!isOwnForm(request)) return answer(403, page(frame, '', '/', foreignView(frame)))
    const name = form.get('subject') ?? ''
    const { ledger, did } = this.#parts
    try {
      const subject = { ...parseSubject(name), cid: form.get('cid') ?? undefined }
      for (const event of eventsOf(form)) await ledger.append({ subject, event, by: did })
    } catch (error) {
      if (toXrpcError(error).status >= 500) throw error
      return this.#case(frame, name, (error as Error).message)
    }
    const location = `/case?subject=${encodeURIComponent(name)}&lang=${frame.language}`
    return { status: 303, headers: { ...HEADERS, location }, body: '' }
  }
}

const isRead = (method: string) => method === 'GET' || method === 'HEAD'

function frameOf(asked: string | null, { headers }: HttpRequest): Frame {
  const language = languageOf(asked, headers['accept-language'])
  return { language, words: words[language] }
}

function answer(status: number, body: Html): HttpResponse {
  return { status, headers: HEADERS, body: body.text }
}

function stylesheet(): HttpResponse {
  const type = { 'content-type': 'text/css; charset=utf-8', 'x-content-type-options': 'nosniff' }
  return { status: 200, headers: { ...type, 'cache-control': 'max-age=300' }, body: style }
}

function denied({ words: { denied } }: Frame): HttpResponse {
  const headers = {
    ...HEADERS,
    'content-type': 'text/plain; charset=utf-8',
    'www-authenticate': 'Basic realm="moderation", charset="UTF-8"',
  }
  return { status: 401, headers, body: `${denied}\n` }
}

const problemView = ({ words, language }: Frame, message: string) =>
  html`<p class="problem" role="alert" dir="auto">${message}</p><p><a href="/?lang=${language}">${words.back}</a></p>`

const foreignView = (frame: Frame) => problemView(frame, frame.words.foreign)

/** The password comes with every request the browser sends here, also from others' pages. */
function isOwnForm({ headers }: HttpRequest): boolean {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return false
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host
}

async function readForm(request: HttpRequest): Promise<URLSearchParams> {
  const type = request.headers['content-type']?.split(';')[0]
  if (type !== 'application/x-www-form-urlencoded') throw invalidRequest('Not a form')
  const { body } = request
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body instanceof Uint8Array ? [body] : (body ?? [])) {
    length += chunk.length
    if (length > FORM_BYTES_MAX)
      throw new XrpcError(413, 'PayloadTooLarge', 'The form is too large')
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return new URLSearchParams(new TextDecoder().decode(bytes))
}

const EVENT_NAMES: Record<string, string> = {
  label: 'modEventLabel',
  unlabel: 'modEventLabel',
  takedown: 'modEventTakedown',
  reverse: 'modEventReverseTakedown',
  acknowledge: 'modEventAcknowledge',
  escalate: 'modEventEscalate',
  comment: 'modEventComment',
  resolve: 'modEventResolveAppeal',
}

/** What a button means. Labelling also settles the case. */
function eventsOf(form: URLSearchParams): LedgerEvent[] {
  const action = form.get('action') ?? ''
  const name = EVENT_NAMES[action]
  if (name === undefined) throw invalidRequest('No such decision')
  const comment = form.get('reason')?.trim()
  const hours = form.get('hours')?.trim()
  if (hours && !/^[1-9]\d{0,5}$/.test(hours)) throw invalidRequest('Hours are a whole number')
  const event = {
    $type: `tools.ozone.moderation.defs#${name}`,
    ...(comment && { comment }),
    ...(hours &&
      (action === 'label' || action === 'takedown') && { durationInHours: Number(hours) }),
  }
  if (name !== 'modEventLabel') return [event]
  const values = (form.get('value') ?? '').split(/[\s,]+/).filter((value) => value !== '')
  const said = action === 'label'
  const labels = { createLabelVals: said ? values : [], negateLabelVals: said ? [] : values }
  const settled = { $type: 'tools.ozone.moderation.defs#modEventAcknowledge' }
  return [{ ...event, ...labels }, settled]
}
